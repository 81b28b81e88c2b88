/*
 * address - what follows from a slot and a number: an instance's IPv4
 * address, and the name of its veth on the host.
 *
 * Pure. Slot N has the /16 100.(64+N).0.0, so all slots are 100.64.0.0/10;
 * a number is the lower half of the address. Addresses are in host order.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define ADDRESS_TEXT 16 /* a dotted quad and a NUL */
#define VETH_NAME 16    /* IFNAMSIZ */

/* All bits 0 or all bits 1 would look like the network or its broadcast. */
#define ADDRESS_FIRST 1u
#define ADDRESS_LAST 65534u

#define ADDRESS_GATEWAY 0xa9fe0101u /* 169.254.1.1 */

/* The first address of the slot's /16, and that of number in it. */
uint32_t address_net(uint64_t slot);
uint32_t address_of(uint64_t slot, uint32_t number);

void address_print(uint32_t address, char out[ADDRESS_TEXT]);
/* A dotted quad of decimal numbers without leading zeros, nothing else. */
bool address_parse(struct str text, uint32_t *ret);

/* "paasN-NUMBER": the host end of an instance's veth. */
void veth_name(uint64_t slot, uint32_t number, char out[VETH_NAME]);
