#include "step.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "step_int.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MOST_MS 300000
#define HOLD_CRASHES 2 /* so few come back at once: requests wait for it */

void actions_clear(struct actions *acts)
{
	acts->n = 0;
}

void actions_release(struct actions *acts)
{
	free(acts->v);
	*acts = (struct actions){0};
}

struct action *step_add(struct step *s, enum act act, const struct inst *in)
{
	struct actions *acts = s->out;
	struct action *a;

	if (acts->n == acts->cap) {
		acts->cap = acts->cap ? acts->cap * 2 : 16;
		acts->v = xrealloc(acts->v, acts->cap * sizeof(*acts->v));
	}
	a = &acts->v[acts->n++];
	*a = (struct action){.act = act};
	if (in) {
		a->instance = in->id;
		a->release = in->release;
		a->num = in->num;
		memcpy(a->ptype, in->ptype, sizeof(a->ptype));
	}
	return a;
}

void step_start(
    struct step *s, const struct want *w, const char *ptype, uint64_t num)
{
	const struct want_type *t = want_type(w, ptype);
	struct action *a = step_add(s, ACT_START, NULL);

	if (t)
		memcpy(a->size, t->size, sizeof(a->size));
	a->release = w->release;
	a->generation = w->generation;
	a->num = num;
	snprintf(a->ptype, sizeof(a->ptype), "%s", ptype);
}

bool step_due(struct step *s, uint64_t at_ms)
{
	if (s->env->now_ms >= at_ms)
		return true;
	if (at_ms < s->wake_ms)
		s->wake_ms = at_ms;
	return false;
}

uint64_t step_backoff_ms(unsigned count, uint64_t random)
{
	uint64_t ms = BACKOFF_MOST_MS;

	if (count == 0)
		return 0;
	if (count < 10)
		ms = (uint64_t)BACKOFF_FIRST_MS << (count - 1);
	if (ms > BACKOFF_MOST_MS)
		ms = BACKOFF_MOST_MS;
	return ms * (80 + random % 41) / 100;
}

/* --- who is who ----------------------------------------------------------- */

bool step_is_candidate(const struct step *s, const struct inst *in)
{
	return in->kind == KIND_APP && s->candidate &&
	       in->release == s->candidate->release && !in->discard &&
	       want_has(s->candidate, in->ptype, in->num);
}

/* What an older jail has started does not say its size: let it be. */
static bool is_of_size(const struct want *w, const struct inst *in)
{
	const struct want_type *t = want_type(w, in->ptype);

	return !in->size[0] || !t || strcmp(t->size, in->size) == 0;
}

/* Of what is wanted now: release, generation, size, a place in it. */
bool step_is_of_now(const struct step *s, const struct inst *in)
{
	return in->kind == KIND_APP && s->want &&
	       in->release == s->want->release &&
	       in->generation == s->want->generation && !in->discard &&
	       want_has(s->want, in->ptype, in->num) && is_of_size(s->want, in);
}

static bool same_place(const struct inst *a, const struct inst *b)
{
	return a->kind == KIND_APP && b->kind == KIND_APP && a->num == b->num &&
	       strcmp(a->ptype, b->ptype) == 0;
}

/* It could be the current one of its place. */
static bool is_fit(const struct step *s, const struct inst *in)
{
	return step_is_of_now(s, in) && in->state != INST_EXITED &&
	       in->stop == STOP_NO && !in->replace;
}

/* Is a to be preferred to b, which is in the same place? */
static bool outranks(
    const struct step *s, const struct inst *a, const struct inst *b)
{
	bool fit_a = is_fit(s, a), fit_b = is_fit(s, b);

	return fit_a != fit_b ? fit_a : a->id > b->id;
}

/*
 * Two fit ones in one place are what is left of a restart that was under way
 * when plan or jail went away: the newer is to take over.
 */
bool step_is_current(const struct step *s, const struct inst *in)
{
	struct inst *other;

	if (!is_fit(s, in))
		return false;
	list_each(other, &s->app->insts, of_app)
	{
		if (same_place(other, in) && other->id > in->id &&
		    is_fit(s, other))
			return false;
	}
	return true;
}

