/*
 * ask - a question to a peer, for whose answer somebody waits.
 *
 * Embedded in what the asker keeps; zeroed it is idle. done() is called once,
 * by the loop: with the OK frame, or with f NULL and err when the answer was
 * ERROR, the peer went away, or the time was up.
 */
#pragma once
#include <stdbool.h>

#include "web.h"

struct ask {
	struct list item;
	struct web *w; /* NULL: idle */
	uint64_t peer;
	uint32_t id;
	struct ev_timer timer;
	void (*done)(
	    struct ask *a, const struct frame *f, const struct error *err);
};

/* Start a frame that asks p. */
struct frame_out ask_begin(struct ask *a, struct peer *p, uint16_t type);
/* Send it; o is released. -1 when p is away: done() is then not called. */
int ask_send(struct web *w, struct ask *a, struct peer *p, struct frame_out *o,
    uint64_t timeout_ms, struct error *err);
void ask_cancel(struct ask *a); /* of an idle one: nothing */

/* peers.c: an OK or ERROR came; p is gone. */
void ask_answered(struct web *w, struct peer *p, const struct frame *f);
void ask_peer_gone(struct web *w, struct peer *p);
