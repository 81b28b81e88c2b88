/*
 * route - which host leads where: what web said, and the table of it.
 *
 * A table never changes: a change makes a new one, which the loop takes with
 * one pointer. So a loop may look things up at any time without a lock, and
 * a deploy or a new domain disturbs no request.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "ipc/msg.h"

struct route {
	enum route_target to;
	uint64_t app; /* with ROUTE_APP */
};

/* What web said so far; hosts are in lower case. */
struct route_set;
struct route_set *route_set_new(void);
void route_set_free(struct route_set *s); /* NULL is fine */
void route_set_clear(struct route_set *s);
void route_set_put(struct route_set *s, struct str host, struct route to);
bool route_set_get(
    const struct route_set *s, struct str host, struct route *ret);
void route_set_drop(struct route_set *s, struct str host);

struct route_table;
struct route_table *route_table_new(const struct route_set *s);
void route_table_free(struct route_table *t); /* NULL is fine */
/* host as of host_plain. False when it is unknown. */
bool route_find(
    const struct route_table *t, struct str host, struct route *ret);
/* Some host of this app; empty when it has none. */
struct str route_host_of(const struct route_table *t, uint64_t app);

/*
 * A Host field's value in lower case, without port and trailing dot, in mem;
 * empty when it is too long to be known.
 */
struct str host_plain(struct str host, char mem[254]);
bool host_is_ip(struct str host); /* as of host_plain: IPv4 or "[IPv6]" */

/* Does a target at the platform's own host go to git: "/NAME.git/..."? */
bool path_is_git(struct str path);
/* The SECRET of "/attach/SECRET"; empty when it is another target. */
struct str path_secret(struct str path);