bool step_serves(const struct inst *in)
{
	/* Who is about to be ended for its health takes nobody's place. */
	if (in->state != INST_RUNNING || in->stop != STOP_NO ||
	    in->unhealthy[0] != '\0')
		return false;
	return !inst_is_web(in) || (in->target == TARGET_SERVE && in->acked);
}

/* Of a candidate that has failed or is given up, or asked to end. */
static bool is_discarded(const struct step *s, const struct inst *in)
{
	const struct want *next = &s->app->next;

	if (in->discard || in->kind != KIND_APP)
		return in->discard;
	return next->set && next->rollout == ROLLOUT_FAILED &&
	       in->release == next->release &&
	       !(s->want && s->want->release == in->release);
}

/*
 * A release newer than the wanted one is a candidate that was given up while
 * nobody saw, unless it was live. The router knows what was adopted.
 */
static bool may_serve(const struct step *s, const struct inst *in)
{
	bool known = in->release <= s->want->release || in->was_live;

	return inst_is_web(in)
	           ? in->target == TARGET_SERVE || in->target == TARGET_SLEEP ||
	                 (in->adopted && known)
	           : known;
}

/* Is it of use in its place, be it current or not? */
static bool is_useful(const struct step *s, const struct inst *in)
{
	if (step_stops_first(s) && step_is_old(s, in))
		return false;
	return in->kind == KIND_APP && in->state == INST_RUNNING &&
	       !is_discarded(s, in) && !in->late && !step_is_candidate(s, in) &&
	       want_has(s->want, in->ptype, in->num) && may_serve(s, in);
}

/* Does one that is to be preferred serve in the place of in? */
static bool is_replaced(const struct step *s, const struct inst *in)
{
	struct inst *other;

	list_each(other, &s->app->insts, of_app)
	{
		if (other != in && same_place(other, in) &&
		    is_useful(s, other) && step_serves(other) &&
		    outranks(s, other, in))
			return true;
	}
	return false;
}

bool step_stands_in(const struct step *s, const struct inst *in)
{
	return is_useful(s, in) && !is_replaced(s, in);
}

static bool is_kept(const struct step *s, const struct inst *in)
{
	if (s->env->down || s->app->gone || is_discarded(s, in))
		return false;
	if (in->kind == KIND_APP) {
		if (!s->env->wants || step_is_candidate(s, in))
			return true;
		if ((inst_is_web(in) && s->app->rest == REST_STOPPED) ||
		    (step_stops_first(s) && step_is_old(s, in)))
			return false;
		return step_is_current(s, in) || step_stands_in(s, in);
	}
	return !inst_is_job(in) || in->owned;
}

/* --- exits ---------------------------------------------------------------- */

void step_exit_text(
    const struct inst *in, const struct step_env *env, char *out, size_t size)
{
	const char *word = sigdescr_np((int)in->signal);

	if (in->text[0] != '\0')
		snprintf(out, size, "%s", in->text);
	else if (in->lost)
		snprintf(out, size, "Process was lost");
	else if (in->oom)
		snprintf(out, size,
		    "Process was killed by signal 9 (out of memory: limit "
		    "%" PRIu64 " MiB)",
		    (in->memory ? in->memory : env->memory) >> 20);
	else if (in->signal)
		snprintf(out, size,
		    "Process was killed by signal %" PRIu64 " (%s)", in->signal,
		    word ? word : "unknown");
	else
		snprintf(
		    out, size, "Process exited with status %" PRIu64, in->code);
}

static bool is_newest(const struct step *s, const struct inst *in)
{
	struct inst *other;

	list_each(other, &s->app->insts, of_app)
	{
		if (other->id > in->id && same_place(other, in) &&
		    other->release == in->release)
			return false;
	}
	return true;
}

/*
 * Somebody outside ended it, or the platform did: the app's own processes
 * can't send SIGKILL to the first one.
 */
static bool is_from_outside(const struct inst *in)
{
	return in->stop == STOP_NO &&
	       (in->lost || (in->signal == SIGKILL && !in->oom));
}

