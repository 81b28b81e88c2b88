/* plan: a candidate beside the release it replaces, if memory allows. */
/* links: runtime/plan/ tests/unit/plan_town.c tests/unit/plan_scene.c */
#include "plan_scene.h"
#include "plan_town.h"

#include <string.h>

#define M (1ull << 20)

/* --- step ----------------------------------------------------------------- */

static void want_next(
    struct scene *s, uint64_t release, uint64_t web, uint64_t memory)
{
	scene_want(s, WANT_NEXT, release, 1, web, 0);
	s->app->next.types[0].memory = memory;
}

static void it_starts_beside_the_old_one_up_to_the_last_byte(void **state)
{
	static const struct {
		uint64_t web, memory, used, free;
		bool beside;
	} cases[] = {
	    {1, 64 * M, 0, 64 * M, true}, /* not known: all it may use */
	    {1, 64 * M, 0, 64 * M - 1, false},
	    {1, 64 * M, 20 * M, 20 * M, true}, /* as the one before */
	    {1, 64 * M, 20 * M, 20 * M - 1, false},
	    {1, 16 * M, 20 * M, 16 * M, true}, /* less than that one */
	    {1, 16 * M, 20 * M, 16 * M - 1, false},
	    {2, 64 * M, 20 * M, 84 * M, true}, /* and one more */
	    {2, 64 * M, 20 * M, 84 * M - 1, false},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct scene *s;
		struct inst *old;

		assert_int_equal(scene_open((void **)&s), 0);
		scene_serve_v1(s);
		old = scene_inst(s, "web.1", 1);
		old->used = cases[i].used;
		s->free = cases[i].free;
		want_next(s, 2, cases[i].web, cases[i].memory);
		(void)scene_turn(s);
		assert_int_equal(s->app->room.state,
		    cases[i].beside ? ROOM_BESIDE : ROOM_FIRST);
		assert_int_equal(old->target, cases[i].beside && cases[i].web
		                                  ? TARGET_SERVE
		                              : cases[i].web ? TARGET_DRAIN
		                                             : old->target);
		(void)scene_close((void **)&s);
	}
	(void)state;
}

/* v1 serves, and v2 waits for its end. */
static struct inst *stop_v1_for_v2(struct scene *s)
{
	struct inst *old;

	scene_serve_v1(s);
	old = scene_inst(s, "web.1", 1);
	old->used = 40 * M;
	s->free = 30 * M;
	want_next(s, 2, 1, 64 * M);
	assert_turn(s, "first v2; target web.1 v1 drain");
	assert_int_equal(s->app->front, FRONT_HOLD);
	old->drained = true;
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	return old;
}

static void the_old_one_ends_first_where_memory_lacks(void **state)
{
	struct scene *s = *state;
	struct inst *old = stop_v1_for_v2(s), *new;

	inst_ends(old, 143, 0);
	assert_turn(s, "start web.1 v2; exited web.1 v1; remove web.1 v1");
	new = scene_inst(s, "web.1", 2);
	inst_runs(s, new);
	assert_turn(s, "target web.1 v2 check");
	inst_answers(new, 200);
	assert_turn(s, "target web.1 v2 serve");
	new->acked = true;
	assert_turn(s, "live v2");
	scene_want(s, WANT_LIVE, 2, 1, 1, 0);
	app_want_drop(s->app, WANT_NEXT);
	assert_turn(s, "");
	/* A restart is not decided by what lacked then. */
	scene_want(s, WANT_LIVE, 2, 2, 1, 0);
	assert_turn(s, "start web.1 v2");
}

static void what_was_stopped_comes_back_when_the_failed_one_has_gone(
    void **state)
{
	struct scene *s = *state;
	struct inst *old = stop_v1_for_v2(s), *new;

	inst_ends(old, 143, 0);
	(void)scene_turn(s);
	new = scene_inst(s, "web.1", 2);
	inst_runs(s, new);
	(void)scene_turn(s);
	strcpy(new->unhealthy, "it is not well");
	assert_turn(s,
	    "failed web.1 v2 (it is not well); drop web.1 v2; term web.1 v2");
	app_want_drop(s->app, WANT_NEXT);
	assert_turn(s, "");
	inst_ends(new, 143, 0);
	assert_turn(s, "start web.1 v1; exited web.1 v2; remove web.1 v2");
}

static void a_candidate_given_up_brings_the_old_one_back(void **state)
{
	struct scene *s = *state;
	struct inst *old = stop_v1_for_v2(s);

	app_want_drop(s->app, WANT_NEXT);
	(void)scene_turn(s);
	inst_ends(old, 143, 0);
	(void)scene_turn(s);
	assert_int_equal(scene_inst(s, "web.1", 1)->state, INST_ASKED);
}

