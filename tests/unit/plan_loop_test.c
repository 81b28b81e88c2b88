/* plan: the daemon's loop, with real frames to and from all its peers. */
/* links: runtime/plan/ tests/unit/plan_town.c */
#include "plan_town.h"

static void serve(struct town *t, struct got *start)
{
	uint64_t id = frame_u64(&start->f, F_INSTANCE);
	struct frame_out o = frame_begin(MSG_TARGET_HEALTH, 0);
	struct got *g;

	say_state(t, &start->f, INSTANCE_RUNNING, 0, NULL);
	g = expect(t, ROUTER, MSG_TARGET);
	assert_int_equal(frame_u64(&g->f, F_STATE), TARGET_CHECK);
	assert_int_equal(frame_u64(&g->f, F_INSTANCE), id);
	assert_int_equal(
	    frame_u64(&g->f, F_PORT), frame_u64(&start->f, F_PORT));
	say_ok(t, ROUTER, g);
	frame_put_u64(&o, F_INSTANCE, id);
	frame_put_u64(&o, F_STATUS, 200);
	say_frame(t, ROUTER, &o);
	g = expect(t, ROUTER, MSG_TARGET);
	assert_int_equal(frame_u64(&g->f, F_STATE), TARGET_SERVE);
	assert_no(t, WEB, MSG_RELEASE_LIVE);
	say_ok(t, ROUTER, g);
}

static void a_wanted_release_is_started_and_told_live(void **state)
{
	struct town *t = *state;
	struct got *start, *g;
	char text[200];
	uint64_t port;

	web_wants(t, WANT_NEXT, 1, "web", 1);
	assert_no(t, JAIL, MSG_INSTANCE_START);
	jail_tells(t, NULL);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	assert_string_equal(
	    values(&start->f, F_ARG, text), "/cnb/lifecycle/launcher web ");
	assert_string_equal(values(&start->f, F_LAYER, text), SHA " " SHA " ");
	assert_true(field_is(start, F_NAME, "web.1"));
	assert_int_equal(start->f.nfds, 1);
	assert_int_equal(
	    frame_u64(&start->f, F_MEMORY), t->settings.app_memory_bytes);
	port = frame_u64(&start->f, F_PORT);
	assert_in_range(port, 10000, 31999);
	g = expect(t, LOGD, MSG_LOG_WRITE);
	assert_true(field_is(g, F_SOURCE, "heroku"));
	assert_true(field_is(g, F_PROC, "web.1"));
	assert_true(field_is(
	    g, F_TEXT, "Starting process with command `node server.js`"));
	got_free(g);
	assert_int_equal(expect_u64(t, WEB, MSG_DYNO, F_STATE), DYNO_STARTING);
	serve(t, start);
	assert_int_equal(expect_u64(t, WEB, MSG_RELEASE_LIVE, F_RELEASE), 1);
	assert_int_equal(expect_u64(t, WEB, MSG_DYNO, F_STATE), DYNO_UP);
	g = expect(t, LOGD, MSG_LOG_WRITE);
	assert_true(field_is(g, F_TEXT, "State changed from starting to up"));
	got_free(g);
	got_free(start);
}

static void a_restart_of_plan_adopts_before_it_tells_anybody(void **state)
{
	struct town *t = *state;
	struct got *start, *g;
	uint64_t id;

	web_wants(t, WANT_LIVE, 1, "web", 1);
	jail_tells(t, NULL);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	id = frame_u64(&start->f, F_INSTANCE);
	serve(t, start);
	got_free(expect(t, ROUTER, MSG_TARGETS_END));
	got_free(expect(t, ROUTER, MSG_TARGETS_BEGIN));
	plan_ends(t);
	hang_up(t, WEB);
	wait_until_lost(t, JAIL);
	plan_starts(t);
	jail_tells(t, &start->f);
	assert_no(t, ROUTER, MSG_TARGETS_BEGIN);
	web_wants(t, WANT_LIVE, 1, "web", 1);
	got_free(expect(t, ROUTER, MSG_TARGETS_BEGIN));
	g = expect(t, ROUTER, MSG_TARGET);
	assert_int_equal(frame_u64(&g->f, F_INSTANCE), id);
	assert_int_equal(frame_u64(&g->f, F_STATE), TARGET_SERVE);
	got_free(g);
	got_free(expect(t, ROUTER, MSG_TARGETS_END));
	assert_no(t, JAIL, MSG_INSTANCE_START);
	/* A newer instance has the larger id. */
	say_want(t, WANT_LIVE, 1, "web", 2);
	assert_true(expect_u64(t, JAIL, MSG_INSTANCE_START, F_INSTANCE) > id);
	got_free(start);
}

