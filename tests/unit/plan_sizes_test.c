/* plan: sizes of processes, what they become for jail, and their sums. */
/* links: runtime/plan/ tests/unit/plan_town.c tests/unit/plan_scene.c */
#include "plan_scene.h"
#include "plan_town.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"

/* --- step ----------------------------------------------------------------- */

static void want_size(struct scene *s, const char *web)
{
	struct want w;

	want_init(&w);
	w.release = w.generation = 1;
	w.ntypes = 1;
	w.types = xcalloc(1, sizeof(*w.types));
	w.types[0] = (struct want_type){.name = "web", .quantity = 1};
	str_copy(str_z(web), w.types[0].size, sizeof(w.types[0].size));
	app_want(s->app, WANT_LIVE, &w, s->env.now_ms);
}

static void serve_size(struct scene *s, const char *size)
{
	struct inst *in;

	want_size(s, size);
	assert_turn(s, "start web.1 v1");
	in = scene_inst(s, "web.1", 1);
	assert_string_equal(in->size, size);
	inst_runs(s, in);
	assert_turn(s, "target web.1 v1 check");
	inst_answers(in, 200);
	assert_turn(s, "target web.1 v1 serve");
	in->acked = true;
}

static void a_new_size_takes_over_when_it_serves(void **state)
{
	struct scene *s = *state;
	struct inst *old;

	serve_size(s, "basic");
	(void)scene_turn(s);
	old = scene_inst(s, "web.1", 1);
	serve_size(s, "standard-2x");
	assert_int_equal(old->stop, STOP_NO);
	assert_turn(s, "target web.1 v1 drain");
	assert_int_equal(old->stop, STOP_DRAIN);
	/* The same once more is no change. */
	want_size(s, "standard-2x");
	assert_turn(s, "");
}

static void what_does_not_say_its_size_is_let_be(void **state)
{
	struct scene *s = *state;
	struct inst *in = scene_adopt(s, "web", 1, 1);

	want_size(s, "standard-2x");
	assert_turn(s, "target web.1 v1 serve");
	assert_int_equal(in->stop, STOP_NO);
	snprintf(in->size, sizeof(in->size), "basic");
	in->acked = true;
	assert_turn(s, "start web.1 v1");
}

static void a_new_size_ends_a_back_off(void **state)
{
	struct scene *s = *state;

	want_size(s, "basic");
	for (int i = 0; i < 3; i++) {
		(void)scene_turn(s);
		if (s->wake != NEVER)
			s->env.now_ms = s->wake;
		(void)scene_turn(s);
		inst_runs(s, scene_inst(s, "web.1", 1));
		(void)scene_turn(s);
		inst_ends(scene_inst(s, "web.1", 1), 1, 0);
	}
	(void)scene_turn(s);
	assert_true(s->wake > s->env.now_ms && s->wake != NEVER);
	want_size(s, "standard-2x");
	(void)scene_turn(s);
	assert_string_equal(scene_inst(s, "web.1", 1)->size, "standard-2x");
}

/* --- exclusive ------------------------------------------------------------ */

static void want_alone(
    struct scene *s, enum want_slot slot, uint64_t release, uint64_t generation)
{
	scene_want(s, slot, release, generation, 1, 0);
	(slot == WANT_NEXT ? &s->app->next : &s->app->live)->exclusive = true;
}

static void an_exclusive_release_waits_for_the_end_of_the_old_one(void **state)
{
	struct scene *s = *state;
	struct inst *old, *new;

	scene_serve_v1(s);
	old = scene_inst(s, "web.1", 1);
	want_alone(s, WANT_LIVE, 1, 1);
	assert_turn(s, "");
	want_alone(s, WANT_NEXT, 2, 1);
	assert_turn(s, "target web.1 v1 drain");
	assert_int_equal(s->app->front, FRONT_HOLD);
	old->drained = true;
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	inst_ends(old, 143, 0);
	assert_turn(s, "start web.1 v2; exited web.1 v1; remove web.1 v1");
	new = scene_inst(s, "web.1", 2);
	inst_runs(s, new);
	assert_turn(s, "target web.1 v2 check");
	inst_answers(new, 200);
	assert_turn(s, "target web.1 v2 serve");
	new->acked = true;
	assert_turn(s, "live v2");
	want_alone(s, WANT_LIVE, 2, 1);
	app_want_drop(s->app, WANT_NEXT);
	assert_turn(s, "");
	/* And so does a restart. */
	want_alone(s, WANT_LIVE, 2, 2);
	assert_turn(s, "target web.1 v2 drain");
	new->drained = true;
	(void)scene_turn(s);
	inst_ends(new, 143, 0);
	assert_turn(s, "start web.1 v2; exited web.1 v2; remove web.1 v2");
}

