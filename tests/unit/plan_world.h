/*
 * plan_world - a small jail, router and web for plan's simulation, and plan's
 * loop between them without sockets.
 *
 * Frames are notes in queues, so they come late, twice or never. Used by
 * plan_sim_test.c alone: plan_world.c has the peers, plan_turn.c plan itself
 * with the invariants that hold at every action.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "../../runtime/plan/model.h"
#include "../../runtime/plan/step.h"

#define APPS 3
#define PLACES 3 /* of a process type */
#define BOOT_MS 60000
#define DRAIN_MS 30000
#define STOP_MS 30000
#define UPTIME_MS 3000

struct vm { /* an instance, as jail has it */
	struct list link;
	uint64_t id, app, kind, release, generation, num, job, of;
	char ptype[64], name[129], size[33];
	enum instance_state state;
	bool listens, deaf, term, kill, crashes, frozen;
	unsigned status;
	uint64_t code, signal;
	bool oom;
	uint64_t limit, used; /* memory */
};

struct front { /* a target, as the router has it */
	struct list link;
	uint64_t id, app;
	int state;
	bool checked, stale, busy;
};

enum note_type {
	N_START,
	N_SIGNAL,
	N_KILL,
	N_REMOVE,
	N_FREEZE,
	N_THAW,
	N_ROOM_ASK, /* to jail */
	N_BEGIN,
	N_STATE,
	N_BUSY, /* it can't be frozen */
	N_ROOM, /* how much memory is free */
	N_END,  /* from jail; N_BEGIN, N_END: */
	N_TARGET,
	N_DROP,
	N_FRONT, /* to the router, too */
	N_ACK,
	N_REFUSED, /* it has requests: no sleep */
	N_QUIET,
	N_CALLED,
	N_HEALTH,
	N_FAILED,  /* a declared check */
	N_DRAINED, /* from the router */
	N_WANT,
	N_WANT_DROP,
	N_GONE,
	N_STOP, /* from web, with N_BEGIN, N_END */
};

struct note { /* a frame under way */
	struct list link;
	enum note_type type;
	struct vm vm; /* START, STATE: all of it; else its id */
	uint64_t app;
	int state;
	uint32_t ack;
	enum want_slot slot;
	uint64_t release, generation, web, worker, freeze, stop;
	uint64_t free;           /* ROOM */
	bool exclusive;          /* WANT */
	char name[32], size[33]; /* WANT: the size of web */
};

struct wish { /* an app, as web has it */
	uint64_t id, live, next, generation, web, worker, freeze, stop;
	unsigned size;  /* of web: which one */
	bool exclusive; /* two releases never run at a time */
	bool gone;      /* being destroyed */
};

struct world {
	uint64_t seed, random, now, releases, last_id, jobs;
	uint64_t first_id; /* that this plan gave */
	struct model model;
	struct actions acts;
	bool jail_up, jail_known, router_up, router_told, web_up, wants, down;
	bool peace; /* nothing bad happens */
	uint32_t acks;
	struct list vms, fronts;
	struct list to_jail, from_jail, to_router, from_router, from_web;
	struct wish wishes[APPS];
	int router_front[APPS + 1];
	bool router_watches[APPS + 1]; /* and tells when it is quiet */
	uint64_t capacity;             /* of memory */
	uint64_t beside, first;
	uint64_t rests, events, starts, lives, fails, crashes, drops;
};

uint64_t world_rnd(struct world *w, uint64_t n); /* 0..n-1 */
bool world_chance(struct world *w, uint64_t percent);
void world_dump(const struct world *w);
void world_free(struct world *w);      /* what runs, and the targets */
const char *world_size(unsigned size); /* its name */
uint64_t world_limit(const char *size);
uint64_t world_free_memory(const struct world *w);

#define CHECK(w, cond, ...)                                                    \
	do {                                                                   \
		if (!(cond)) {                                                 \
			print_error("seed %" PRIu64 " event %" PRIu64 ": ",    \
			    (w)->seed, (w)->events);                           \
			print_error(__VA_ARGS__);                              \
			print_error("\n");                                     \
			world_dump(w);                                         \
			fail();                                                \
		}                                                              \
	} while (0)

struct note *note_push(struct list *queue, enum note_type type);
void note_free(struct note *n);
void notes_clear(struct list *queue);

/* jail */
struct vm *vm_find(const struct world *w, uint64_t id);
void vm_exit(struct world *w, struct vm *v, uint64_t code, uint64_t sig);
void vm_lives(struct world *w, struct vm *v); /* it goes on with its life */
void jail_hears(struct world *w, const struct note *n);
void jail_lost(struct world *w);
void jail_tells_all(struct world *w);

/* the router */
struct front *front_find(const struct world *w, uint64_t id);
void front_lives(struct world *w, struct front *f);
void router_hears(struct world *w, const struct note *n);
void router_lost(struct world *w);
void router_calls(struct world *w, uint64_t app); /* a request comes */
void router_is_quiet(struct world *w, uint64_t app);

/* web */
void web_tells_all(struct world *w);
void web_changes(struct world *w, struct wish *a); /* by somebody */
void web_hears_end(struct world *w, const struct action *act, uint64_t id);

/* plan */
void plan_look(struct world *w); /* step and its actions, for all apps */
void plan_hears_jail(struct world *w, const struct note *n);
void plan_hears_router(struct world *w, const struct note *n);
void plan_hears_web(struct world *w, const struct note *n);
void plan_close(struct world *w);
