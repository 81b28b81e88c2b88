/*
 * loop - plan itself: the model, the peers, and the turning of the one into
 * frames for the others.
 *
 *   frames --from_*.c--> facts in the model --step--> actions --act.c--> frames
 *
 * A fact marks the apps that it is about; at the end of the turn step is asked
 * about each of these, what it says is done and put down, until nothing is
 * left but to wait. Owned by main; nothing in it outlives the process.
 */
#pragma once
#include "ev/ev.h"
#include "ipc/peer.h"
#include "model.h"
#include "proc/settings.h"
#include "step.h"

struct lines; /* tell.h */
struct past;  /* past.h */
struct nets;  /* nets.h */

struct plan {
	struct ev *ev;
	const struct settings *settings;
	struct model model;
	struct actions actions;
	struct ev_timer timer;
	bool soon;         /* the loop will look at the end of this turn */
	uint64_t last_id;  /* of an instance */
	uint64_t first_id; /* that this process gave */

	struct ipc_listener *listener;
	struct peer *jail, *router, *logd, *names; /* connectors */
	struct peer *web, *builder;                /* NULL while away */

	bool jail_known;  /* jail has told all that runs */
	bool wants_known; /* web has told all it wants, at least once */
	bool router_told; /* the router has the snapshot */
	bool web_told;    /* web has the dynos */
	bool down;        /* bring everything down, then end */

	struct list questions; /* store.h */
	struct list works;     /* works.h */
	struct past *past;
	struct lines *lines; /* for logd */
	struct nets *nets;   /* for jail and names */
};

void plan_init(struct plan *p, struct ev *ev, const struct settings *settings);
void plan_release(struct plan *p);

/* Something has happened to this app, or to all of them. */
void plan_touch(struct plan *p, struct app *a);
void plan_touch_all(struct plan *p);
/* End all instances; the loop stops when none is left. */
void plan_down(struct plan *p);

/* The id of a new instance: the real time in us, but always growing. */
uint64_t plan_new_id(struct plan *p);

/* Send o, which is released, if there is such a peer. */
int plan_send(struct peer *to, struct frame_out *o);