static void the_old_release_comes_back_when_an_exclusive_one_fails(void **state)
{
	struct scene *s = *state;
	struct inst *old;

	scene_serve_v1(s);
	old = scene_inst(s, "web.1", 1);
	want_alone(s, WANT_LIVE, 1, 1);
	want_alone(s, WANT_NEXT, 2, 1);
	(void)scene_turn(s);
	old->drained = true;
	(void)scene_turn(s);
	inst_ends(old, 143, 0);
	(void)scene_turn(s);
	inst_runs(s, scene_inst(s, "web.1", 2));
	(void)scene_turn(s);
	inst_ends(scene_inst(s, "web.1", 2), 1, 0);
	(void)scene_turn(s);
	assert_int_equal(scene_inst(s, "web.1", 1)->state, INST_ASKED);
	assert_int_equal(s->app->next.rollout, ROLLOUT_FAILED);
}

/* --- the loop ------------------------------------------------------------- */

static struct got *start_of(struct town *t, const char *size)
{
	struct frame_out o = frame_begin(MSG_WANT, 3);
	scoped_fd int env = fd_sealed("env", STR("A=b"), NULL);

	frame_put_u64(&o, F_APP, APP);
	frame_put_z(&o, F_APP_NAME, "hello");
	frame_put_u64(&o, F_SLOT, WANT_LIVE);
	frame_put_u64(&o, F_RELEASE, 1);
	frame_put_u64(&o, F_GENERATION, 1);
	frame_put_z(&o, F_IMAGE, SHA);
	frame_put_z(&o, F_LAYER, SHA);
	frame_put_z(&o, F_PTYPE, "worker");
	frame_put_u64(&o, F_QUANTITY, 1);
	frame_put_z(&o, F_SIZE, size);
	frame_put_fd(&o, env);
	say_frame(t, WEB, &o);
	return expect(t, JAIL, MSG_INSTANCE_START);
}

static void a_size_becomes_limits(void **state)
{
	struct town *t = *state;
	struct got *start, *dyno;

	assert_int_equal(settings_set(&t->settings, STR("size"),
	                     STR("odd memory=64M cpu=7 cpu_max=150 pids=40 "
	                         "io=20 io_max=2M disk=128M inodes=5000"),
	                     NULL),
	    0);
	web_wants(t, WANT_LIVE, 0, NULL, 0);
	jail_tells(t, NULL);
	start = start_of(t, "odd");
	assert_int_equal(frame_u64(&start->f, F_MEMORY), 64u << 20);
	assert_int_equal(frame_u64(&start->f, F_CPU), 7);
	assert_int_equal(frame_u64(&start->f, F_CPU_MAX), 150);
	assert_int_equal(frame_u64(&start->f, F_PIDS), 40);
	assert_int_equal(frame_u64(&start->f, F_IO), 20);
	assert_int_equal(frame_u64(&start->f, F_IO_MAX), 2u << 20);
	assert_int_equal(frame_u64(&start->f, F_DISK), 128u << 20);
	assert_int_equal(frame_u64(&start->f, F_INODES), 5000);
	assert_int_equal(frame_u64(&start->f, F_OWN_DISK), 1);
	assert_true(field_is(start, F_SIZE, "odd"));
	dyno = expect(t, WEB, MSG_DYNO);
	assert_true(field_is(dyno, F_SIZE, "odd"));
	got_free(dyno);
	got_free(start);
}