static void a_run_is_answered_when_it_runs(void **state)
{
	struct town *t = *state;
	struct got *start, *g;
	char text[200];

	web_wants(t, WANT_LIVE, 0, NULL, 0);
	jail_tells(t, NULL);
	say_run(t, 41, KIND_RUN, 5);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	assert_string_equal(values(&start->f, F_ARG, text),
	    "/cnb/lifecycle/launcher rake \"a b\" ");
	assert_int_equal(frame_u64(&start->f, F_PTY), 1);
	assert_int_equal(frame_u64(&start->f, F_ROWS), 24);
	assert_int_equal(frame_u64(&start->f, F_PORT), 0);
	say_state(t, &start->f, INSTANCE_STARTING, 0, NULL);
	assert_no(t, WEB, MSG_OK);
	say_state(t, &start->f, INSTANCE_RUNNING, 0, NULL);
	g = expect(t, WEB, MSG_OK);
	assert_int_equal(g->f.id, 41);
	assert_int_equal(
	    frame_u64(&g->f, F_INSTANCE), frame_u64(&start->f, F_INSTANCE));
	got_free(g);
	say_state(t, &start->f, INSTANCE_EXITED, 3, NULL);
	assert_int_equal(expect_u64(t, WEB, MSG_RUN_EXITED, F_EXIT_CODE), 3);
	got_free(expect(t, JAIL, MSG_INSTANCE_REMOVE));
	got_free(start);
}

static void say_unborn(struct town *t, const struct frame *start)
{
	static const enum field labels[] = {F_INSTANCE, F_APP, F_KIND,
	    F_RELEASE, F_GENERATION, F_PTYPE, F_NUM, F_NAME, F_PORT, F_JOB};
	struct frame_out o = frame_begin(MSG_INSTANCE_STATE, 0);

	for (size_t i = 0; i < NELEM(labels); i++)
		frame_put(&o, labels[i], frame_str(start, labels[i]));
	frame_put_u64(&o, F_STATE, INSTANCE_EXITED);
	frame_put_u64(&o, F_EXIT_CODE, 255);
	frame_put_u64(&o, F_EXIT_SIGNAL, 0);
	frame_put_u64(&o, F_OOM, 0);
	frame_put_u64(&o, F_TIME, 1);
	frame_put_u64(&o, F_UNBORN, 1);
	say_frame(t, JAIL, &o);
}

/* jail was killed half-way through its start, and found the rest of that. */
static void a_start_that_was_interrupted_is_made_again(void **state)
{
	struct town *t = *state;
	struct got *first, *again, *g;
	uint64_t id;

	web_wants(t, WANT_LIVE, 0, NULL, 0);
	jail_tells(t, NULL);
	say_run(t, 41, KIND_RUN, 5);
	first = expect(t, JAIL, MSG_INSTANCE_START);
	id = frame_u64(&first->f, F_INSTANCE);
	say_state(t, &first->f, INSTANCE_STARTING, 0, NULL);
	say_unborn(t, &first->f);
	assert_int_equal(
	    expect_u64(t, JAIL, MSG_INSTANCE_REMOVE, F_INSTANCE), id);
	again = expect(t, JAIL, MSG_INSTANCE_START);
	assert_int_equal(frame_u64(&again->f, F_INSTANCE), id);
	assert_int_equal(again->f.nfds, first->f.nfds);
	assert_no(t, WEB, MSG_ERROR);
	say_state(t, &again->f, INSTANCE_RUNNING, 0, NULL);
	g = expect(t, WEB, MSG_OK);
	assert_int_equal(g->f.id, 41);
	got_free(g);
	got_free(first);
	got_free(again);
}

