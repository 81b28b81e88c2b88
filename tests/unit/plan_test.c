/* plan: what step decides for an app, scene by scene, without a clock. */
/* links: runtime/plan/model.c runtime/plan/step.c runtime/plan/apply.c */
/* links: runtime/plan/candidate.c runtime/plan/live.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../runtime/plan/apply.h"
#include "../../runtime/plan/model.h"
#include "../../runtime/plan/step.h"
#include "base/buf.h"
#include "base/mem.h"

#define BOOT 60000
#define DRAIN 20000
#define STOP 30000

/* --- a scene: one app, and what plan did last ----------------------------- */

struct scene {
	struct model model;
	struct app *app;
	struct step_env env;
	struct actions acts;
	struct buf did;
	uint64_t last_id, wake;
};

static int set_up(void **state)
{
	struct scene *s = xcalloc(1, sizeof(*s));

	model_init(&s->model);
	s->app = model_app(&s->model, 7);
	s->did = (struct buf)BUF_INIT(65536);
	s->env = (struct step_env){.now_ms = 1000,
	    .random = 20, /* 100 % of a back-off */
	    .jail = true,
	    .router = true,
	    .wants = true,
	    .web = true,
	    .boot_ms = BOOT,
	    .drain_ms = DRAIN,
	    .stop_ms = STOP,
	    .memory = 512u << 20};
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	model_release(&s->model);
	actions_release(&s->acts);
	buf_release(&s->did);
	free(s);
	return 0;
}

static void note(struct scene *s, const struct action *a)
{
	static const char *const verbs[] = {[ACT_START] = "start",
	    [ACT_GIVE_UP] = "give-up",
	    [ACT_SIGNAL] = "term",
	    [ACT_KILL] = "kill",
	    [ACT_REMOVE] = "remove",
	    [ACT_TARGET] = "target",
	    [ACT_TARGET_DROP] = "drop",
	    [ACT_LIVE] = "live",
	    [ACT_FAILED] = "failed",
	    [ACT_EXITED] = "exited",
	    [ACT_APP_DROP] = "app-drop"};
	static const char *const targets[] = {"check", "serve", "drain"};
	const struct inst *in = model_inst(&s->model, a->instance);

	if (a->act == ACT_STATE || a->act == ACT_FRONT)
		return; /* tests look at told and front */
	buf_addf(&s->did, "%s%s", s->did.len ? "; " : "", verbs[a->act]);
	if (in)
		buf_addf(&s->did, " %s", in->name);
	else if (a->ptype[0])
		buf_addf(&s->did, " %s.%" PRIu64, a->ptype, a->num);
	if (a->release)
		buf_addf(&s->did, " v%" PRIu64, a->release);
	if (a->act == ACT_TARGET)
		buf_addf(&s->did, " %s", targets[a->state]);
	if (a->act == ACT_EXITED && a->crash)
		buf_addf(&s->did, " crash %" PRIu64, a->delay_ms);
	if ((a->act == ACT_FAILED || a->act == ACT_LIVE) && a->text[0])
		buf_addf(&s->did, " (%s)", a->text);
}

/* Let plan do all that there is to do. */
static const char *turn(struct scene *s)
{
	buf_clear(&s->did);
	for (int round = 0; round < 50; round++) {
		actions_clear(&s->acts);
		s->wake = step_app(s->app, &s->env, &s->acts);
		if (s->acts.n == 0)
			return buf_z(&s->did);
		for (size_t i = 0; i < s->acts.n; i++) {
			const struct action *a = &s->acts.v[i];
			uint64_t id =
			    a->act == ACT_START ? ++s->last_id : a->instance;

			note(s, a);
			apply(&s->model, s->app, a, &s->env, id, 5);
		}
	}
	fail_msg("no end of actions");
	return NULL;
}

#define assert_turn(s, want) assert_string_equal(turn(s), want)

static void want(struct scene *s, enum want_slot slot, uint64_t release,
    uint64_t generation, uint64_t web, uint64_t worker)
{
	struct want w;

	want_init(&w);
	w.release = release;
	w.generation = generation;
	w.ntypes = 2;
	w.types = xcalloc(2, sizeof(*w.types));
	w.types[0] = (struct want_type){.name = "web", .quantity = web};
	w.types[1] = (struct want_type){.name = "worker", .quantity = worker};
	app_want(s->app, slot, &w, s->env.now_ms);
}