static void volumes_go_on_to_jail(void **state)
{
	struct town *t = *state;
	struct frame_out o = frame_begin(MSG_WANT, 3), ask;
	scoped_fd int env = fd_sealed("env", STR("A=b"), NULL);
	struct got *g;
	char text[200];

	web_wants(t, WANT_LIVE, 0, NULL, 0);
	jail_tells(t, NULL);
	frame_put_u64(&o, F_APP, APP);
	frame_put_z(&o, F_APP_NAME, "hello");
	frame_put_u64(&o, F_SLOT, WANT_LIVE);
	frame_put_u64(&o, F_RELEASE, 1);
	frame_put_u64(&o, F_GENERATION, 1);
	frame_put_z(&o, F_IMAGE, SHA);
	frame_put_z(&o, F_LAYER, SHA);
	frame_put_z(&o, F_PTYPE, "worker");
	frame_put_u64(&o, F_QUANTITY, 1);
	frame_put_z(&o, F_SIZE, "basic");
	for (uint64_t i = 1; i <= 2; i++) {
		frame_put_u64(&o, F_VOLUME, i);
		frame_put_u64(&o, F_VOLUME_BYTES, i << 30);
		frame_put_z(&o, F_VOLUME_PATH, i == 1 ? "/data" : "/app/x");
	}
	frame_put_fd(&o, env);
	say_frame(t, WEB, &o);
	g = expect(t, JAIL, MSG_INSTANCE_START);
	assert_string_equal(
	    values(&g->f, F_VOLUME_PATH, text), "/data /app/x ");
	assert_int_equal(frame_u64(&g->f, F_VOLUME), 1);
	assert_int_equal(frame_u64(&g->f, F_VOLUME_BYTES), 1u << 30);
	got_free(g);
	/* And so do web's questions, and jail's answers back. */
	ask = frame_begin(MSG_VOLUME_PUT, 77);
	frame_put_u64(&ask, F_APP, APP);
	frame_put_u64(&ask, F_VOLUME, 1);
	frame_put_u64(&ask, F_VOLUME_BYTES, 5);
	say_frame(t, WEB, &ask);
	g = expect(t, JAIL, MSG_VOLUME_PUT);
	assert_int_equal(frame_u64(&g->f, F_VOLUME_BYTES), 5);
	say_ok(t, JAIL, g);
	g = expect(t, WEB, MSG_OK);
	assert_int_equal(g->f.id, 77);
	got_free(g);
}

static void say_sized_run(struct town *t, uint64_t job, const char *size)
{
	struct frame_out o = frame_begin(MSG_RUN, (uint32_t)job);
	scoped_fd int env = fd_sealed("env", STR("A=b"), NULL);

	frame_put_u64(&o, F_JOB, job);
	frame_put_u64(&o, F_APP, APP);
	frame_put_z(&o, F_APP_NAME, "hello");
	frame_put_u64(&o, F_RELEASE, 1);
	frame_put_u64(&o, F_KIND, KIND_RUN);
	frame_put_z(&o, F_NAME, "run.1234");
	frame_put_z(&o, F_COMMAND, "true");
	frame_put_z(&o, F_IMAGE, SHA);
	frame_put_z(&o, F_LAYER, SHA);
	frame_put_u64(&o, F_STATE, 0);
	frame_put_z(&o, F_SIZE, size);
	frame_put_fd(&o, env);
	say_frame(t, WEB, &o);
}

/* 2 GiB for an app: four of 512 MiB fit, and one that takes more alone. */
static void commands_share_a_part_of_the_memory(void **state)
{
	struct town *t = *state;
	struct got *first = NULL, *g;

	t->settings.runs_max = 10;
	t->settings.host_memory_bytes = 4ull << 30;
	web_wants(t, WANT_LIVE, 0, NULL, 0);
	jail_tells(t, NULL);
	for (uint64_t job = 1; job <= 4; job++) {
		say_sized_run(t, job, "basic");
		g = expect(t, JAIL, MSG_INSTANCE_START);
		assert_int_equal(frame_u64(&g->f, F_MEMORY), 512u << 20);
		if (first)
			got_free(g);
		else
			first = g;
	}
	say_sized_run(t, 5, "basic");
	g = expect(t, WEB, MSG_ERROR);
	assert_int_equal(frame_u64(&g->f, F_CODE), ERR_LIMIT);
	got_free(g);
	assert_no(t, JAIL, MSG_INSTANCE_START);
	/* One ends: there is room again. */
	say_state(t, &first->f, INSTANCE_EXITED, 0, NULL);
	got_free(expect(t, WEB, MSG_RUN_EXITED));
	say_sized_run(t, 6, "basic");
	got_free(expect(t, JAIL, MSG_INSTANCE_START));
	got_free(first);
}

static void a_first_command_may_run_in_any_case(void **state)
{
	struct town *t = *state;

	t->settings.host_memory_bytes = 256u << 20;
	web_wants(t, WANT_LIVE, 0, NULL, 0);
	jail_tells(t, NULL);
	say_sized_run(t, 1, "standard-2x");
	assert_int_equal(
	    expect_u64(t, JAIL, MSG_INSTANCE_START, F_MEMORY), 1u << 30);
	say_sized_run(t, 2, "eco");
	assert_int_equal(expect_u64(t, WEB, MSG_ERROR, F_CODE), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scene_test(a_new_size_takes_over_when_it_serves),
	    scene_test(what_does_not_say_its_size_is_let_be),
	    scene_test(a_new_size_ends_a_back_off),
	    scene_test(an_exclusive_release_waits_for_the_end_of_the_old_one),
	    scene_test(the_old_release_comes_back_when_an_exclusive_one_fails),
	    town_test(a_size_becomes_limits),
	    town_test(volumes_go_on_to_jail),
	    town_test(commands_share_a_part_of_the_memory),
	    town_test(a_first_command_may_run_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
