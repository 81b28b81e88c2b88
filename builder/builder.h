/*
 * builder - what the daemon holds: its peers, the builds, the base images.
 *
 * Owned by main. Builds come from web and wait in order; one at a time is at
 * work, in jobs that plan and jail run. Nothing is kept on disk but which
 * layers the base images have become: web sends again what is not finished.
 */
#pragma once
#include "ask.h"
#include "base/list.h"
#include "ev/ev.h"
#include "ipc/peer.h"
#include "proc/settings.h"
#include "proxy.h"

#define BUILDS_AT_ONCE 1    /* heavy ones; more would starve the apps */
#define BUILD_CPU_WEIGHT 50 /* apps have 100 by default */

struct bases;

struct builder {
	struct ev *ev;
	const struct settings *settings;
	const struct proxy *proxy;
	struct peer *web, *plan; /* connectors, for good */
	struct asks asks;
	struct list builds; /* in the order in which they came */
	struct list jobs;   /* that run */
	struct list drops;  /* works that plan is to remove */
	struct bases *bases;
	bool pass_due; /* the queue is looked at when this turn ends */
	bool closing;
	int dir;     /* STATE/builder */
	int nothing; /* an empty sealed file: no input, no config */
};

void builder_init(struct builder *b, const struct settings *settings,
    const struct proxy *proxy);
/* Lets go of all; plan ends the jobs, web sends the builds again. */
void builder_release(struct builder *b);
/*
 * Something changed: at the end of this turn what is over is freed, what can
 * start is started, what plan is to remove is sent.
 */
void builder_next(struct builder *b);
/* The work is not needed any more; asked for until plan has done it. */
void builder_drop_work(struct builder *b, uint64_t work);