/* The newest with this name and release; alive or not. */
static struct inst *inst(struct scene *s, const char *name, uint64_t release)
{
	struct inst *in, *found = NULL;

	list_each(in, &s->app->insts, of_app)
	{
		if (strcmp(in->name, name) == 0 && in->release == release &&
		    (!found || in->id > found->id))
			found = in;
	}
	assert_non_null(found);
	return found;
}

static void runs(struct scene *s, struct inst *in)
{
	inst_state(in, INST_RUNNING, s->env.now_ms, 5, 0);
}

static void ends(struct inst *in, uint64_t code, uint64_t signal)
{
	struct ending e = {.code = code, .signal = signal};

	inst_exited(in, &e, 5);
}

static void answers(struct inst *in, unsigned status)
{
	in->checked = true;
	in->status = status;
}

/* From nothing to v1 serving with one web process. */
static void serve_v1(struct scene *s)
{
	struct inst *in;

	want(s, WANT_LIVE, 1, 1, 1, 0);
	assert_turn(s, "start web.1 v1");
	in = inst(s, "web.1", 1);
	runs(s, in);
	assert_turn(s, "target web.1 v1 check");
	answers(in, 200);
	assert_turn(s, "target web.1 v1 serve");
	in->acked = true;
	assert_turn(s, "");
	s->app->live_status = 200;
	assert_int_equal(in->told, DYNO_UP);
	assert_int_equal(s->app->front, FRONT_HOLD);
}

/* What jail was known to run is told again: by this, as running. */
static struct inst *adopt(
    struct scene *s, const char *ptype, uint64_t release, uint64_t generation)
{
	struct inst *in =
	    model_add(&s->model, s->app, ++s->last_id, KIND_APP, INST_ASKED);

	in->release = release;
	in->generation = generation;
	in->num = 1;
	snprintf(in->ptype, sizeof(in->ptype), "%s", ptype);
	snprintf(in->name, sizeof(in->name), "%s.1", ptype);
	in->adopted = true;
	runs(s, in);
	return in;
}

static struct inst *add_oneoff(struct scene *s, enum instance_kind kind)
{
	struct inst *in =
	    model_add(&s->model, s->app, ++s->last_id, kind, INST_WAITING);

	in->job = in->id;
	in->owned = inst_is_job(in);
	snprintf(in->name, sizeof(in->name), "run.1");
	return in;
}

/* --- candidates ----------------------------------------------------------- */

static void a_candidate_goes_live_once_the_router_has_it(void **state)
{
	struct scene *s = *state;
	struct inst *old, *new;

	serve_v1(s);
	old = inst(s, "web.1", 1);
	want(s, WANT_NEXT, 2, 1, 1, 0);
	assert_turn(s, "start web.1 v2");
	new = inst(s, "web.1", 2);
	runs(s, new);
	assert_turn(s, "target web.1 v2 check");
	answers(new, 200);
	assert_turn(s, "target web.1 v2 serve");
	assert_int_equal(old->stop, STOP_NO);
	new->acked = true;
	assert_turn(s, "live v2; target web.1 v1 drain");
	/* web has written it down: nothing changes. */
	want(s, WANT_LIVE, 2, 1, 1, 0);
	app_want_drop(s->app, WANT_NEXT);
	assert_turn(s, "");
	old->drained = true;
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	ends(old, 143, 0);
	assert_turn(s, "exited web.1 v1; remove web.1 v1");
}

