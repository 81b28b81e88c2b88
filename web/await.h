/*
 * await - a part of the platform is being restarted: wait until it is back.
 *
 * Embedded in what the waiter keeps; zeroed it is idle. A request that comes
 * while a daemon is dead is held here instead of failing.
 */
#pragma once
#include "web.h"

#define AWAIT_MS 30000 /* longer than any of them needs to start again */

struct await {
	struct list item;
	struct web *w; /* NULL: idle */
	struct peer *peer;
	struct ev_timer timer;
	/* Called once, by the loop: the peer is up, or err tells why not. */
	void (*over)(struct await *a, const struct error *err);
};

void await_peer(struct web *w, struct await *a, struct peer *p);
void await_cancel(struct await *a); /* of an idle one: nothing */

/* peers.c: p is up. */
void await_peer_up(struct web *w, struct peer *p);