/* It ended by itself (or for its health), and its place is to be filled. */
static bool is_crash(const struct step *s, const struct inst *in)
{
	return !is_from_outside(in) && step_is_of_now(s, in) &&
	       (in->stop == STOP_NO || in->late) && !in->replace &&
	       is_newest(s, in);
}

static uint64_t crash_delay(const struct step *s, const struct inst *in)
{
	const struct crash *c = app_crash(s->app, in->ptype, in->num);
	unsigned count = c ? c->count : 0;

	if (!c || c->release != in->release ||
	    c->generation != in->generation ||
	    (in->up_ms && s->env->now_ms - in->up_ms >= STEADY_MS))
		count = 0;
	return step_backoff_ms(count, s->env->random);
}

static void see_exit(struct step *s, const struct inst *in)
{
	struct action *a;

	/* web must learn how it ended. */
	if ((in->kind == KIND_RELEASE || in->kind == KIND_CRON) &&
	    !s->env->web && !s->env->down)
		return;
	/* Whether it is a crash is known once the wants are. */
	if (in->kind == KIND_APP && !s->env->wants && !s->env->down)
		return;
	a = step_add(s, ACT_EXITED, in);
	step_exit_text(in, s->env, a->text, sizeof(a->text));
	a->crash = is_crash(s, in) && !s->env->down;
	if (a->crash)
		a->delay_ms = crash_delay(s, in);
}

/* A crashed process shows in `ps` until there is another in its place. */
static bool is_shown(const struct step *s, const struct inst *in)
{
	struct inst *other;

	if (!in->crashed || !step_is_of_now(s, in) || s->env->down ||
	    s->app->gone)
		return false;
	list_each(other, &s->app->insts, of_app)
	{
		if (same_place(other, in) &&
		    (other->id > in->id || is_fit(s, other)))
			return false;
	}
	return true;
}

static void step_exited(struct step *s, const struct inst *in)
{
	if (in->target != TARGET_NONE)
		step_add(s, ACT_TARGET_DROP, in);
	else if (step_is_candidate(s, in) && s->env->wants)
		return; /* candidate.c: it has failed */
	else if (!in->exit_seen)
		see_exit(s, in);
	else if (s->env->jail && !is_shown(s, in))
		step_add(s, ACT_REMOVE, in);
}

/* --- stopping ------------------------------------------------------------- */

/* Jobs have nothing to tidy up, and what has not begun can't hear a signal. */
static bool is_killed_at_once(const struct inst *in)
{
	return inst_is_job(in) || in->state != INST_RUNNING;
}

static void step_term(struct step *s, const struct inst *in)
{
	if (in->target != TARGET_NONE)
		step_add(s, ACT_TARGET_DROP, in);
	if (s->env->jail)
		step_add(s, is_killed_at_once(in) ? ACT_KILL : ACT_SIGNAL, in);
}

static void step_stop(struct step *s, const struct inst *in)
{
	const struct step_env *env = s->env;
	bool at_once = env->down || s->app->gone;
	struct action *a;

	switch (in->stop) {
	case STOP_NO:
		if ((in->target == TARGET_SERVE ||
		        in->target == TARGET_SLEEP) &&
		    !at_once)
			step_add(s, ACT_TARGET, in)->state = TARGET_DRAIN;
		else
			step_term(s, in);
		break;
	case STOP_DRAIN:
		if (in->drained || at_once ||
		    step_due(s, in->stop_ms + env->drain_ms))
			step_term(s, in);
		break;
	case STOP_TERM:
		if (!env->jail || !step_due(s, in->stop_ms + env->stop_ms))
			break;
		a = step_add(s, ACT_KILL, in);
		if (in->stop_ms != 0)
			snprintf(a->text, sizeof(a->text),
			    "Error R12 (Exit timeout) -> Process failed to "
			    "exit within %" PRIu64 " seconds of SIGTERM",
			    env->stop_ms / 1000);
		break;
	case STOP_KILL:
		break;
	}
}