static void a_release_command_does_not_run_twice(void **state)
{
	struct town *t = *state;
	struct got *start;

	web_wants(t, WANT_LIVE, 0, NULL, 0);
	jail_tells(t, NULL);
	say_run(t, 1, KIND_RELEASE, 6);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	say_state(t, &start->f, INSTANCE_RUNNING, 0, NULL);
	got_free(expect(t, WEB, MSG_OK));
	hang_up(t, WEB);
	say_state(t, &start->f, INSTANCE_EXITED, 0, NULL);
	assert_no(t, JAIL, MSG_INSTANCE_REMOVE);
	dial(t, WEB);
	got_free(expect(t, WEB, MSG_RUN_EXITED));
	got_free(expect(t, JAIL, MSG_INSTANCE_REMOVE));
	/* web asks before it has heard that. */
	say_run(t, 2, KIND_RELEASE, 6);
	got_free(expect(t, WEB, MSG_OK));
	assert_int_equal(expect_u64(t, WEB, MSG_RUN_EXITED, F_JOB), 6);
	assert_no(t, JAIL, MSG_INSTANCE_START);
	got_free(start);
}

static void a_job_is_passed_on_with_all_it_brought(void **state)
{
	struct town *t = *state;
	struct got *start, *g;
	char text[200];

	jail_tells(t, NULL);
	dial(t, BUILDER);
	say_job(t, 8, KIND_BUILD, 5);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	assert_int_equal(start->f.nfds, 4);
	assert_string_equal(
	    values(&start->f, F_ARG, text), "/cnb/lifecycle/inner  build ");
	assert_string_equal(values(&start->f, F_ENV, text), "TERM=dumb ");
	assert_int_equal(frame_u64(&start->f, F_WORK), 99);
	assert_int_equal(frame_u64(&start->f, F_INODES), 60004);
	/* It can't be started: the answer says why. */
	say_state(t, &start->f, INSTANCE_EXITED, 125, "crun: no such file");
	g = expect(t, BUILDER, MSG_ERROR);
	assert_int_equal(g->f.id, 8);
	assert_true(field_is(g, F_TEXT, "crun: no such file"));
	got_free(g);
	assert_no(t, BUILDER, MSG_JOB_EXITED);
	got_free(start);
}

static void what_a_builder_leaves_behind_is_ended(void **state)
{
	struct town *t = *state;
	struct got *start;

	jail_tells(t, NULL);
	dial(t, BUILDER);
	say_job(t, 8, KIND_EXPORT, 5);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	say_state(t, &start->f, INSTANCE_RUNNING, 0, NULL);
	got_free(expect(t, BUILDER, MSG_OK));
	hang_up(t, BUILDER);
	got_free(expect(t, JAIL, MSG_INSTANCE_KILL));
	assert_no(t, JAIL, MSG_WORK_DROP);
	say_state(t, &start->f, INSTANCE_EXITED, 0, NULL);
	assert_int_equal(expect_u64(t, JAIL, MSG_WORK_DROP, F_WORK), 99);
	got_free(start);
}

static void a_question_about_the_store_outlives_jail(void **state)
{
	struct town *t = *state;
	struct frame_out o = frame_begin(MSG_STORE_HAS, 12);
	struct error err = {.code = ERR_NOT_FOUND, .msg = "none"};
	struct got *g;

	jail_tells(t, NULL);
	dial(t, BUILDER);
	frame_put_z(&o, F_DIGEST, SHA);
	frame_put_u64(&o, F_OP, 0);
	say_frame(t, BUILDER, &o);
	got_free(expect(t, JAIL, MSG_STORE_HAS));
	peer_close(t->peers[JAIL]);
	g = expect(t, JAIL, MSG_STORE_HAS);
	assert_true(field_is(g, F_DIGEST, SHA));
	(void)peer_send_error(t->peers[JAIL], g->f.id, &err);
	got_free(g);
	g = expect(t, BUILDER, MSG_ERROR);
	assert_int_equal(g->f.id, 12);
	assert_int_equal(frame_u64(&g->f, F_CODE), ERR_NOT_FOUND);
	got_free(g);
}

