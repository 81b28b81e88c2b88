/*
 * web - the state of the daemon: the store, the peers, what goes on.
 *
 * main owns the one struct web and passes it down. All that must outlive a
 * restart is in the store; the rest here is built again from it and from the
 * peers' snapshots.
 *
 *   api/      HTTP: the API, the dashboard, streams
 *   push.c    gitd: who may push, the durable rows of pushes
 *   builds.c  builder: what is to be built, what came of it
 *   release.c new releases      rollout.c  each one's way to going live
 *   want.c    plan: what should run      dynos.c  what does
 *   oneoff.c  plan: commands            routes.c router: hosts, attaching
 *   drains.c  logd: where they are sent
 *   net.c     plan: what apps may reach
 *   applog.c  logd: lines about apps    lines.c  the last ones of a process
 *   blog.c    the log of each build
 */
#pragma once
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "ev/ev.h"
#include "ipc/peer.h"
#include "proc/settings.h"
#include "store/store.h"

struct dynos;
struct http;

struct web {
	struct ev *ev;
	struct settings settings;
	struct store *store;
	int builds_dir; /* STATE/builds */
	int64_t owner;  /* of the platform: the first account */

	struct ipc_listener *listener;
	struct peer *router, *plan, *logd; /* we connect to them */
	struct peer *gitd, *builder;       /* they to us; NULL: not there */

	struct list asks;      /* questions without an answer yet */
	struct list awaits;    /* who waits for a peer to be back */
	struct list attaches;  /* what the router is told again */
	struct list log_queue; /* lines for logd while it is away */
	size_t log_queued;
	struct list blog_watches; /* who reads a build's log as it grows */
	struct map *rollouts;     /* by app */
	struct dynos *dynos;
	bool builder_lost; /* it went away while it had builds */

	struct http *http;
	unsigned streams;      /* answers that grow, now */
	struct list followers; /* those of them that are logs */
};

/* All but the peers and HTTP. It lives as long as the program. */
int web_open(struct web *w, const struct settings *s, struct error *err);

#define WEB_STACK "debian-13"