static void all_processes_of_a_candidate_must_be_healthy(void **state)
{
	struct scene *s = *state;

	want(s, WANT_NEXT, 1, 1, 2, 1);
	assert_turn(s, "start web.1 v1; start web.2 v1; start worker.1 v1");
	runs(s, inst(s, "web.1", 1));
	runs(s, inst(s, "web.2", 1));
	assert_turn(s, "target web.1 v1 check; target web.2 v1 check");
	answers(inst(s, "web.1", 1), 200);
	answers(inst(s, "web.2", 1), 200);
	assert_turn(s, "");
	runs(s, inst(s, "worker.1", 1));
	assert_turn(s, "target web.1 v1 serve; target web.2 v1 serve");
	inst(s, "web.1", 1)->acked = true;
	assert_turn(s, "");
	inst(s, "web.2", 1)->acked = true;
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

	serve_v1(s);
	for (size_t i = 0; i < NELEM(cases); i++) {
		uint64_t v = 2 + i;
		struct inst *in;

		want(s, WANT_NEXT, v, 1, 1, 0);
		(void)turn(s);
		in = inst(s, "web.1", v);
		runs(s, in);
		(void)turn(s);
		inst_exited(in, &cases[i].e, 5);
		(void)turn(s);
		assert_non_null(strstr(buf_z(&s->did), cases[i].want));
		assert_null(strstr(buf_z(&s->did), "v1"));
		assert_string_equal(s->app->next.culprit, "web.1");
		app_want_drop(s->app, WANT_NEXT);
		assert_turn(s, "");
		assert_int_equal(inst(s, "web.1", 1)->stop, STOP_NO);
	}
}

static void a_candidate_has_its_time_to_listen(void **state)
{
	struct scene *s = *state;

	serve_v1(s);
	want(s, WANT_NEXT, 2, 1, 1, 0);
	(void)turn(s);
	runs(s, inst(s, "web.1", 2));
	assert_turn(s, "target web.1 v2 check");
	assert_int_equal(s->wake, s->env.now_ms + BOOT);
	s->env.now_ms += BOOT - 1;
	assert_turn(s, "");
	/* While the router is away nobody can tell. */
	s->env.router = false;
	s->env.now_ms += 1;
	assert_turn(s, "");
	s->env.router = true;
	assert_turn(s,
	    "failed v2 (Error R10 (Boot timeout) -> Web process failed to bind "
	    "to $PORT within 60 seconds of launch); drop web.1 v2; term web.1 "
	    "v2");
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
	        "before 200"},
	    {404, 503, "answered with 503, the release before 404"},
	    {500, 503, "Warning: / answered the health check with 503"},
	    {0, 500, "Warning: / answered the health check with 500"},
	    {200, 0, "Warning: / gave no answer to the health check"},
	};
	struct scene *s = *state;

	serve_v1(s);
	for (size_t i = 0; i < NELEM(cases); i++) {
		bool fails = strstr(cases[i].want ? cases[i].want : "",
		                 "the release before") != NULL;
		uint64_t v = 2 + i;
		struct inst *in;

		s->app->live_status = cases[i].live;
		want(s, WANT_NEXT, v, 1, 1, 0);
		(void)turn(s);
		in = inst(s, "web.1", v);
		runs(s, in);
		(void)turn(s);
		answers(in, cases[i].status);
		(void)turn(s);
		in->acked = !fails;
		if (!fails)
			(void)turn(s);
		assert_int_equal(s->app->next.rollout,
		    fails ? ROLLOUT_FAILED : ROLLOUT_LIVE);
		if (cases[i].want)
			assert_non_null(strstr(buf_z(&s->did), cases[i].want));
		if (!fails)
			want(s, WANT_LIVE, v, 1, 1, 0);
		app_want_drop(s->app, WANT_NEXT);
	}
}

static void a_candidate_is_given_up_for_a_newer_one(void **state)
{
	struct scene *s = *state;

	serve_v1(s);
	want(s, WANT_NEXT, 2, 1, 1, 0);
	assert_turn(s, "start web.1 v2");
	want(s, WANT_NEXT, 3, 1, 1, 0);
	assert_turn(s, "start web.1 v3; kill web.1 v2");
	app_want_drop(s->app, WANT_NEXT);
	assert_turn(s, "kill web.1 v3");
	assert_int_equal(inst(s, "web.1", 1)->target, TARGET_SERVE);
}

