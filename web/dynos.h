/*
 * dynos - what runs, as plan tells it: a snapshot, then changes.
 *
 * Until the first snapshot is whole nothing is known; who needs it waits.
 */
#pragma once
#include "ipc/msg.h"
#include "web.h"

struct dyno {
	uint64_t instance, app, version, kind, state; /* enum dyno_state */
	int64_t since;                                /* seconds */
	int64_t next_try;                             /* of a crashed one; 0 */
	char name[129], type[64], size[33];
	char shown[257]; /* the command of a one-off */
};

struct dynos *dynos_new(void);

/* peers.c: frames of plan. */
void dynos_begin(struct web *w, struct peer *p, struct frame *f);
void dynos_put(struct web *w, struct peer *p, struct frame *f);
void dynos_end(struct web *w, struct peer *p, struct frame *f);
void dynos_gone(struct web *w, struct peer *p, struct frame *f);

void dynos_rests(struct web *w, struct peer *p, struct frame *f);
/* Does it rest? Before anything is known it does not. */
enum app_rest dynos_rest(const struct web *w, uint64_t app);
bool dynos_known(const struct web *w);
/* Called once they are known; the item stays the waiter's. */
struct dynos_wait {
	struct list item;
	void (*known)(struct dynos_wait *wait);
};
void dynos_wait_add(struct web *w, struct dynos_wait *wait);

/* Those of app that people see, by name; the array is the caller's. */
size_t dynos_of(const struct web *w, int64_t app, const struct dyno ***ret);
/* How many of the app's formation are in each enum dyno_state. */
#define DYNO_STATES 5
void dynos_count(const struct web *w, int64_t app, unsigned ret[DYNO_STATES]);
const struct dyno *dynos_find(
    const struct web *w, int64_t app, struct str name);
