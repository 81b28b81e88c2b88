/*
 * table - the slot's nft table as it is loaded, and what keeps it so.
 *
 * Owns what plan said of each app (policy.h), kept in RUN/net for the next
 * jail. A change is loaded at once, as a few commands where that will do, as
 * the whole table where not. Called by net.c, netverbs.c and watch.c.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "policy.h"
#include "proc/settings.h"
#include "rules.h"

struct link;
struct table; /* opaque */

/* Load the table for the first time, with what RUN/net says. l is kept. */
struct table *table_open(const struct settings *s, struct link *l,
    uint16_t dns_udp, uint16_t dns_tcp, struct error *err);
void table_free(struct table *t); /* the kernel's stays; NULL is fine */

/*
 * Have the table and the uplinks as the host is now: the way out may have
 * changed, and somebody may have emptied all of nftables. Costs some system
 * calls when nothing is to be done.
 */
int table_refresh(struct table *t, struct error *err);
/* Load it again: somebody has changed it. */
int table_repair(struct table *t, struct error *err);
bool table_has_ipv6(const struct table *t);
/* The generation of nftables behind our last change of it. */
uint32_t table_generation(const struct table *t);
const char *table_name(const struct table *t);

/* --- what plan says ------------------------------------------------------- */

/* All of it comes: from here on, until table_end takes it as the whole. */
void table_begin(struct table *t);
void table_end(struct table *t);
/* a, which is taken, is what the app may reach now. */
void table_set(struct table *t, struct policy_app *a);
/* Open these addresses for the app for a while; at once. */
int table_open_addresses(struct table *t, uint64_t app, uint16_t port,
    const struct ip *ips, size_t n, struct error *err);
