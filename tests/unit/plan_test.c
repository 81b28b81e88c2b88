/* plan: what step decides for candidates and for what is live. */
/* links: runtime/plan/model.c runtime/plan/step.c runtime/plan/apply.c */
/* links: runtime/plan/cron.c */
/* links: runtime/plan/candidate.c runtime/plan/live.c runtime/plan/rest.c */
/* links: runtime/plan/exclusive.c runtime/plan/room.c */
/* links: tests/unit/plan_scene.c */
#include "plan_scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- candidates ----------------------------------------------------------- */

static void a_candidate_goes_live_once_the_router_has_it(void **state)
{
	struct scene *s = *state;
	struct inst *old, *new;

	scene_serve_v1(s);
	old = scene_inst(s, "web.1", 1);
	scene_want(s, WANT_NEXT, 2, 1, 1, 0);
	assert_turn(s, "start web.1 v2");
	new = scene_inst(s, "web.1", 2);
	inst_runs(s, new);
	assert_turn(s, "target web.1 v2 check");
	inst_answers(new, 200);
	assert_turn(s, "target web.1 v2 serve");
	assert_int_equal(old->stop, STOP_NO);
	new->acked = true;
	assert_turn(s, "live v2; target web.1 v1 drain");
	/* web has written it down: nothing changes. */
	scene_want(s, WANT_LIVE, 2, 1, 1, 0);
	app_want_drop(s->app, WANT_NEXT);
	assert_turn(s, "");
	old->drained = true;
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	inst_ends(old, 143, 0);
	assert_turn(s, "exited web.1 v1; remove web.1 v1");
}

static void all_processes_of_a_candidate_must_be_healthy(void **state)
{
	struct scene *s = *state;

	scene_want(s, WANT_NEXT, 1, 1, 2, 1);
	assert_turn(s, "start web.1 v1; start web.2 v1; start worker.1 v1");
	inst_runs(s, scene_inst(s, "web.1", 1));
	inst_runs(s, scene_inst(s, "web.2", 1));
	assert_turn(s, "target web.1 v1 check; target web.2 v1 check");
	inst_answers(scene_inst(s, "web.1", 1), 200);
	inst_answers(scene_inst(s, "web.2", 1), 200);
	assert_turn(s, "");
	inst_runs(s, scene_inst(s, "worker.1", 1));
	assert_turn(s, "target web.1 v1 serve; target web.2 v1 serve");
	scene_inst(s, "web.1", 1)->acked = true;
	assert_turn(s, "");
	scene_inst(s, "web.2", 1)->acked = true;
	assert_turn(s, "live v1");
}

static void a_candidate_that_fails_a_check_says_which(void **state)
{
	struct scene *s = *state;
	struct inst *new;

	scene_serve_v1(s);
	scene_want(s, WANT_NEXT, 2, 1, 1, 0);
	assert_turn(s, "start web.1 v2");
	new = scene_inst(s, "web.1", 2);
	inst_runs(s, new);
	assert_turn(s, "target web.1 v2 check");
	snprintf(new->unhealthy, sizeof(new->unhealthy), "/ says no");
	assert_turn(
	    s, "failed web.1 v2 (/ says no); drop web.1 v2; term web.1 v2");
}

static void a_web_process_that_fails_its_liveness_counts_as_crashed(
    void **state)
{
	struct scene *s = *state;
	struct inst *in;

	scene_serve_v1(s);
	in = scene_inst(s, "web.1", 1);
	snprintf(in->unhealthy, sizeof(in->unhealthy), "/ says no");
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	/* Its place is free when it has ended, and it is not asked twice. */
	assert_turn(s, "");
	inst_ends(in, 143, 0);
	assert_turn(
	    s, "exited web.1 v1 crash 0; start web.1 v1; remove web.1 v1");
}

static void one_that_fails_as_it_takes_over_replaces_nobody(void **state)
{
	struct scene *s = *state;
	struct inst *new;

	scene_serve_v1(s);
	scene_want(s, WANT_LIVE, 1, 2, 1, 0);
	assert_turn(s, "start web.1 v1");
	new = scene_inst(s, "web.1", 1);
	inst_runs(s, new);
	assert_turn(s, "target web.1 v1 check");
	inst_answers(new, 200);
	assert_turn(s, "target web.1 v1 serve");
	new->acked = true;
	snprintf(new->unhealthy, sizeof(new->unhealthy), "/ says no");
	/* The old one goes on: no drain. */
	assert_turn(s, "drop web.1 v1; term web.1 v1");
}

