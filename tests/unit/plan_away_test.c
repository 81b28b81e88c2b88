/* plan: what step decides when somebody was away, for one-offs, at the end. */
/* links: runtime/plan/model.c runtime/plan/step.c runtime/plan/apply.c */
/* links: runtime/plan/cron.c */
/* links: runtime/plan/candidate.c runtime/plan/live.c runtime/plan/rest.c */
/* links: runtime/plan/exclusive.c runtime/plan/room.c */
/* links: tests/unit/plan_scene.c */
#include "plan_scene.h"

/* --- who is away ---------------------------------------------------------- */

static void nothing_is_asked_of_a_jail_that_is_away(void **state)
{
	struct scene *s = *state;

	s->env.jail = false;
	scene_want(s, WANT_LIVE, 1, 1, 0, 1);
	scene_want(s, WANT_NEXT, 2, 1, 0, 1);
	assert_turn(s, "");
	s->env.jail = true;
	assert_turn(s, "start worker.1 v2; start worker.1 v1");
}

static void what_jail_never_got_is_asked_for_again(void **state)
{
	struct scene *s = *state;
	struct inst *run;
	int owner;

	scene_want(s, WANT_LIVE, 1, 1, 0, 1);
	scene_want(s, WANT_NEXT, 2, 1, 0, 1);
	run = scene_oneoff(s, KIND_RUN);
	run->pending = (struct pending *)&owner; /* so it can be asked for */
	assert_turn(s, "start worker.1 v2; start worker.1 v1; start run.1");
	model_jail_mark(&s->model);
	model_jail_sweep(&s->model, 5);
	/* No crash, and no candidate has failed by it. */
	assert_turn(s,
	    "start worker.1 v2; start worker.1 v1; start run.1; remove "
	    "worker.1 v2; remove worker.1 v1");
	assert_int_equal(s->app->next.rollout, ROLLOUT_UNDER_WAY);
}

static void what_jail_has_lost_counts_as_ended(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	scene_want(s, WANT_LIVE, 1, 1, 0, 2);
	(void)scene_turn(s);
	inst_runs(s, scene_inst(s, "worker.1", 1));
	inst_runs(s, scene_inst(s, "worker.2", 1));
	(void)scene_turn(s);
	model_jail_mark(&s->model);
	scene_inst(s, "worker.1", 1)->stale = false; /* told again */
	model_jail_sweep(&s->model, 5);
	in = scene_inst(s, "worker.2", 1);
	assert_true(in->lost && in->signal == 9);
	assert_turn(
	    s, "exited worker.2 v1; start worker.2 v1; remove worker.2 v1");
}

static void what_was_to_stop_is_told_so_again(void **state)
{
	struct scene *s = *state;

	scene_want(s, WANT_LIVE, 1, 1, 0, 2);
	(void)scene_turn(s);
	inst_runs(s, scene_inst(s, "worker.1", 1));
	scene_want(s, WANT_LIVE, 1, 1, 0, 0);
	assert_turn(s, "term worker.1 v1; kill worker.2 v1");
	s->env.jail = false;
	s->env.now_ms += STOP;
	assert_turn(s, "");
	s->env.jail = true;
	model_jail_mark(&s->model);
	scene_inst(s, "worker.1", 1)->stale =
	    scene_inst(s, "worker.2", 1)->stale = false;
	model_jail_sweep(&s->model, 5);
	assert_turn(s, "term worker.1 v1; kill worker.2 v1");
}

static void a_router_that_is_back_must_confirm_anew(void **state)
{
	struct scene *s = *state;
	struct inst *old;

	scene_serve_v1(s);
	old = scene_inst(s, "web.1", 1);
	scene_want(s, WANT_NEXT, 2, 1, 1, 0);
	(void)scene_turn(s);
	inst_runs(s, scene_inst(s, "web.1", 2));
	(void)scene_turn(s);
	inst_answers(scene_inst(s, "web.1", 2), 200);
	assert_turn(s, "target web.1 v2 serve");
	model_router_lost(&s->model, s->env.now_ms);
	assert_turn(s, "");
	old->acked = true;
	assert_turn(s, "");
	scene_inst(s, "web.1", 2)->acked = true;
	assert_turn(s, "live v2; target web.1 v1 drain");
}

static void nothing_is_ended_before_the_wants_are_known(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	s->env.wants = false;
	in = scene_adopt(s, "web", 1, 1);
	assert_turn(s, "");
	s->env.wants = true;
	assert_turn(s, "term web.1 v1");
	assert_int_equal(in->stop, STOP_TERM);
}

static void what_is_adopted_goes_on_serving(void **state)
{
	struct scene *s = *state;
	struct inst *old, *new;

	scene_want(s, WANT_LIVE, 1, 2, 1, 0);
	/* Alone in its place, be it what is wanted or what stands in. */
	old = scene_adopt(s, "web", 1, 1);
	assert_turn(s, "start web.1 v1; target web.1 v1 serve");
	assert_int_equal(old->target, TARGET_SERVE);
	model_remove(&s->model, scene_inst(s, "web.1", 1));
	old->target = TARGET_NONE;
	/* Two: the router says who listens, and the newer takes over. */
	new = scene_adopt(s, "web", 1, 2);
	assert_turn(s, "target web.1 v1 check; target web.1 v1 check");
	inst_answers(new, 200);
	inst_answers(old, 200);
	assert_turn(s, "target web.1 v1 serve");
	assert_int_equal(new->target, TARGET_SERVE);
	new->acked = true;
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	assert_int_equal(old->stop, STOP_TERM);
}