static void a_question_about_the_host_goes_through_to_web(void **state)
{
	struct town *t = *state;
	struct frame_out ask = frame_begin(MSG_DOCTOR, 7), told;
	struct got *g;

	jail_tells(t, NULL);
	dial(t, WEB);
	say_frame(t, WEB, &ask);
	g = expect(t, JAIL, MSG_DOCTOR);
	told = frame_begin(MSG_OK, g->f.id);
	frame_put_u64(&told, F_LEVEL, FINDING_BAD);
	frame_put_z(&told, F_TEXT, "the clock is years behind");
	say_frame(t, JAIL, &told);
	got_free(g);
	g = expect(t, WEB, MSG_OK);
	assert_int_equal(g->f.id, 7);
	assert_int_equal(frame_u64(&g->f, F_LEVEL), FINDING_BAD);
	assert_true(field_is(g, F_TEXT, "the clock is years behind"));
	got_free(g);
}

static void what_breaks_a_limit_is_refused_and_changes_nothing(void **state)
{
	struct town *t = *state;

	web_wants(t, WANT_LIVE, 0, NULL, 0);
	jail_tells(t, NULL);
	dial(t, BUILDER);
	say_want(t, 2, 1, "web", 1);
	got_free(expect(t, WEB, MSG_ERROR));
	say_run(t, 1, KIND_APP, 5);
	got_free(expect(t, WEB, MSG_ERROR));
	say_run(t, 1, KIND_RUN, 0);
	got_free(expect(t, WEB, MSG_ERROR));
	say_job(t, 1, KIND_RUN, 5);
	got_free(expect(t, BUILDER, MSG_ERROR));
	say_job(t, 1, KIND_N, 5);
	got_free(expect(t, BUILDER, MSG_ERROR));
	assert_no(t, JAIL, MSG_INSTANCE_START);
	for (uint32_t i = 1; i <= 3; i++) {
		say_run(t, i, KIND_RUN, i);
		got_free(expect(t, JAIL, MSG_INSTANCE_START));
	}
	say_run(t, 4, KIND_RUN, 4); /* runs_max is 3 */
	assert_int_equal(expect_u64(t, WEB, MSG_ERROR, F_CODE), ERR_LIMIT);
	say_want(t, WANT_LIVE, 1, "worker", 1000000);
	for (int i = 0; i < 3; i++)
		got_free(expect(t, JAIL, MSG_INSTANCE_START));
	assert_no(t, JAIL, MSG_INSTANCE_START);
}

static void an_app_is_gone_when_jail_has_dropped_it(void **state)
{
	struct town *t = *state;
	struct got *start, *g;

	web_wants(t, WANT_LIVE, 1, "worker", 1);
	jail_tells(t, NULL);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	say_state(t, &start->f, INSTANCE_RUNNING, 0, NULL);
	say_one(t, WEB, MSG_WANT_GONE, 77, F_APP, APP);
	got_free(expect(t, JAIL, MSG_INSTANCE_SIGNAL));
	assert_no(t, JAIL, MSG_APP_DROP);
	say_state(t, &start->f, INSTANCE_EXITED, 143, NULL);
	g = expect(t, JAIL, MSG_APP_DROP);
	assert_no(t, WEB, MSG_OK);
	say_ok(t, JAIL, g);
	g = expect(t, WEB, MSG_OK);
	assert_int_equal(g->f.id, 77);
	got_free(g);
	assert_no(t, JAIL, MSG_APP_DROP);
	assert_null(model_find_app(&t->plan.model, APP));
	got_free(start);
}

static void what_jail_lost_half_way_does_not_fail_a_release(void **state)
{
	struct town *t = *state;
	struct got *start;

	web_wants(t, WANT_NEXT, 1, "worker", 1);
	jail_tells(t, NULL);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	peer_close(t->peers[JAIL]);
	wait_until_lost(t, JAIL);
	wait_until_there(t, JAIL);
	say_plain(t, JAIL, MSG_STATES_BEGIN);
	say_state(t, &start->f, INSTANCE_EXITED, 255, "could not be started");
	say_plain(t, JAIL, MSG_STATES_END);
	got_free(start);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	say_state(t, &start->f, INSTANCE_RUNNING, 0, NULL);
	assert_int_equal(expect_u64(t, WEB, MSG_RELEASE_LIVE, F_RELEASE), 1);
	assert_no(t, WEB, MSG_RELEASE_FAILED);
	got_free(start);
}

