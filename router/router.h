/*
 * router - all that one loop owns. main makes it and passes it down; with
 * several workers each has one of its own and they share nothing.
 *
 *   client --head--> exchange --route, place--> upstream --answer--> client
 *
 * A client is an accepted connection, an exchange one request on it, an
 * upstream one connection to an instance.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "attach.h"
#include "base/buf.h"
#include "base/list.h"
#include "bytes.h"
#include "control.h"
#include "fleet.h"
#include "listener.h"
#include "route.h"
#include "sockets.h"
#include "wire/http1.h"

struct limits {
	uint64_t head_ms;       /* a whole head; not prolonged by what comes */
	uint64_t idle_ms;       /* between two requests */
	uint64_t body_ms;       /* a body that stands still, either way */
	uint64_t connect_ms;    /* to an instance */
	uint64_t response_ms;   /* the first byte, after the request's last */
	uint64_t tunnel_ms;     /* an idle tunnel */
	uint64_t linger_ms;     /* reading on after an early answer */
	uint64_t pool_ms;       /* an idle connection to an instance */
	uint64_t hold_ms;       /* a request that waits for an instance */
	uint64_t boot_ms;       /* a request that waits for web's routes */
	uint64_t stop_idle_ms;  /* when we stop, for a request on its way */
	uint64_t stop_ms;       /* then, for those in flight */
	unsigned hold_requests; /* waiting for one app */
	/* Descriptors at a time, so that none is wanted in vain. */
	unsigned clients;
	unsigned upstreams; /* to instances, idle ones too */
	unsigned stock;     /* of sockets that are not connected */
};

struct router {
	struct ev *ev;
	struct limits limits;
	struct str apps_domain; /* borrowed; empty when alone */
	struct pool pool;
	struct buf head;          /* scratch: the head being written */
	struct buf line;          /* scratch: the log line being written */
	struct http1_head parsed; /* scratch: the head being read */

	struct route_set *route_set;
	struct route_table *routes; /* replaced as a whole */
	bool routes_known;          /* web has told all at least once */
	bool routes_filling;        /* web is telling all */
	struct list unrouted;       /* exchanges that wait for the routes */
	unsigned nunrouted;

	struct fleet fleet;
	struct app *web, *gitd; /* the platform's own; NULL when alone */
	struct sockets sockets;
	struct control control;
	struct attach attach;

	struct listener listeners[LISTENERS_MAX];
	int nlisteners;
	bool share_ports; /* other loops listen there, too */
	struct list clients;
	struct list idle; /* upstreams, the oldest first */
	unsigned nclients, nupstreams;
	bool stopping;
	bool stopping_idle; /* who has no request in flight has to go */
	struct ev_timer stop_timer;

	int64_t date_s; /* the second of date */
	char date[30];
	unsigned char random[1024];
	size_t nrandom; /* bytes left of them */
};

void router_init(struct router *r, struct ev *ev);
void router_release(struct router *r);
void limits_init(struct limits *l); /* the defaults */
/* Share nfiles descriptors out, of which nfixed are for other uses. */
void limits_files(struct limits *l, uint64_t nfiles, uint64_t nfixed);

/* Make a table of route_set and let the loop use it. */
void router_publish(struct router *r);
/*
 * Stop accepting, let requests end that are in flight or come at once on a
 * connection that was kept, then stop the loop.
 */
void router_stop(struct router *r);
/* When stopping: was this the last client? */
void router_check_stopped(struct router *r);

const char *router_date(struct router *r); /* for a Date field */
uint64_t router_random(struct router *r);  /* cheap, from the kernel */
