/*
 * rules - the text of a slot's nft table.
 *
 * Pure. Nothing in the table depends on an instance. Which veth a packet
 * comes from is told by the prefix of its name, whose it is by its group,
 * both of which only jail gives; that the source address is the one of that
 * veth is asked of the routing table (fib), where each instance has the one
 * route that jail made. So starting an instance costs no call of nft, there
 * is no set to keep in step with what runs, and no moment when an instance is
 * up and not yet, or no longer, under its rules. What single apps may reach
 * is policy.h's part.
 *
 * The questions of DNS that instances ask at the gateway are led to the port
 * where names hears them. Refused connections are told to the group of
 * nfnetlink_log that names reads: some a second of an instance.
 *
 * IPv6 is there when rules.ipv6 says so (forward.h tells why and when not);
 * else what comes out of a veth and is not IPv4 is dropped.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "policy.h"

#define UPLINKS_MAX 8           /* interfaces that lead outside */
#define UPLINK_NAME 16          /* IFNAMSIZ */
#define RULES_LOG_GROUP 0x7061u /* of slot 0; those of others follow */

struct uplinks {
	uint32_t n;
	char name[UPLINKS_MAX][UPLINK_NAME]; /* zeroes behind the text */
};

/* Add name: not twice, not when full, not one that nft's text can't hold. */
bool uplinks_add(struct uplinks *u, const char *name);

struct rules {
	uint64_t slot;
	uint64_t flows; /* tracked connections that an instance may have */
	uint16_t dns_udp, dns_tcp; /* where names listens; 0: nowhere */
	bool smtp;                 /* port 25 of the internet is open */
	bool ipv6;
	/*
	 * Uplinks whose forwarding was off before it was turned on for us:
	 * nothing but our flows may be forwarded from there.
	 */
	struct uplinks opened, opened6;
};

/* The table anew, in one transaction whether there was one or not. */
void rules_print(const struct rules *r, const struct policy *p, uint64_t now,
    struct buf *out);
/* The end of the table, whether there was one or not. */
void rules_print_end(uint64_t slot, struct buf *out);
/* The table's name. */
void rules_table(uint64_t slot, char out[16]);
