/* plan's cron clock: due once, however time goes and whoever was away. */
/* links: runtime/plan/model.c runtime/plan/step.c runtime/plan/apply.c */
/* links: runtime/plan/cron.c runtime/plan/exclusive.c runtime/plan/room.c */
/* links: runtime/plan/candidate.c runtime/plan/live.c runtime/plan/rest.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../runtime/plan/apply.h"
#include "../../runtime/plan/step.h"

#define START 30000000ull /* minutes since 1970 */
#define NOTHING (-1)

struct scene {
	struct model model;
	struct app *app;
	struct step_env env;
	struct actions acts;
};

static void set_up(struct scene *s, const char *schedule, uint64_t last)
{
	struct want w;
	struct cron when;

	*s = (struct scene){.env = {.now_ms = 1000,
	                        .real_ms = START * 60000,
	                        .jail = true,
	                        .router = true,
	                        .wants = true,
	                        .web = true}};
	model_init(&s->model);
	s->app = model_app(&s->model, 1);
	want_init(&w);
	w.release = 1;
	app_want(s->app, WANT_LIVE, &w, 0);
	assert_int_equal(cron_parse(str_z(schedule), &when, NULL), 0);
	app_cron(s->app, 1, &when, STR("true"), last);
}

static void tear_down(struct scene *s)
{
	model_release(&s->model);
	actions_release(&s->acts);
}

/* What the clock does at this minute; it is put down. */
static int at(struct scene *s, uint64_t minute)
{
	int what = NOTHING;

	s->env.real_ms = minute * 60000;
	actions_clear(&s->acts);
	(void)step_app(s->app, &s->env, &s->acts);
	for (size_t i = 0; i < s->acts.n; i++) {
		if (s->acts.v[i].act != ACT_CRON)
			continue;
		what = s->acts.v[i].state;
		apply(&s->model, s->app, &s->acts.v[i], &s->env, 0, 0);
	}
	return what;
}

static void it_is_due_once_a_time(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s, "*/5 * * * *", START);
	assert_int_equal(at(&s, START), NOTHING);
	assert_int_equal(at(&s, START + 4), NOTHING);
	assert_int_equal(at(&s, START + 5), CRON_START);
	assert_int_equal(at(&s, START + 5), NOTHING);
	assert_int_equal(at(&s, START + 9), NOTHING);
	/* Missed more than once, or the clock was set forward. */
	assert_int_equal(at(&s, START + 31), CRON_START);
	assert_int_equal(at(&s, START + 32), NOTHING);
	/* Set back: nothing again, until it is that late once more. */
	assert_int_equal(at(&s, START + 10), NOTHING);
	assert_int_equal(at(&s, START + 30), NOTHING);
	assert_int_equal(at(&s, START + 35), CRON_START);
	tear_down(&s);
}

static void what_is_too_late_is_left_out(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s, "0 0 * * *", START - START % 1440 - 1);
	/* START is some time of a day: midnight is long over. */
	s.env.jail = false;
	assert_int_equal(at(&s, START - START % 1440), NOTHING);
	s.env.jail = true;
	assert_int_equal(at(&s, START - START % 1440 + 61), CRON_TOO_LATE);
	assert_int_equal(at(&s, START - START % 1440 + 62), NOTHING);
	tear_down(&s);
	set_up(&s, "0 0 * * *", START - START % 1440 - 1);
	assert_int_equal(at(&s, START - START % 1440 + 60), CRON_START);
	tear_down(&s);
}

static void a_clock_that_was_wrong_does_not_stop_it(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s, "* * * * *", START + 24 * 60);
	assert_int_equal(at(&s, START), NOTHING);
	tear_down(&s);
	set_up(&s, "* * * * *", START + 24 * 60 + 1);
	assert_int_equal(at(&s, START), CRON_RESET);
	assert_int_equal(at(&s, START), NOTHING);
	assert_int_equal(at(&s, START + 1), CRON_START);
	tear_down(&s);
}

static void one_that_still_runs_is_not_doubled(void **state)
{
	struct scene s;
	struct inst *in;

	(void)state;
	set_up(&s, "* * * * *", START);
	in = model_add(&s.model, s.app, 7, KIND_CRON, INST_RUNNING);
	in->num = 1;
	assert_int_equal(at(&s, START + 1), CRON_BUSY);
	assert_int_equal(at(&s, START + 1), NOTHING);
	in->num = 2; /* another job */
	assert_int_equal(at(&s, START + 2), CRON_START);
	tear_down(&s);
}

static void a_run_that_is_found_counts(void **state)
{
	struct scene s;
	struct inst *in;

	(void)state;
	set_up(&s, "* * * * *", START); /* web has not heard of it */
	in = model_add(&s.model, s.app, 7, KIND_CRON, INST_EXITED);
	in->num = 1;
	in->adopted_cron = in->exit_seen = true;
	in->time_ms = (START + 1) * 60000;
	assert_int_equal(at(&s, START + 1), NOTHING);
	assert_int_equal(at(&s, START + 2), CRON_START);
	tear_down(&s);
}

static void nothing_is_due_without_a_release(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s, "* * * * *", START);
	app_want_drop(s.app, WANT_LIVE);
	assert_int_equal(at(&s, START + 1), NOTHING);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_due_once_a_time),
	    cmocka_unit_test(what_is_too_late_is_left_out),
	    cmocka_unit_test(a_clock_that_was_wrong_does_not_stop_it),
	    cmocka_unit_test(one_that_still_runs_is_not_doubled),
	    cmocka_unit_test(a_run_that_is_found_counts),
	    cmocka_unit_test(nothing_is_due_without_a_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