static void a_candidate_given_up_meanwhile_is_not_adopted(void **state)
{
	struct scene *s = *state;

	scene_want(s, WANT_LIVE, 1, 1, 1, 0);
	(void)scene_adopt(s, "web", 1, 1);
	(void)scene_adopt(s, "web", 2, 1);
	assert_turn(s, "target web.1 v1 serve; term web.1 v2");
}

/* --- one-offs, jobs ------------------------------------------------------- */

static void a_one_off_starts_ends_and_is_removed(void **state)
{
	struct scene *s = *state;
	struct inst *in = scene_oneoff(s, KIND_RUN);

	assert_turn(s, "start run.1");
	inst_runs(s, in);
	assert_turn(s, "");
	assert_int_equal(in->told, DYNO_UP);
	app_stop(s->app, STR("run.1"));
	assert_turn(s, "term run.1");
	inst_ends(in, 143, 0);
	assert_turn(s, "exited run.1; remove run.1");
}

static void one_that_waits_is_given_up(void **state)
{
	struct scene *s = *state;
	struct inst *in = scene_oneoff(s, KIND_RUN);

	s->env.jail = false;
	assert_turn(s, "");
	app_stop(s->app, STR("run.1"));
	assert_turn(s, "give-up run.1; exited run.1");
	assert_string_equal(in->text, "It was ended before it started");
	s->env.jail = true;
	assert_turn(s, "remove run.1");
}

static void the_end_of_a_release_phase_waits_for_web(void **state)
{
	struct scene *s = *state;
	struct inst *in = scene_oneoff(s, KIND_RELEASE);

	(void)scene_turn(s);
	inst_runs(s, in);
	s->env.web = false;
	inst_ends(in, 0, 0);
	assert_turn(s, "");
	s->env.web = true;
	assert_turn(s, "exited run.1; remove run.1");
}

static void a_job_has_its_time_and_its_owner(void **state)
{
	struct scene *s = *state;
	struct inst *in = scene_oneoff(s, KIND_BUILD);

	in->most_ms = 5000;
	assert_turn(s, "start run.1");
	inst_runs(s, in);
	assert_turn(s, "");
	assert_int_equal(s->wake, s->env.now_ms + 5000);
	assert_int_equal(in->told, DYNO_UNTOLD);
	s->env.now_ms += 5000;
	assert_turn(s, "kill run.1");
	assert_string_equal(
	    in->text, "stopped after 5 seconds, the most it may take");
	inst_ends(in, 0, 9);
	assert_turn(s, "exited run.1; remove run.1");

	in = scene_oneoff(s, KIND_EXPORT);
	assert_turn(s, "start run.1");
	inst_runs(s, in);
	model_disown_jobs(&s->model);
	assert_turn(s, "kill run.1");
}

/* --- the end -------------------------------------------------------------- */

static void down_ends_all_without_draining(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	scene_serve_v1(s);
	in = scene_inst(s, "web.1", 1);
	(void)scene_oneoff(s, KIND_RUN);
	scene_want(s, WANT_NEXT, 2, 1, 1, 0);
	s->env.down = true;
	assert_turn(s,
	    "drop web.1 v1; term web.1 v1; give-up run.1; exited run.1; remove "
	    "run.1");
	inst_ends(in, 0, 0);
	assert_turn(s, "exited web.1 v1; remove web.1 v1");
	assert_true(model_is_empty(&s->model));
}

static void an_app_that_is_gone_is_stopped_then_dropped(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	scene_serve_v1(s);
	in = scene_inst(s, "web.1", 1);
	app_gone(s->app);
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	inst_ends(in, 0, 0);
	assert_turn(s, "exited web.1 v1; remove web.1 v1; app-drop");
	assert_false(model_forget_app(&s->model, s->app));
	/* jail was away before it answered: once more. */
	model_jail_mark(&s->model);
	assert_turn(s, "app-drop");
	s->app->gone = false;
	assert_true(model_forget_app(&s->model, s->app));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scene_test(nothing_is_asked_of_a_jail_that_is_away),
	    scene_test(what_jail_never_got_is_asked_for_again),
	    scene_test(what_jail_has_lost_counts_as_ended),
	    scene_test(what_was_to_stop_is_told_so_again),
	    scene_test(a_router_that_is_back_must_confirm_anew),
	    scene_test(nothing_is_ended_before_the_wants_are_known),
	    scene_test(what_is_adopted_goes_on_serving),
	    scene_test(a_candidate_given_up_meanwhile_is_not_adopted),
	    scene_test(a_one_off_starts_ends_and_is_removed),
	    scene_test(one_that_waits_is_given_up),
	    scene_test(the_end_of_a_release_phase_waits_for_web),
	    scene_test(a_job_has_its_time_and_its_owner),
	    scene_test(down_ends_all_without_draining),
	    scene_test(an_app_that_is_gone_is_stopped_then_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
