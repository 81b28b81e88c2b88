/*
 * plan_scene - one app in plan's model, played scene by scene.
 *
 * A turn lets step and apply do all there is to do and returns it as words:
 * "start web.1 v2; target web.1 v1 drain". No sockets, no clock. Used by the
 * tests of step.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../runtime/plan/apply.h"
#include "../../runtime/plan/model.h"
#include "../../runtime/plan/step.h"
#include "base/buf.h"

#define BOOT 60000
#define DRAIN 20000
#define STOP 30000

struct scene {
	struct model model;
	struct app *app;
	struct step_env env;
	struct actions acts;
	struct buf did;
	uint64_t last_id, wake;
	uint64_t free; /* what jail says of it, at once */
};

int scene_open(void **state);
int scene_close(void **state);
#define scene_test(name)                                                       \
	cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

const char *scene_turn(struct scene *s);
#define assert_turn(s, words) assert_string_equal(scene_turn(s), words)

/* What web wants in a slot: so many web and worker processes. */
void scene_want(struct scene *s, enum want_slot slot, uint64_t release,
    uint64_t generation, uint64_t web, uint64_t worker);
/* The newest with this name and release; alive or not. */
struct inst *scene_inst(struct scene *s, const char *name, uint64_t release);
/* From nothing to v1 serving with one web process. */
void scene_serve_v1(struct scene *s);
/* Process 1 of a type is found running. */
struct inst *scene_adopt(
    struct scene *s, const char *ptype, uint64_t release, uint64_t generation);
struct inst *scene_oneoff(struct scene *s, enum instance_kind kind);

void inst_runs(struct scene *s, struct inst *in);
void inst_ends(struct inst *in, uint64_t code, uint64_t signal);
void inst_answers(struct inst *in, unsigned status);