static void an_end_that_web_has_not_heard_is_told_again(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	want(s, WANT_NEXT, 1, 1, 0, 1);
	assert_turn(s, "start worker.1 v1");
	in = inst(s, "worker.1", 1);
	runs(s, in);
	assert_turn(s, "live v1");
	s->env.web = false;
	want(s, WANT_NEXT, 1, 1, 0, 1);
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

	want(s, WANT_LIVE, 1, 1, 0, 1);
	(void)turn(s);
	runs(s, inst(s, "worker.1", 1));
	ends(inst(s, "worker.1", 1), 1, 0);
	assert_turn(s,
	    "exited worker.1 v1 crash 0; start worker.1 v1; remove worker.1 "
	    "v1");
	ends(inst(s, "worker.1", 1), 1, 0);
	assert_turn(s, "exited worker.1 v1 crash 1000");
	assert_int_equal(inst(s, "worker.1", 1)->told, DYNO_CRASHED);
	assert_int_equal(s->wake, s->env.now_ms + 1000);
	s->env.now_ms += 1000;
	assert_turn(s, "start worker.1 v1; remove worker.1 v1");
	in = inst(s, "worker.1", 1);
	runs(s, in);
	/* Up for ten minutes: the next one counts as the first. */
	s->env.now_ms += STEADY_MS;
	ends(in, 1, 0);
	assert_turn(s,
	    "exited worker.1 v1 crash 0; start worker.1 v1; remove worker.1 "
	    "v1");
}

static void a_restart_or_a_release_ends_a_back_off(void **state)
{
	struct scene *s = *state;

	for (uint64_t g = 1; g <= 3; g++) {
		want(s, WANT_LIVE, 1, g, 0, 1);
		(void)turn(s);
		for (int i = 0; i < 3; i++) {
			ends(inst(s, "worker.1", 1), 1, 0);
			(void)turn(s);
			s->env.now_ms += i == 0 ? 1000 : 0;
			(void)turn(s);
		}
		assert_int_equal(inst(s, "worker.1", 1)->state, INST_EXITED);
	}
	/* `ps:restart worker.1` too. */
	app_stop(s->app, STR("worker.1"));
	assert_turn(s, "start worker.1 v1; remove worker.1 v1");
}

static void requests_wait_until_it_is_clear_that_nobody_comes(void **state)
{
	struct scene *s = *state;

	serve_v1(s);
	for (int crashes = 1; crashes <= 4; crashes++) {
		ends(inst(s, "web.1", 1), 1, 0);
		(void)turn(s);
		assert_int_equal(
		    s->app->front, crashes <= 2 ? FRONT_HOLD : FRONT_CRASHED);
		s->env.now_ms += 300000;
		(void)turn(s);
	}
	want(s, WANT_LIVE, 1, 1, 0, 0);
	(void)turn(s);
	assert_int_equal(s->app->front, FRONT_NONE);
}

static void one_that_never_listens_is_killed_and_comes_back(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	want(s, WANT_LIVE, 1, 1, 1, 0);
	(void)turn(s);
	in = inst(s, "web.1", 1);
	runs(s, in);
	(void)turn(s);
	s->env.now_ms += BOOT;
	assert_turn(s, "drop web.1 v1; kill web.1 v1");
	ends(in, 0, 9);
	assert_turn(
	    s, "exited web.1 v1 crash 0; start web.1 v1; remove web.1 v1");
}

static void scaling_starts_and_stops_what_differs(void **state)
{
	struct scene *s = *state;

	serve_v1(s);
	want(s, WANT_LIVE, 1, 1, 2, 1);
	assert_turn(s, "start web.2 v1; start worker.1 v1");
	runs(s, inst(s, "worker.1", 1));
	assert_turn(s, "");
	want(s, WANT_LIVE, 1, 1, 1, 0);
	assert_turn(s, "kill web.2 v1; term worker.1 v1");
	ends(inst(s, "worker.1", 1), 143, 0);
	ends(inst(s, "web.2", 1), 0, 9);
	assert_turn(s,
	    "exited web.2 v1; exited worker.1 v1; remove web.2 v1; remove "
	    "worker.1 v1");
	assert_null(app_crash(s->app, "worker", 1));
}