static void lines_wait_for_logd(void **state)
{
	struct town *t = *state;

	web_wants(t, WANT_LIVE, 1, "worker", 1);
	wait_until_there(t, LOGD);
	peer_close(t->peers[LOGD]);
	jail_tells(t, NULL);
	got_free(expect(t, JAIL, MSG_INSTANCE_START));
	got_free(expect(t, LOGD, MSG_LOG_WRITE));
}

/* --- network -------------------------------------------------------------- */

static void say_net(struct town *t, const char *rule)
{
	struct frame_out o = frame_begin(MSG_NET, 0);

	frame_put_u64(&o, F_APP, APP);
	if (rule)
		frame_put_z(&o, F_EGRESS, rule);
	say_frame(t, WEB, &o);
}

static void expect_net(struct town *t, enum side side, const char *rule)
{
	struct got *g;

	got_free(expect(t, side, MSG_NET_BEGIN));
	if (rule) {
		g = expect(t, side, MSG_NET);
		assert_true(field_is(g, F_EGRESS, rule));
		got_free(g);
	} else {
		assert_no(t, side, MSG_NET);
	}
	got_free(expect(t, side, MSG_NET_END));
}

static void what_apps_may_reach_is_told_to_jail_and_names(void **state)
{
	struct town *t = *state;

	jail_tells(t, NULL);
	wait_until_there(t, NAMES);
	/* They know it better as long as web has not said it. */
	assert_no(t, JAIL, MSG_NET_BEGIN);
	assert_no(t, NAMES, MSG_NET_BEGIN);
	dial(t, WEB);
	say_plain(t, WEB, MSG_NET_BEGIN);
	say_net(t, "10.0.0.0/8");
	say_plain(t, WEB, MSG_NET_END);
	expect_net(t, JAIL, "10.0.0.0/8");
	expect_net(t, NAMES, "10.0.0.0/8");
	hang_up(t, JAIL);
	wait_until_there(t, JAIL);
	expect_net(t, JAIL, "10.0.0.0/8");
	say_net(t, NULL);
	got_free(expect(t, JAIL, MSG_NET));
	got_free(expect(t, NAMES, MSG_NET));
	hang_up(t, NAMES);
	wait_until_there(t, NAMES);
	expect_net(t, NAMES, NULL);
}

static void names_hears_who_has_which_address_and_who_serves(void **state)
{
	struct town *t = *state;
	struct got *start, *g;

	web_wants(t, WANT_LIVE, 1, "web", 1);
	jail_tells(t, NULL);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	say_state(t, &start->f, INSTANCE_STARTING, 0, NULL);
	g = expect(t, NAMES, MSG_ENDPOINT);
	assert_true(field_is(g, F_ADDRESS, "100.64.0.9"));
	assert_true(field_is(g, F_APP_NAME, "hello"));
	assert_true(field_is(g, F_NAME, "web.1"));
	assert_int_equal(frame_u64(&g->f, F_STATE), 0);
	got_free(g);
	serve(t, start);
	assert_int_equal(expect_u64(t, NAMES, MSG_ENDPOINT, F_STATE), 1);
	hang_up(t, NAMES);
	wait_until_there(t, NAMES);
	got_free(expect(t, NAMES, MSG_ENDPOINTS_BEGIN));
	assert_int_equal(expect_u64(t, NAMES, MSG_ENDPOINT, F_STATE), 1);
	got_free(expect(t, NAMES, MSG_ENDPOINTS_END));
	say_state(t, &start->f, INSTANCE_EXITED, 1, "gone");
	got_free(expect(t, NAMES, MSG_ENDPOINT_GONE));
	got_free(start);
}