static void a_kill_from_outside_is_no_crash(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	scene_serve_v1(s);
	for (int i = 0; i < 5; i++) {
		in = scene_inst(s, "web.1", 1);
		inst_ends(in, 0, 9);
		assert_turn(s,
		    "drop web.1 v1; exited web.1 v1; start web.1 v1; "
		    "remove web.1 v1");
		in = scene_inst(s, "web.1", 1);
		inst_runs(s, in);
		(void)scene_turn(s);
		inst_answers(in, 200);
		(void)scene_turn(s);
	}
	in->state = INST_EXITED;
	in->signal = 9;
	in->oom = true;
	assert_turn(s,
	    "drop web.1 v1; exited web.1 v1 crash 0; start web.1 v1; "
	    "remove web.1 v1");
}

static void what_has_no_port_proves_itself_by_staying_up(void **state)
{
	struct scene *s = *state;

	s->env.uptime_ms = 3000;
	scene_want(s, WANT_NEXT, 1, 1, 0, 2);
	s->app->next.types[1].uptime_ms = 9000;
	assert_turn(s, "start worker.1 v1; start worker.2 v1");
	inst_runs(s, scene_inst(s, "worker.1", 1));
	inst_runs(s, scene_inst(s, "worker.2", 1));
	assert_turn(s, "");
	assert_int_equal(s->wake, s->env.now_ms + 9000);
	s->app->next.types[1].uptime_ms = 0;
	assert_turn(s, "");
	assert_int_equal(s->wake, s->env.now_ms + 3000);
	s->env.now_ms += 3000;
	assert_turn(s, "live v1");
}

static void a_candidate_that_ends_has_failed_and_says_how(void **state)
{
	static const struct {
		struct ending e;
		const char *want;
	} cases[] = {
	    {{.code = 1}, "Process exited with status 1"},
	    {{.code = 0}, "Process exited with status 0"},
	    {{.signal = 11},
	        "Process was killed by signal 11 (Segmentation fault)"},
	    {{.signal = 9, .oom = true},
	        "Process was killed by signal 9 (out of memory: limit 512 "
	        "MiB)"},
	    {{.code = 125, .text = {"crun: no such file", 18}},
	        "crun: no such file"},
	};
	struct scene *s = *state;

	scene_serve_v1(s);
	for (size_t i = 0; i < NELEM(cases); i++) {
		uint64_t v = 2 + i;
		struct inst *in;
		uint64_t id;

		scene_want(s, WANT_NEXT, v, 1, 1, 0);
		(void)scene_turn(s);
		in = scene_inst(s, "web.1", v);
		id = in->id;
		inst_runs(s, in);
		(void)scene_turn(s);
		inst_exited(in, &cases[i].e, 5);
		(void)scene_turn(s);
		assert_non_null(strstr(buf_z(&s->did), cases[i].want));
		assert_null(strstr(buf_z(&s->did), "v1"));
		assert_string_equal(s->app->next.culprit, "web.1");
		assert_int_equal(s->app->next.culprit_instance, id);
		app_want_drop(s->app, WANT_NEXT);
		assert_turn(s, "");
		assert_int_equal(scene_inst(s, "web.1", 1)->stop, STOP_NO);
	}
}

static void a_candidate_has_its_time_to_listen(void **state)
{
	struct scene *s = *state;

	scene_serve_v1(s);
	scene_want(s, WANT_NEXT, 2, 1, 1, 0);
	(void)scene_turn(s);
	inst_runs(s, scene_inst(s, "web.1", 2));
	assert_turn(s, "target web.1 v2 check");
	assert_int_equal(s->wake, s->env.now_ms + BOOT);
	s->env.now_ms += BOOT - 1;
	assert_turn(s, "");
	/* While the router is away nobody can tell. */
	s->env.router = false;
	s->env.now_ms += 1;
	assert_turn(s, "");
	s->env.router = true;
	assert_turn(s, "look web.1 v2");
	/* jail does not say where it listens. */
	assert_int_equal(s->wake, s->env.now_ms + 2000);
	s->env.now_ms += 2000;
	assert_turn(s,
	    "failed web.1 v2 (Error R10 (Boot timeout) -> Web process failed "
	    "to bind "
	    "to $PORT within 60 seconds of launch); drop web.1 v2; term web.1 "
	    "v2");
}

