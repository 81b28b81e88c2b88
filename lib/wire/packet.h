/*
 * packet - the head of an IP packet: who to whom, on which port.
 *
 * Pure. The bytes are a stranger's: an app's refused packet, cut after some
 * tens of bytes. Called by runtime/names and by the fuzzer.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "wire/ip.h"

#define PACKET_TCP 6
#define PACKET_UDP 17

struct packet {
	struct ip from, to;
	uint8_t protocol;
	uint16_t port; /* where it goes; 0 without ports, or when cut off */
};

/* False when it is no whole head of IPv4 or IPv6. */
bool packet_parse(struct str bytes, struct packet *ret);