static void stopping_goes_by_steps_with_time_limits(void **state)
{
	struct scene *s = *state;

	serve_v1(s);
	want(s, WANT_LIVE, 1, 1, 0, 0);
	assert_turn(s, "target web.1 v1 drain");
	assert_int_equal(inst(s, "web.1", 1)->told, DYNO_STOPPING);
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

	serve_v1(s);
	old = inst(s, "web.1", 1);
	want(s, WANT_LIVE, 1, 2, 1, 0);
	assert_turn(s, "start web.1 v1");
	new = inst(s, "web.1", 1);
	assert_true(new != old &&new->generation == 2);
	runs(s, new);
	assert_turn(s, "target web.1 v1 check");
	answers(new, 200);
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

/* --- who is away ---------------------------------------------------------- */

static void nothing_is_asked_of_a_jail_that_is_away(void **state)
{
	struct scene *s = *state;

	s->env.jail = false;
	want(s, WANT_LIVE, 1, 1, 0, 1);
	want(s, WANT_NEXT, 2, 1, 0, 1);
	assert_turn(s, "");
	s->env.jail = true;
	assert_turn(s, "start worker.1 v2; start worker.1 v1");
}

static void what_jail_never_got_is_asked_for_again(void **state)
{
	struct scene *s = *state;
	struct inst *run;
	int owner;

	want(s, WANT_LIVE, 1, 1, 0, 1);
	want(s, WANT_NEXT, 2, 1, 0, 1);
	run = add_oneoff(s, KIND_RUN);
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

	want(s, WANT_LIVE, 1, 1, 0, 2);
	(void)turn(s);
	runs(s, inst(s, "worker.1", 1));
	runs(s, inst(s, "worker.2", 1));
	(void)turn(s);
	model_jail_mark(&s->model);
	inst(s, "worker.1", 1)->stale = false; /* told again */
	model_jail_sweep(&s->model, 5);
	in = inst(s, "worker.2", 1);
	assert_true(in->lost && in->signal == 9);
	assert_turn(s,
	    "exited worker.2 v1 crash 0; start worker.2 v1; remove worker.2 "
	    "v1");
}

static void what_was_to_stop_is_told_so_again(void **state)
{
	struct scene *s = *state;

	want(s, WANT_LIVE, 1, 1, 0, 2);
	(void)turn(s);
	runs(s, inst(s, "worker.1", 1));
	want(s, WANT_LIVE, 1, 1, 0, 0);
	assert_turn(s, "term worker.1 v1; kill worker.2 v1");
	s->env.jail = false;
	s->env.now_ms += STOP;
	assert_turn(s, "");
	s->env.jail = true;
	model_jail_mark(&s->model);
	inst(s, "worker.1", 1)->stale = inst(s, "worker.2", 1)->stale = false;
	model_jail_sweep(&s->model, 5);
	assert_turn(s, "term worker.1 v1; kill worker.2 v1");
}

static void a_router_that_is_back_must_confirm_anew(void **state)
{
	struct scene *s = *state;
	struct inst *old;

	serve_v1(s);
	old = inst(s, "web.1", 1);
	want(s, WANT_NEXT, 2, 1, 1, 0);
	(void)turn(s);
	runs(s, inst(s, "web.1", 2));
	(void)turn(s);
	answers(inst(s, "web.1", 2), 200);
	assert_turn(s, "target web.1 v2 serve");
	model_router_lost(&s->model, s->env.now_ms);
	assert_turn(s, "");
	old->acked = true;
	assert_turn(s, "");
	inst(s, "web.1", 2)->acked = true;
	assert_turn(s, "live v2; target web.1 v1 drain");
}

static void nothing_is_ended_before_the_wants_are_known(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	s->env.wants = false;
	in = adopt(s, "web", 1, 1);
	assert_turn(s, "");
	s->env.wants = true;
	assert_turn(s, "term web.1 v1");
	assert_int_equal(in->stop, STOP_TERM);
}

static void what_is_adopted_goes_on_serving(void **state)
{
	struct scene *s = *state;
	struct inst *old, *new;

	want(s, WANT_LIVE, 1, 2, 1, 0);
	/* Alone in its place, be it what is wanted or what stands in. */
	old = adopt(s, "web", 1, 1);
	assert_turn(s, "start web.1 v1; target web.1 v1 serve");
	assert_int_equal(old->target, TARGET_SERVE);
	model_remove(&s->model, inst(s, "web.1", 1));
	old->target = TARGET_NONE;
	/* Two: the router says who listens, and the newer takes over. */
	new = adopt(s, "web", 1, 2);
	assert_turn(s, "target web.1 v1 check; target web.1 v1 check");
	answers(new, 200);
	answers(old, 200);
	assert_turn(s, "target web.1 v1 serve");
	assert_int_equal(new->target, TARGET_SERVE);
	new->acked = true;
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	assert_int_equal(old->stop, STOP_TERM);
}

static void a_candidate_given_up_meanwhile_is_not_adopted(void **state)
{
	struct scene *s = *state;

	want(s, WANT_LIVE, 1, 1, 1, 0);
	(void)adopt(s, "web", 1, 1);
	(void)adopt(s, "web", 2, 1);
	assert_turn(s, "target web.1 v1 serve; term web.1 v2");
}

/* --- one-offs, jobs ------------------------------------------------------- */

static void a_one_off_starts_ends_and_is_removed(void **state)
{
	struct scene *s = *state;
	struct inst *in = add_oneoff(s, KIND_RUN);

	assert_turn(s, "start run.1");
	runs(s, in);
	assert_turn(s, "");
	assert_int_equal(in->told, DYNO_UP);
	app_stop(s->app, STR("run.1"));
	assert_turn(s, "term run.1");
	ends(in, 143, 0);
	assert_turn(s, "exited run.1; remove run.1");
}

static void one_that_waits_is_given_up(void **state)
{
	struct scene *s = *state;
	struct inst *in = add_oneoff(s, KIND_RUN);

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
	struct inst *in = add_oneoff(s, KIND_RELEASE);

	(void)turn(s);
	runs(s, in);
	s->env.web = false;
	ends(in, 0, 0);
	assert_turn(s, "");
	s->env.web = true;
	assert_turn(s, "exited run.1; remove run.1");
}

static void a_job_has_its_time_and_its_owner(void **state)
{
	struct scene *s = *state;
	struct inst *in = add_oneoff(s, KIND_BUILD);

	in->most_ms = 5000;
	assert_turn(s, "start run.1");
	runs(s, in);
	assert_turn(s, "");
	assert_int_equal(s->wake, s->env.now_ms + 5000);
	assert_int_equal(in->told, DYNO_UNTOLD);
	s->env.now_ms += 5000;
	assert_turn(s, "kill run.1");
	assert_string_equal(
	    in->text, "stopped after 5 seconds, the most it may take");
	ends(in, 0, 9);
	assert_turn(s, "exited run.1; remove run.1");

	in = add_oneoff(s, KIND_EXPORT);
	assert_turn(s, "start run.1");
	runs(s, in);
	model_disown_jobs(&s->model);
	assert_turn(s, "kill run.1");
}

/* --- the end -------------------------------------------------------------- */

static void down_ends_all_without_draining(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	serve_v1(s);
	in = inst(s, "web.1", 1);
	(void)add_oneoff(s, KIND_RUN);
	want(s, WANT_NEXT, 2, 1, 1, 0);
	s->env.down = true;
	assert_turn(s,
	    "drop web.1 v1; term web.1 v1; give-up run.1; exited run.1; remove "
	    "run.1");
	ends(in, 0, 0);
	assert_turn(s, "exited web.1 v1; remove web.1 v1");
	assert_true(model_is_empty(&s->model));
}

static void an_app_that_is_gone_is_stopped_then_dropped(void **state)
{
	struct scene *s = *state;
	struct inst *in;

	serve_v1(s);
	in = inst(s, "web.1", 1);
	app_gone(s->app);
	assert_turn(s, "drop web.1 v1; term web.1 v1");
	ends(in, 0, 0);
	assert_turn(s, "exited web.1 v1; remove web.1 v1; app-drop");
	assert_false(model_forget_app(&s->model, s->app));
	/* jail was away before it answered: once more. */
	model_jail_mark(&s->model);
	assert_turn(s, "app-drop");
	s->app->gone = false;
	assert_true(model_forget_app(&s->model, s->app));
}

#define scene_test(name)                                                       \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scene_test(a_candidate_goes_live_once_the_router_has_it),
	    scene_test(all_processes_of_a_candidate_must_be_healthy),
	    scene_test(a_candidate_that_ends_has_failed_and_says_how),
	    scene_test(a_candidate_has_its_time_to_listen),
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
