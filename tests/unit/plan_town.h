/*
 * plan_town - everybody around plan, for a test of its loop with real frames.
 *
 * Jail, router, logd and names listen in a temporary folder, web and builder
 * connect; all of them are the test, in the event loop of the plan that it
 * runs.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../runtime/plan/loop.h"

#define APP 7 /* what all frames are about */
#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

enum side { JAIL, ROUTER, LOGD, NAMES, WEB, BUILDER, SIDES };
#define DOORS 4 /* the first of them, which plan dials */

struct got { /* a frame that came from plan */
	struct list link;
	enum side side;
	struct frame f;
	char mem[];
};

struct town {
	struct ev *ev;
	char dir[64], plan_path[80];
	struct settings settings;
	struct roles roles;
	int socks[DOORS], plan_sock;
	struct ipc_listener *listeners[DOORS];
	struct peer *peers[SIDES]; /* connected to plan */
	struct list got;
	struct plan plan;
};

int town_open(void **state);
int town_close(void **state);
#define town_test(name)                                                        \
	cmocka_unit_test_setup_teardown(name, town_open, town_close)

void plan_starts(struct town *t);
void plan_ends(struct town *t);
void dial(struct town *t, enum side side); /* WEB or BUILDER */
void hang_up(struct town *t, enum side side);
void wait_until_there(struct town *t, enum side side);
void wait_until_lost(struct town *t, enum side side);

/* The next frame of this type from plan; others stay. The caller frees it. */
struct got *expect(struct town *t, enum side side, enum msg type);
void got_free(struct got *g);
uint64_t expect_u64(
    struct town *t, enum side side, enum msg type, enum field field);
/* Whatever plan has to do now is done, and none of it was this. */
void assert_no(struct town *t, enum side side, enum msg type);
/* The values of a repeated field, each with a space behind. */
const char *values(const struct frame *f, uint16_t tag, char out[200]);
bool field_is(const struct got *g, uint16_t tag, const char *want);

void say_frame(struct town *t, enum side side, struct frame_out *o);
void say_plain(struct town *t, enum side side, enum msg type);
void say_one(struct town *t, enum side side, enum msg type, uint32_t id,
    enum field field, uint64_t value);
void say_ok(struct town *t, enum side side, struct got *g); /* frees g */
/* jail: the instance that was asked for by start is in this state. */
void say_state(struct town *t, const struct frame *start,
    enum instance_state state, uint64_t code, const char *text);
/* jail has told all: nothing runs, or this one does. */
void jail_tells(struct town *t, const struct frame *start);
/* web: a release of one process type; all it wants, from the dialling on. */
void say_want(struct town *t, uint64_t slot, uint64_t release,
    const char *ptype, uint64_t quantity);
void web_wants(struct town *t, uint64_t slot, uint64_t release,
    const char *ptype, uint64_t quantity);
void say_run(struct town *t, uint32_t id, uint64_t kind, uint64_t job);
void say_job(struct town *t, uint32_t id, uint64_t kind, uint64_t job);
