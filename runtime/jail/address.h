/*
 * address - what follows from a slot and a number: an instance's IPv4
 * and IPv6 address, and the name of its veth on the host.
 *
 * Pure. Slot N has the /16 100.(64+N).0.0, so all slots are 100.64.0.0/10;
 * a number is the lower half of the address. Addresses are in host order.
 * IPv6 ones are of fd70:6161:73NN::/48, a network of this machine alone: they
 * never leave it but translated, so they need not be random.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "wire/ip.h"

#define ADDRESS_TEXT 16 /* a dotted quad and a NUL */
#define VETH_NAME 16    /* IFNAMSIZ */

/* All bits 0 or all bits 1 would look like the network or its broadcast. */
#define ADDRESS_FIRST 1u
#define ADDRESS_LAST 65534u

#define ADDRESS_GATEWAY 0xa9fe0101u /* 169.254.1.1 */

/* The first address of the slot's /16, and that of number in it. */
uint32_t address_net(uint64_t slot);
uint32_t address_of(uint64_t slot, uint32_t number);

/* The /48 of the slot's IPv6 addresses, and that of number in it. */
struct ip_net address6_net(uint64_t slot);
struct ip address6_of(uint64_t slot, uint32_t number);

void address_print(uint32_t address, char out[ADDRESS_TEXT]);

/* "paasN-NUMBER": the host end of an instance's veth. */
void veth_name(uint64_t slot, uint32_t number, char out[VETH_NAME]);
