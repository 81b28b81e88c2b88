/*
 * fleet - the apps and their instances, as plan told them.
 *
 *   CHECK --plan--> SERVE --plan--> DRAIN --plan--> gone
 *
 *   SERVE <--plan--> SLEEP: frozen, and woken before it gets a request
 *
 * 1. New requests go to targets in SERVE only, and to those that are not
 *    ready only when none is.
 * 2. Plan is told once a target in DRAIN has no request left.
 * 3. A target that is gone lives until its last request has ended.
 * 4. A request waits in its app's queue or has an upstream, never both.
 *
 * Used by control (frames), by exchange (requests) and by sockets and probe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/map.h"
#include "ev/ev.h"
#include "ipc/msg.h"

struct router;
struct probe;
struct watches;

#define STOCK_MAX 64 /* unconnected sockets kept for one target */

struct target {
	struct app *app;
	struct list of_app; /* in app->targets */
	uint64_t id;
	char name[129]; /* "web.1" */
	enum target_state state;
	bool gone;
	bool stale; /* not named by the snapshot that is coming in */

	unsigned active;  /* upstreams with a request */
	struct list idle; /* upstreams without, the latest used first */
	unsigned nidle;
	uint64_t refused_until_ms; /* it refused a connection: not before */

	/* Where to connect: an address of ours, or a port in its netns. */
	bool by_jail;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	int stock[STOCK_MAX];
	unsigned nstock, asked;
	uint64_t asked_ms;

	struct probe *probe;     /* while it is checked */
	bool checked;            /* the check is over */
	unsigned health;         /* what `/` answered, 0 for nothing */
	struct watches *watches; /* declared checks; NULL without */
	bool unready;            /* gets requests if no other serves */
};

struct app {
	struct router *router;
	unsigned refs; /* targets and exchanges */
	uint64_t id;
	enum app_front front;
	struct list targets;
	struct target **serving; /* those in SERVE */
	size_t nserving, cap;
	unsigned nchecking;
	struct list waiting; /* exchanges, the oldest first */
	unsigned nwaiting;
	bool dispatching;
	struct ev_timer retry;
	uint64_t freeze_ms; /* plan wants to know when it is quiet so long */
	uint64_t last_ms;   /* its last request ended, or it was asked for */
	struct ev_timer quiet;
	bool called; /* plan was told that a request waits */
};

struct fleet {
	struct map *apps, *targets; /* by id */
	bool known;                 /* plan has told all at least once */
	struct list past_probes;    /* they still listen politely */
};

void fleet_init(struct fleet *f);
void fleet_release(struct router *r);

/* The app with this id, made when it is new. */
struct app *fleet_app(struct router *r, uint64_t id);
/* Hold it, let it go; it is freed when nobody holds it or may ask for it. */
struct app *app_ref(struct app *a);
void app_unref(struct app *a); /* NULL is fine */
/* An app outside the map: the platform's own, or one of --map. */
struct app *app_new(struct router *r, uint64_t id);
/* freeze_ms: tell plan when it has had no request for so long; 0: don't. */
void fleet_front(struct app *a, enum app_front front, uint64_t freeze_ms);
/* A request waits; plan is told if the app is asleep. */
void app_call(struct app *a);

struct target *fleet_target(struct router *r, uint64_t id); /* or NULL */
/* A target with an address of ours, which serves at once. */
struct target *fleet_add_fixed(struct app *a, uint64_t id, const char *name,
    const struct sockaddr *addr, socklen_t len);
/* A target in an instance; made when it is new, then moved to state. */
void fleet_set(struct router *r, uint64_t id, uint64_t app, unsigned port,
    struct str name, const struct str *checks, size_t nchecks,
    enum target_state state);
void fleet_drop(struct target *t);
/* Has it a request, or a connection that was upgraded? */
bool target_is_busy(const struct target *t);
/* A snapshot: all that is not set between begin and end is dropped at end. */
void fleet_begin(struct router *r);
void fleet_end(struct router *r);

/* What becomes of a request for this app. */
enum place { PLACE_SERVE, PLACE_HOLD, PLACE_CRASHED, PLACE_NONE };
enum place app_place(const struct app *a, bool fleet_known);
/* Give waiting requests another try. */
void app_dispatch(struct app *a);

/* An upstream's request began, or ended. */
void target_hold(struct target *t);
void target_release(struct target *t);
/* The check has its result. */
void target_checked(struct target *t, unsigned status);
/* Its readiness has changed. */
void target_ready(struct target *t, bool ready);

/*
 * serving and nchecking follow what the targets are: as long as one that may
 * serve is ready those that are not get nothing, and all do else. Pure.
 */
void app_count_targets(struct app *a);

/*
 * The better of two at random among those that serve, can be connected and
 * did not just refuse; NULL when there is none. avoid (an id, 0 for none) is
 * the last resort. Pure.
 */
struct target *app_choose(
    const struct app *a, uint64_t now_ms, uint64_t avoid, uint64_t random);