static void what_ends_anyway_is_waited_for(void **state)
{
	struct scene *s = *state;
	struct inst *stray;

	scene_serve_v1(s);
	stray = scene_adopt(s, "worker", 1, 1);
	assert_turn(s, "term worker.1 v1");
	s->free = 10 * M;
	want_next(s, 2, 1, 64 * M);
	assert_turn(s, "");
	s->free = 64 * M; /* once it has gone */
	inst_ends(stray, 143, 0);
	assert_turn(
	    s, "exited worker.1 v1; remove worker.1 v1; start web.1 v2");
}

static void jail_is_asked_again_when_it_is_back(void **state)
{
	struct scene *s = *state;
	struct inst *old;

	scene_serve_v1(s);
	s->env.jail = false;
	want_next(s, 2, 1, 64 * M);
	assert_turn(s, "");
	assert_int_equal(s->app->room.state, ROOM_UNKNOWN);
	s->app->room = (struct room){.state = ROOM_ASKED, .release = 2};
	model_jail_mark(&s->model);
	old = scene_inst(s, "web.1", 1);
	old->stale = false;
	model_jail_sweep(&s->model, 5);
	s->env.jail = true;
	assert_turn(s, "start web.1 v2");
}

static void two_apps_are_not_promised_the_same_memory(void **state)
{
	struct scene *s = *state;
	struct app *other = model_app(&s->model, 8);
	struct want w;

	scene_serve_v1(s);
	want_init(&w);
	w.release = 5;
	app_want(other, WANT_NEXT, &w, 1);
	other->room =
	    (struct room){.state = ROOM_BESIDE, .release = 5, .need = 50 * M};
	s->free = 100 * M;
	want_next(s, 2, 1, 64 * M);
	assert_turn(s, "first v2; target web.1 v1 drain");
	assert_int_equal(s->app->room.free, 50 * M);
}

/* --- the loop ------------------------------------------------------------- */

static void serve(struct town *t, struct got *start)
{
	struct frame_out o = frame_begin(MSG_TARGET_HEALTH, 0);

	say_state(t, &start->f, INSTANCE_RUNNING, 0, NULL);
	say_ok(t, ROUTER, expect(t, ROUTER, MSG_TARGET));
	frame_put_u64(&o, F_INSTANCE, frame_u64(&start->f, F_INSTANCE));
	frame_put_u64(&o, F_STATUS, 200);
	say_frame(t, ROUTER, &o);
	say_ok(t, ROUTER, expect(t, ROUTER, MSG_TARGET));
}

static void jail_says_what_is_free_and_web_is_told(void **state)
{
	struct town *t = *state;
	struct frame_out o = frame_begin(MSG_ROOM, 0);
	struct got *old, *note;

	wait_until_there(t, ROUTER);
	web_wants(t, WANT_LIVE, 1, "web", 1);
	jail_tells(t, NULL);
	old = expect(t, JAIL, MSG_INSTANCE_START);
	serve(t, old);
	say_want(t, WANT_NEXT, 2, "web", 1);
	assert_int_equal(expect_u64(t, JAIL, MSG_ROOM_ASK, F_APP), APP);
	assert_no(t, JAIL, MSG_INSTANCE_START);
	frame_put_u64(&o, F_APP, APP);
	frame_put_u64(&o, F_FREE, 30 * M);
	frame_put_u64(&o, F_INSTANCE, frame_u64(&old->f, F_INSTANCE));
	frame_put_u64(&o, F_USED, 40 * M);
	say_frame(t, JAIL, &o);
	note = expect(t, WEB, MSG_RELEASE_NOTE);
	assert_int_equal(frame_u64(&note->f, F_RELEASE), 2);
	assert_true(field_is(note, F_TEXT,
	    "Not enough memory for both releases (40 MiB needed, 30 MiB "
	    "free): stopping v1 first"));
	assert_no(t, JAIL, MSG_INSTANCE_START);
	got_free(note);
	got_free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_starts_beside_the_old_one_up_to_the_last_byte),
	    scene_test(the_old_one_ends_first_where_memory_lacks),
	    scene_test(
	        what_was_stopped_comes_back_when_the_failed_one_has_gone),
	    scene_test(a_candidate_given_up_brings_the_old_one_back),
	    scene_test(what_ends_anyway_is_waited_for),
	    scene_test(jail_is_asked_again_when_it_is_back),
	    scene_test(two_apps_are_not_promised_the_same_memory),
	    town_test(jail_says_what_is_free_and_web_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