static void what_listens_elsewhere_is_told_where(void **state)
{
	static const struct {
		struct listens listens;
		const char *want;
	} cases[] = {
	    {{0}, "(it listens on no port at all)"},
	    {{1, {{3000, LISTENS_V4}}},
	        "(it listens on 3000 instead of 12345)"},
	    {{4, {{3000, LISTENS_V6}, {1, LISTENS_V4_ONE}, {2, LISTENS_V4},
	             {4, LISTENS_V4}}},
	        "(it listens on 3000 of IPv6, 1 of one address, 2 instead of "
	        "12345)"},
	    {{2, {{1, LISTENS_V4}, {12345, LISTENS_V6}}}, "by IPv6 alone"},
	    {{1, {{12345, LISTENS_V4_ONE}}}, "of another address than"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < NELEM(cases); i++) {
		uint64_t release = i + 1;
		struct inst *in;
		const char *did;

		scene_want(s, WANT_NEXT, release, 1, 1, 0);
		(void)scene_turn(s);
		in = scene_inst(s, "web.1", release);
		inst_runs(s, in);
		(void)scene_turn(s);
		s->env.now_ms += BOOT;
		(void)scene_turn(s);
		in->seen = true;
		in->listens = cases[i].listens;
		in->port = 12345;
		did = scene_turn(s);
		if (!strstr(did, "Error R10") || !strstr(did, cases[i].want))
			fail_msg("no \"%s\" in: %s", cases[i].want, did);
	}
}

static void a_bad_answer_counts_if_it_was_better_before(void **state)
{
	static const struct {
		unsigned live, status;
		const char *want;
	} cases[] = {
	    {200, 200, NULL},
	    {200, 499, NULL},
	    {200, 500,
	        "the health check of / was answered with 500, the release "
	        "before with 200"},
	    {404, 503, "answered with 503, the release before with 404"},
	    {500, 503, "Warning: / answered the health check with 503"},
	    {0, 500, "Warning: / answered the health check with 500"},
	    {200, 0, "Warning: / gave no answer to the health check"},
	};
	struct scene *s = *state;

	scene_serve_v1(s);
	for (size_t i = 0; i < NELEM(cases); i++) {
		bool fails = strstr(cases[i].want ? cases[i].want : "",
		                 "the release before") != NULL;
		uint64_t v = 2 + i;
		struct inst *in;

		s->app->live_status = cases[i].live;
		scene_want(s, WANT_NEXT, v, 1, 1, 0);
		(void)scene_turn(s);
		in = scene_inst(s, "web.1", v);
		inst_runs(s, in);
		(void)scene_turn(s);
		inst_answers(in, cases[i].status);
		(void)scene_turn(s);
		in->acked = !fails;
		if (!fails)
			(void)scene_turn(s);
		assert_int_equal(s->app->next.rollout,
		    fails ? ROLLOUT_FAILED : ROLLOUT_LIVE);
		if (cases[i].want)
			assert_non_null(strstr(buf_z(&s->did), cases[i].want));
		if (!fails)
			scene_want(s, WANT_LIVE, v, 1, 1, 0);
		app_want_drop(s->app, WANT_NEXT);
	}
}

static void a_candidate_is_given_up_for_a_newer_one(void **state)
{
	struct scene *s = *state;

	scene_serve_v1(s);
	scene_want(s, WANT_NEXT, 2, 1, 1, 0);
	assert_turn(s, "start web.1 v2");
	scene_want(s, WANT_NEXT, 3, 1, 1, 0);
	assert_turn(s, "kill web.1 v2; start web.1 v3");
	app_want_drop(s->app, WANT_NEXT);
	assert_turn(s, "kill web.1 v3");
	assert_int_equal(scene_inst(s, "web.1", 1)->target, TARGET_SERVE);
}

static void an_end_that_web_has_not_heard_is_told_again(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	scene_want(s, WANT_NEXT, 1, 1, 0, 1);
	assert_turn(s, "start worker.1 v1");
	in = scene_inst(s, "worker.1", 1);
	inst_runs(s, in);
	assert_turn(s, "live v1");
	s->env.web = false;
	scene_want(s, WANT_NEXT, 1, 1, 0, 1);
	assert_turn(s, "");
	s->env.web = true;
	assert_turn(s, "live v1");
	assert_int_equal(in->stop, STOP_NO);
}

/* --- what is live --------------------------------------------------------- */

static void a_back_off_doubles_up_to_a_limit(void **state)
{
	static const uint64_t base[] = {0, 1000, 2000, 4000, 8000, 16000, 32000,
	    64000, 128000, 256000, 300000, 300000};

	(void)state;
	for (unsigned i = 0; i < NELEM(base); i++) {
		assert_int_equal(step_backoff_ms(i, 0), base[i] * 80 / 100);
		assert_int_equal(step_backoff_ms(i, 20), base[i]);
		assert_int_equal(step_backoff_ms(i, 40), base[i] * 120 / 100);
	}
	assert_int_equal(step_backoff_ms(4000000000u, 20), 300000);
}

static void a_process_that_ends_comes_back_later_each_time(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	scene_want(s, WANT_LIVE, 1, 1, 0, 1);
	(void)scene_turn(s);
	inst_runs(s, scene_inst(s, "worker.1", 1));
	inst_ends(scene_inst(s, "worker.1", 1), 1, 0);
	assert_turn(s,
	    "exited worker.1 v1 crash 0; start worker.1 v1; remove worker.1 "
	    "v1");
	inst_ends(scene_inst(s, "worker.1", 1), 1, 0);
	assert_turn(s, "exited worker.1 v1 crash 1000");
	assert_int_equal(scene_inst(s, "worker.1", 1)->told, DYNO_CRASHED);
	assert_int_equal(s->wake, s->env.now_ms + 1000);
	s->env.now_ms += 1000;
	assert_turn(s, "start worker.1 v1; remove worker.1 v1");
	in = scene_inst(s, "worker.1", 1);
	inst_runs(s, in);
	/* Up for ten minutes: the next one counts as the first. */
	s->env.now_ms += STEADY_MS;
	inst_ends(in, 1, 0);
	assert_turn(s,
	    "exited worker.1 v1 crash 0; start worker.1 v1; remove worker.1 "
	    "v1");
}

static void a_restart_or_a_release_ends_a_back_off(void **state)
{
	struct scene *s = *state;

	for (uint64_t g = 1; g <= 3; g++) {
		scene_want(s, WANT_LIVE, 1, g, 0, 1);
		(void)scene_turn(s);
		for (int i = 0; i < 3; i++) {
			inst_ends(scene_inst(s, "worker.1", 1), 1, 0);
			(void)scene_turn(s);
			s->env.now_ms += i == 0 ? 1000 : 0;
			(void)scene_turn(s);
		}
		assert_int_equal(
		    scene_inst(s, "worker.1", 1)->state, INST_EXITED);
	}
	/* `ps:restart worker.1` too. */
	app_stop(s->app, STR("worker.1"));
	assert_turn(s, "start worker.1 v1; remove worker.1 v1");
}

static void requests_wait_until_it_is_clear_that_nobody_comes(void **state)
{
	struct scene *s = *state;

	scene_serve_v1(s);
	for (int crashes = 1; crashes <= 4; crashes++) {
		inst_ends(scene_inst(s, "web.1", 1), 1, 0);
		(void)scene_turn(s);
		assert_int_equal(
		    s->app->front, crashes <= 2 ? FRONT_HOLD : FRONT_CRASHED);
		s->env.now_ms += 300000;
		(void)scene_turn(s);
	}
	scene_want(s, WANT_LIVE, 1, 1, 0, 0);
	(void)scene_turn(s);
	assert_int_equal(s->app->front, FRONT_NONE);
}

static void one_that_never_listens_is_killed_and_comes_back(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	scene_want(s, WANT_LIVE, 1, 1, 1, 0);
	(void)scene_turn(s);
	in = scene_inst(s, "web.1", 1);
	inst_runs(s, in);
	(void)scene_turn(s);
	s->env.now_ms += BOOT;
	assert_turn(s, "look web.1 v1");
	in->seen = true;
	assert_turn(s, "drop web.1 v1; kill web.1 v1");
	inst_ends(in, 0, 9);
	assert_turn(
	    s, "exited web.1 v1 crash 0; start web.1 v1; remove web.1 v1");
}

static void scaling_starts_and_stops_what_differs(void **state)
{
	struct scene *s = *state;

	scene_serve_v1(s);
	scene_want(s, WANT_LIVE, 1, 1, 2, 1);
	assert_turn(s, "start web.2 v1; start worker.1 v1");
	inst_runs(s, scene_inst(s, "worker.1", 1));
	assert_turn(s, "");
	scene_want(s, WANT_LIVE, 1, 1, 1, 0);
	assert_turn(s, "kill web.2 v1; term worker.1 v1");
	inst_ends(scene_inst(s, "worker.1", 1), 143, 0);
	inst_ends(scene_inst(s, "web.2", 1), 0, 9);
	assert_turn(s,
	    "exited web.2 v1; exited worker.1 v1; remove web.2 v1; remove "
	    "worker.1 v1");
	assert_null(app_crash(s->app, "worker", 1));
}

static void stopping_goes_by_steps_with_time_limits(void **state)
{
	struct scene *s = *state;

	scene_serve_v1(s);
	scene_want(s, WANT_LIVE, 1, 1, 0, 0);
	assert_turn(s, "target web.1 v1 drain");
	assert_int_equal(scene_inst(s, "web.1", 1)->told, DYNO_STOPPING);
	s->env.now_ms += DRAIN - 1;
	assert_turn(s, "");
	s->env.now_ms += 1;
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	s->env.now_ms += STOP - 1;
	assert_turn(s, "");
	s->env.now_ms += 1;
	assert_turn(s, "kill web.1 v1");
	assert_int_equal(s->wake, NEVER);
}

static void a_restart_keeps_the_old_one_until_the_new_one_serves(void **state)
{
	struct scene *s = *state;
	struct inst *old, *new;

	scene_serve_v1(s);
	old = scene_inst(s, "web.1", 1);
	scene_want(s, WANT_LIVE, 1, 2, 1, 0);
	assert_turn(s, "start web.1 v1");
	new = scene_inst(s, "web.1", 1);
	assert_true(new != old &&new->generation == 2);
	inst_runs(s, new);
	assert_turn(s, "target web.1 v1 check");
	inst_answers(new, 200);
	assert_turn(s, "target web.1 v1 serve");
	assert_int_equal(old->stop, STOP_NO);
	new->acked = true;
	assert_turn(s, "target web.1 v1 drain");
	assert_int_equal(old->stop, STOP_DRAIN);
	/* `ps:restart web.1` does the same with one. */
	app_stop(s->app, STR("web.1"));
	assert_turn(s, "start web.1 v1");
	assert_int_equal(new->stop, STOP_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scene_test(a_candidate_goes_live_once_the_router_has_it),
	    scene_test(all_processes_of_a_candidate_must_be_healthy),
	    scene_test(a_candidate_that_fails_a_check_says_which),
	    scene_test(a_web_process_that_fails_its_liveness_counts_as_crashed),
	    scene_test(one_that_fails_as_it_takes_over_replaces_nobody),
	    scene_test(a_kill_from_outside_is_no_crash),
	    scene_test(what_has_no_port_proves_itself_by_staying_up),
	    scene_test(a_candidate_that_ends_has_failed_and_says_how),
	    scene_test(a_candidate_has_its_time_to_listen),
	    scene_test(what_listens_elsewhere_is_told_where),
	    scene_test(a_bad_answer_counts_if_it_was_better_before),
	    scene_test(a_candidate_is_given_up_for_a_newer_one),
	    scene_test(an_end_that_web_has_not_heard_is_told_again),
	    cmocka_unit_test(a_back_off_doubles_up_to_a_limit),
	    scene_test(a_process_that_ends_comes_back_later_each_time),
	    scene_test(a_restart_or_a_release_ends_a_back_off),
	    scene_test(requests_wait_until_it_is_clear_that_nobody_comes),
	    scene_test(one_that_never_listens_is_killed_and_comes_back),
	    scene_test(scaling_starts_and_stops_what_differs),
	    scene_test(stopping_goes_by_steps_with_time_limits),
	    scene_test(a_restart_keeps_the_old_one_until_the_new_one_serves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