/* A job or one-off that has its time limit. */
static void step_limit(struct step *s, const struct inst *in)
{
	bool job = inst_is_job(in);
	struct action *a;

	if (!in->deadline_ms || in->stop != STOP_NO ||
	    !step_due(s, in->deadline_ms) || !s->env->jail)
		return;
	a = step_add(s, job ? ACT_KILL : ACT_SIGNAL, in);
	snprintf(a->text, sizeof(a->text),
	    "%s after %" PRIu64 " seconds, the most it may take",
	    job ? "stopped" : "Process is stopped", in->most_ms / 1000);
}

/* --- one instance --------------------------------------------------------- */

static int dyno_state(const struct inst *in)
{
	if (in->state == INST_EXITED)
		return in->crashed ? DYNO_CRASHED : in->told;
	if (in->stop != STOP_NO)
		return DYNO_STOPPING;
	if (inst_is_web(in) && in->target == TARGET_SLEEP)
		return DYNO_IDLE;
	if (in->state != INST_RUNNING ||
	    (inst_is_web(in) && in->target != TARGET_SERVE))
		return DYNO_STARTING;
	return DYNO_UP;
}

/* What joins frozen processes would hang as they do. */
static bool is_host_frozen(const struct step *s, const struct inst *in)
{
	struct inst *host;

	list_each(host, &s->app->insts, of_app)
	{
		if (in->of && host->id == in->of)
			return host->frozen;
	}
	return false;
}

static void step_waiting(struct step *s, const struct inst *in)
{
	if (!is_kept(s, in))
		step_add(s, ACT_GIVE_UP, in);
	else if (s->env->jail && !is_host_frozen(s, in))
		step_add(s, ACT_START, in);
}

static void step_inst(struct step *s, const struct inst *in)
{
	int state = dyno_state(in);

	/* What was adopted is not shown before it is known what it is. */
	if (state != in->told && !inst_is_job(in) &&
	    (s->env->wants || in->kind != KIND_APP))
		step_add(s, ACT_STATE, in)->state = state;
	if (in->state == INST_EXITED)
		step_exited(s, in);
	else if (in->state == INST_WAITING)
		step_waiting(s, in);
	else if (in->stop != STOP_NO || !is_kept(s, in))
		step_stop(s, in);
	else
		step_limit(s, in);
}

/* --- requests while nobody serves ----------------------------------------- */

/* Is there, or will there soon be, somebody in this place? */
static bool is_coming(const struct step *s, uint64_t num)
{
	const struct crash *c = app_crash(s->app, "web", num);
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (inst_is_web(in) && in->num == num &&
		    (step_is_current(s, in) || step_stands_in(s, in)))
			return true;
	}
	return !c || c->count <= HOLD_CRASHES ||
	       c->release != s->want->release ||
	       c->generation != s->want->generation;
}

static enum app_front front_of(const struct step *s)
{
	if (s->env->down || s->app->gone || !want_has(s->want, "web", 1))
		return FRONT_NONE;
	if (s->app->rest != REST_NONE)
		return FRONT_ASLEEP;
	for (uint64_t num = 1; want_has(s->want, "web", num); num++) {
		if (is_coming(s, num))
			return FRONT_HOLD;
	}
	return FRONT_CRASHED;
}

/* --- all of it ------------------------------------------------------------ */

uint64_t step_app(
    const struct app *a, const struct step_env *env, struct actions *out)
{
	struct step s = {.app = a,
	    .env = env,
	    .out = out,
	    .want = app_wanted(a),
	    .candidate = app_candidate(a),
	    .wake_ms = NEVER};
	struct inst *in;

	if (env->wants && !env->down && !a->gone && a->resumes) {
		step_resume(&s);
		return NEVER;
	}
	if (env->wants && !env->down && !a->gone) {
		if (s.candidate) {
			step_room(&s);
			step_candidate(&s);
		}
		step_report(&s);
		if (s.want && !(s.candidate && step_stops_first(&s)))
			step_live(&s);
		step_cron(&s);
		step_rest(&s);
	}
	list_each(in, &a->insts, of_app) step_inst(&s, in);
	if (env->wants && (int)front_of(&s) != a->front)
		step_add(&s, ACT_FRONT, NULL)->state = (int)front_of(&s);
	if (a->gone && !a->dropped && env->jail && list_empty(&a->insts))
		step_add(&s, ACT_APP_DROP, NULL);
	return s.wake_ms;
}