static void say_open(struct town *t, uint32_t id)
{
	struct frame_out o = frame_begin(MSG_NET_OPEN, id);

	frame_put_u64(&o, F_APP, APP);
	frame_put_u64(&o, F_PORT, 5432);
	frame_put_z(&o, F_ADDRESS, "10.0.0.5");
	say_frame(t, NAMES, &o);
}

static void an_opening_goes_through_to_jail_and_back(void **state)
{
	struct town *t = *state;
	struct got *g;

	jail_tells(t, NULL);
	wait_until_there(t, NAMES);
	say_open(t, 77);
	g = expect(t, JAIL, MSG_NET_OPEN);
	assert_true(field_is(g, F_ADDRESS, "10.0.0.5"));
	say_ok(t, JAIL, g);
	g = expect(t, NAMES, MSG_OK);
	assert_int_equal(g->f.id, 77);
	got_free(g);
	say_open(t, 78);
	got_free(expect(t, JAIL, MSG_NET_OPEN));
	hang_up(t, JAIL);
	g = expect(t, NAMES, MSG_ERROR);
	assert_int_equal(g->f.id, 78);
	got_free(g);
}

static void resolvers_are_passed_on(void **state)
{
	struct town *t = *state;
	struct frame_out o = frame_begin(MSG_RESOLVERS, 0);
	struct got *g;
	char text[200];

	wait_until_there(t, NAMES);
	got_free(expect(t, NAMES, MSG_RESOLVERS)); /* none yet */
	wait_until_there(t, JAIL);
	frame_put_z(&o, F_ADDRESS, "10.0.0.1");
	frame_put_z(&o, F_ADDRESS, "fd00::1");
	say_frame(t, JAIL, &o);
	for (int i = 0; i < 2; i++) {
		g = expect(t, NAMES, MSG_RESOLVERS);
		assert_string_equal(
		    values(&g->f, F_ADDRESS, text), "10.0.0.1 fd00::1 ");
		got_free(g);
		if (i == 0)
			hang_up(t, NAMES);
	}
}

static void down_leaves_nothing_and_starts_nothing(void **state)
{
	struct town *t = *state;
	struct got *start;

	web_wants(t, WANT_LIVE, 1, "worker", 1);
	jail_tells(t, NULL);
	start = expect(t, JAIL, MSG_INSTANCE_START);
	say_state(t, &start->f, INSTANCE_RUNNING, 0, NULL);
	ev_turn(t->ev, 10);
	plan_down(&t->plan);
	got_free(expect(t, JAIL, MSG_INSTANCE_SIGNAL));
	say_run(t, 1, KIND_RUN, 1);
	assert_int_equal(
	    expect_u64(t, WEB, MSG_ERROR, F_CODE), ERR_UNAVAILABLE);
	say_state(t, &start->f, INSTANCE_EXITED, 0, NULL);
	got_free(expect(t, JAIL, MSG_INSTANCE_REMOVE));
	assert_true(model_is_empty(&t->plan.model));
	ev_run(t->ev); /* it was told to stop */
	got_free(start);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    town_test(a_wanted_release_is_started_and_told_live),
	    town_test(a_restart_of_plan_adopts_before_it_tells_anybody),
	    town_test(a_run_is_answered_when_it_runs),
	    town_test(a_start_that_was_interrupted_is_made_again),
	    town_test(a_release_command_does_not_run_twice),
	    town_test(a_job_is_passed_on_with_all_it_brought),
	    town_test(what_a_builder_leaves_behind_is_ended),
	    town_test(a_question_about_the_store_outlives_jail),
	    town_test(a_question_about_the_host_goes_through_to_web),
	    town_test(what_breaks_a_limit_is_refused_and_changes_nothing),
	    town_test(an_app_is_gone_when_jail_has_dropped_it),
	    town_test(what_jail_lost_half_way_does_not_fail_a_release),
	    town_test(what_apps_may_reach_is_told_to_jail_and_names),
	    town_test(names_hears_who_has_which_address_and_who_serves),
	    town_test(an_opening_goes_through_to_jail_and_back),
	    town_test(resolvers_are_passed_on),
	    town_test(lines_wait_for_logd),
	    town_test(down_leaves_nothing_and_starts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
