/*
 * socktab - the kernel's tables of TCP sockets, /proc/PID/net/tcp and tcp6.
 *
 * Pure. A line of headings, then a line a socket, "N: ADDRESS:PORT PEER:PORT
 * STATE ...", in hex; each 32 bits of an address are printed as the host has
 * them in memory. What is no row is passed over. Called by listens.c and jail.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "wire/ip.h"

enum socktab_state { SOCKTAB_ESTABLISHED = 0x01, SOCKTAB_LISTEN = 0x0a };

struct socktab_row {
	struct ip local, peer;
	bool v6; /* of the table of IPv6, mapped IPv4 addresses included */
	uint16_t local_port, peer_port;
	uint8_t state; /* the kernel's TCP_* */
};

/* Take the next row off the front; false when there is none left. */
bool socktab_next(struct str *table, struct socktab_row *ret);

/* Is a connection in it whose other end is not on a loopback? */
bool socktab_leads_outside(struct str table);
