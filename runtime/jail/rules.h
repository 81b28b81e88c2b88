/*
 * rules - the text of a slot's nft table.
 *
 * Pure. The table is whole when it is loaded and has nothing in it that
 * depends on an instance. Which veth a packet comes from is told by the
 * prefix of its name, which only jail gives; that the source address is the
 * one of that veth is asked of the routing table (fib), where each instance
 * has the one route that jail made. So starting an instance costs no call of
 * nft, there is no set to keep in step with what runs, and no moment when an
 * instance is up and not yet, or no longer, in it.
 *
 * IPv4 alone: forwarding of IPv6 can't be turned on for single interfaces of
 * a host (before Linux 6.17), so instances have no IPv6 but ::1, and what
 * comes out of a veth and is not IPv4 is dropped.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "resolv.h"

#define RULES_MAX 8192 /* bytes of the text */
#define UPLINKS_MAX 8  /* interfaces that lead outside */
#define UPLINK_NAME 16 /* IFNAMSIZ */
/* Tracked connections of an instance: the host's table holds 65536 or more. */
#define FLOWS_MAX 4096u

struct uplinks {
	uint32_t n;
	char name[UPLINKS_MAX][UPLINK_NAME]; /* zeroes behind the text */
};

/* Add name: not twice, not when full, not one that nft's text can't hold. */
bool uplinks_add(struct uplinks *u, const char *name);

struct rules {
	uint64_t slot;
	struct resolvers resolvers;
	/*
	 * Uplinks whose forwarding was off before it was turned on for us:
	 * nothing but our flows may be forwarded from there.
	 */
	struct uplinks opened;
};

/* The table anew, in one transaction whether there was one or not. */
void rules_print(const struct rules *r, struct buf *out);
/* The end of the table, whether there was one or not. */
void rules_print_end(uint64_t slot, struct buf *out);
/* The table's name. */
void rules_table(uint64_t slot, char out[16]);
