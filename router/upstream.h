/*
 * upstream - one connection to an instance (or to web, gitd, a fixed
 * address): connecting, carrying one exchange at a time, idle in its
 * target's pool in between.
 *
 * Owned by its exchange or by the pool. After upstream_close it is freed at
 * the end of the turn.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "conn.h"

struct exchange;
struct router;
struct target;

struct upstream {
	struct conn conn;
	struct router *router;
	struct target *target;
	struct exchange *x; /* NULL while idle */
	struct list idle;   /* in target->idle */
	struct list old;    /* in router->idle, the oldest first */
	uint64_t idle_ms;   /* since when it is idle */
	bool connected;
	bool reused; /* it has carried an exchange before */
	bool wrote;  /* something of this exchange was sent */
	bool closed;
};

enum upstream_kind {
	UPSTREAM_ANY,
	UPSTREAM_FRESH, /* none that the other end might be about to close, as
	                   long as there is another */
	UPSTREAM_NEW    /* none that was used before */
};

/*
 * A connection to t for x: one from the pool, or a new one, which may still
 * be connecting. NULL with err when there is no socket.
 */
struct upstream *upstream_open(struct target *t, struct exchange *x,
    enum upstream_kind kind, struct error *err);
/* The exchange is over and the connection good for another one. */
void upstream_park(struct upstream *u);
void upstream_close(struct upstream *u);
/* Close all that are idle at t. */
void upstream_close_idle(struct target *t);

/*
 * Start connecting fd to t's address. 0 when it is connected or will be, -1.
 */
int upstream_connect(int fd, const struct target *t, struct error *err);
