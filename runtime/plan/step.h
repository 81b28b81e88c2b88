/*
 * step - the heart: what should run and what runs -> what to do now.
 *
 * Pure: it reads an app of the model, the time and a random number, changes
 * nothing and returns actions. The caller does each of them and puts down
 * that it is done with apply.h; then it asks again, until nothing is left to
 * do but wait. Called by loop.c and by the unit tests.
 *
 * 1. A candidate's processes start beside the live ones. All of them healthy:
 *    the router serves them; it has them all: the release is live. One of
 *    them fails before: the release has failed, and what is live was never
 *    touched.
 * 2. A process of the live release that is missing is started; one that is
 *    not current (older release, older generation, another size, asked to
 *    stop, the older of two) stands in for its place until the new one serves.
 * 3. What is not wanted is drained, asked to end (SIGTERM), killed.
 *    The old processes of an app that stops first (exclusive.c), or for whose
 *    candidate memory lacks (room.c), end before its new ones start.
 * 4. A process that ended by itself comes back, later each time.
 * 5. An app that nobody asks for rests, if it may: frozen, later stopped.
 */
#pragma once
#include "model.h"

enum act {
	/* A process of the formation (instance 0: the labels say which), or the
	   one-off or job that waits under this id. */
	ACT_START,
	ACT_GIVE_UP, /* a one-off or job that waits is not wanted */
	ACT_SIGNAL,  /* SIGTERM */
	ACT_KILL,
	ACT_LOOK,        /* where does it listen? */
	ACT_REMOVE,      /* jail forgets it */
	ACT_TARGET,      /* tell the router its new state */
	ACT_TARGET_DROP, /* the router forgets it */
	ACT_FRONT,       /* what the app's requests get when nobody serves */
	ACT_REST,        /* the app rests, deeper or not any more */
	ACT_FREEZE,      /* jail stops it where it stands */
	ACT_THAW,
	ACT_ROOM_ASK, /* how much memory is free? */
	ACT_ROOM,     /* enough or not: state is an enum room_state */
	ACT_LIVE,     /* the candidate serves: tell web */
	ACT_FAILED,   /* it does not: tell web why */
	ACT_STATE,    /* `ps` and the log show a new state */
	ACT_EXITED,   /* count, log and report an exit */
	ACT_CRON,     /* job num is due; state is enum cron_act */
	ACT_APP_DROP, /* the app is gone: jail removes what it kept */
};

struct action {
	enum act act;
	uint64_t instance;
	uint64_t release, generation, num;
	char ptype[64];
	char size[33];     /* START: of a process of the formation */
	int state;         /* TARGET, FRONT, REST, STATE: the new one */
	uint64_t bytes;    /* ROOM: that the candidate needs */
	bool crash;        /* EXITED: it counts as one */
	uint64_t delay_ms; /* EXITED: until it may be started again */
	char text[240];    /* a line for the log; FAILED: the reason */
	char name[129]; /* FAILED: whose last lines tell more; instance too */
};

struct actions {
	struct action *v;
	size_t n, cap;
};

void actions_clear(struct actions *acts);
void actions_release(struct actions *acts);

struct step_env {
	uint64_t now_ms;  /* monotonic */
	uint64_t real_ms; /* the clock on the wall */
	uint64_t random;
	bool jail;   /* it is there, and all it runs is known */
	bool router; /* it is there */
	bool wants;  /* web has told all it wants at least once */
	bool web;    /* it is there */
	bool down;   /* bring everything down */
	uint64_t boot_ms, drain_ms, stop_ms;
	uint64_t memory;    /* bytes that one may use whose size is not known */
	uint64_t uptime_ms; /* of what has no port, until it is healthy */
};

#define NEVER UINT64_MAX

/*
 * Append what to do for a. Returns the time at which there will be more to do
 * without anything happening; NEVER when there will not.
 */
uint64_t step_app(
    const struct app *a, const struct step_env *env, struct actions *out);

/* The wait after the count-th crash in a row (from 0), +-20 %. */
uint64_t step_backoff_ms(unsigned count, uint64_t random);
#define STEADY_MS 600000 /* up so long: the next crash counts as the first */

/* "Process exited with status 1": how in ended, for people. */
void step_exit_text(
    const struct inst *in, const struct step_env *env, char *out, size_t size);
