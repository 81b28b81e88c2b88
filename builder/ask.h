/*
 * ask - questions to web and plan that wait for their answer.
 *
 * A struct ask is embedded in who asks. When the connection is lost, what was
 * asked on it is forgotten without a call: who asked hears of that by the
 * connection's end and decides there.
 */
#pragma once
#include "base/list.h"
#include "ipc/peer.h"

struct asks {
	struct list waiting;
};

struct ask {
	struct list of_asks;
	struct peer *peer;
	uint32_t id; /* 0: nothing is asked */
	/* err is NULL for OK. */
	void (*answered)(struct ask *a, const struct error *err);
};

void asks_init(struct asks *all);
/* Start a question of this type; it is void until ask_send. */
struct frame_out ask_begin(struct ask *a, struct peer *p, uint16_t type);
/*
 * Send it (o is released). -1 when the frame can't be sent for its own sake;
 * a connection that is down is no failure here.
 */
int ask_send(
    struct asks *all, struct ask *a, struct frame_out *o, struct error *err);
void ask_forget(struct ask *a); /* twice is harmless */
/* f is an OK or ERROR: tell who asked. */
void asks_answer(struct asks *all, struct peer *p, const struct frame *f);
/* The connection to p is lost. */
void asks_lost(struct asks *all, struct peer *p);
