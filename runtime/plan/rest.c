/*
 * rest - an app that nobody asks for is frozen, later stopped, until somebody
 * asks again.
 *
 *   NONE --quiet for freeze_ms--> FROZEN --stop_ms more--> STOPPED
 *     ^----------a request waits, or anything changes--------'
 *
 * The router says when it is quiet: it alone sees requests. Before a process
 * is frozen the router has agreed to send it nothing (TARGET_SLEEP). Awake
 * again, both are told at once: a request sent too early waits in the socket.
 * Workers never rest. What was stopped stays so when plan, jail or the host
 * were restarted meanwhile: nothing of it runs, and it is told of for the
 * first time.
 */
#include "step_int.h"

static void rest(struct step *s, enum app_rest to)
{
	step_add(s, ACT_REST, NULL)->state = to;
}

static uint64_t webs(const struct want *w)
{
	const struct want_type *t = want_type(w, "web");

	return t ? t->quantity : 0;
}

/* Is each of its web processes current and in this state for the router? */
static bool all_are(const struct step *s, int target, int or_target)
{
	for (uint64_t n = 1; n <= webs(s->want); n++) {
		const struct inst *in = step_current(s, "web", n);

		if (!in || in->state != INST_RUNNING ||
		    (in->target != target && in->target != or_target))
			return false;
	}
	return webs(s->want) > 0;
}

/* Somebody of a former release or size that still has to go. */
static bool any_other(const struct step *s)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (inst_is_web(in) && in->state != INST_EXITED &&
		    !step_is_current(s, in))
			return true;
	}
	return false;
}

/* A command that runs inside one, or waits for it to be awake. */
static bool has_guest(const struct step *s)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (in->of && in->state != INST_EXITED)
			return true;
	}
	return false;
}

static bool may_rest(const struct step *s)
{
	return s->want && s->want->freeze_ms && !s->candidate && s->env->jail &&
	       s->env->router && all_are(s, TARGET_SERVE, TARGET_SERVE) &&
	       !any_other(s) && !has_guest(s);
}

static void freeze(struct step *s)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (!inst_is_web(in) || !step_is_current(s, in))
			continue;
		if (in->target == TARGET_SERVE)
			step_add(s, ACT_TARGET, in)->state = TARGET_SLEEP;
		else if (in->acked && !in->frozen && s->env->jail)
			step_add(s, ACT_FREEZE, in);
	}
}

static void wake(struct step *s)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (in->state != INST_RUNNING || in->stop != STOP_NO)
			continue;
		if (in->frozen && s->env->jail)
			step_add(s, ACT_THAW, in);
		if (in->target == TARGET_SLEEP)
			step_add(s, ACT_TARGET, in)->state = TARGET_SERVE;
	}
}

void step_rest(struct step *s)
{
	const struct app *a = s->app;

	switch (a->rest) {
	case REST_NONE:
		wake(s);
		if (a->quiet && may_rest(s))
			rest(s, REST_FROZEN);
		else if (a->quiet) /* the router is to watch it anew */
			step_add(s, ACT_FRONT, NULL)->state = a->front;
		break;
	case REST_FROZEN:
		if (!s->want || !s->want->freeze_ms || has_guest(s) ||
		    !all_are(s, TARGET_SERVE, TARGET_SLEEP))
			rest(s, REST_NONE);
		else if (s->want->stop_ms &&
		         step_due(s, a->rest_ms + s->want->stop_ms))
			rest(s, REST_STOPPED);
		else
			freeze(s);
		break;
	case REST_STOPPED:
		if (!s->want || !s->want->stop_ms)
			rest(s, REST_NONE);
		break;
	}
}

void step_resume(struct step *s)
{
	bool any = false, frozen = true;
	struct inst *in;

	if (!s->env->jail)
		return;
	list_each(in, &s->app->insts, of_app)
	{
		if (!inst_is_web(in) || in->state == INST_EXITED)
			continue;
		any = true;
		frozen &= in->frozen;
	}
	if (!any)
		rest(s, s->want && s->want->stop_ms ? REST_STOPPED : REST_NONE);
	else
		rest(s, frozen ? REST_FROZEN : REST_NONE);
}
