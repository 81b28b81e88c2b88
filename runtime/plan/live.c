/* live - what must serve does: places are filled, new ones take over. */

#include <stdio.h>

#include "step_int.h"

const struct inst *step_current(
    const struct step *s, const char *ptype, uint64_t num)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (in->num == num && strcmp(in->ptype, ptype) == 0 &&
		    step_is_current(s, in))
			return in;
	}
	return NULL;
}

/* One that did not listen is being killed: its place is not free yet. */
static bool is_ending(const struct step *s, const char *ptype, uint64_t num)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (in->kind == KIND_APP && in->num == num &&
		    strcmp(in->ptype, ptype) == 0 &&
		    in->release == s->want->release &&
		    in->generation == s->want->generation &&
		    (in->state == INST_EXITED ? !in->exit_seen : in->late))
			return true;
	}
	return false;
}

static void fill(struct step *s, const char *ptype, uint64_t num)
{
	const struct crash *c = app_crash(s->app, ptype, num);
	bool counts = c && c->release == s->want->release &&
	              c->generation == s->want->generation;

	if (!s->env->jail || step_must_wait(s) || is_ending(s, ptype, num) ||
	    (counts && !step_due(s, c->not_before_ms)))
		return;
	step_start(s, s->want, ptype, num);
}

/* Does another run in its place, so that in has yet to prove itself? */
static bool is_taking_over(const struct step *s, const struct inst *in)
{
	struct inst *other;

	list_each(other, &s->app->insts, of_app)
	{
		if (other != in && inst_is_web(other) &&
		    other->num == in->num && !step_is_current(s, other) &&
		    step_stands_in(s, other))
			return true;
	}
	return false;
}

/* What fails a declared check is ended, as one that crashed. */
static void end_unhealthy(struct step *s, const struct inst *in)
{
	struct action *a;

	if (!s->env->jail)
		return;
	if (in->target != TARGET_NONE)
		step_add(s, ACT_TARGET_DROP, in);
	a = step_add(s, ACT_SIGNAL, in);
	a->crash = true;
	snprintf(a->text, sizeof(a->text), "Restarting: %.220s", in->unhealthy);
}

static int state_of_found(const struct step *s, const struct inst *in)
{
	if (!in->adopted || is_taking_over(s, in))
		return TARGET_CHECK;
	return in->frozen && s->app->rest == REST_FROZEN ? TARGET_SLEEP
	                                                 : TARGET_SERVE;
}

static void tend_web(struct step *s, const struct inst *in)
{
	struct action *a;

	if (in->state != INST_RUNNING)
		return;
	if (in->unhealthy[0] != '\0') {
		end_unhealthy(s, in);
		return;
	}
	if (in->target == TARGET_NONE) {
		/* The router went on with what it had while we were away. */
		step_add(s, ACT_TARGET, in)->state = state_of_found(s, in);
	} else if (in->target == TARGET_CHECK && in->checked) {
		step_add(s, ACT_TARGET, in)->state = TARGET_SERVE;
	} else if (step_boot_is_over(s, in) && s->env->jail) {
		step_add(s, ACT_TARGET_DROP, in);
		a = step_add(s, ACT_KILL, in);
		a->crash = true;
		step_boot_text(s, in, a->text, sizeof(a->text));
	}
}

/*
 * What was adopted and stands in goes on serving. If the one that is to take
 * over was adopted, too, it may have done so already: both are checked, which
 * the router answers at once when it knows them.
 */
static void tend_stand_in(struct step *s, const struct inst *in)
{
	const struct inst *heir = step_current(s, "web", in->num);
	bool rivals = heir && heir->adopted && heir->state == INST_RUNNING;

	if (in->target == TARGET_NONE)
		step_add(s, ACT_TARGET, in)->state =
		    rivals ? TARGET_CHECK : TARGET_SERVE;
	else if (in->target == TARGET_CHECK && in->checked &&
	         !(heir && heir->checked))
		step_add(s, ACT_TARGET, in)->state = TARGET_SERVE;
}

static void tend_stand_ins(struct step *s)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (inst_is_web(in) && in->adopted && in->stop == STOP_NO &&
		    !step_is_current(s, in) && step_stands_in(s, in))
			tend_stand_in(s, in);
	}
}

void step_live(struct step *s)
{
	const struct want *w = s->want;

	for (size_t i = 0; i < w->ntypes; i++) {
		if (s->app->rest == REST_STOPPED &&
		    strcmp(w->types[i].name, "web") == 0)
			continue;
		for (uint64_t n = 1; n <= w->types[i].quantity; n++) {
			const struct inst *in =
			    step_current(s, w->types[i].name, n);

			if (!in)
				fill(s, w->types[i].name, n);
			else if (inst_is_web(in))
				tend_web(s, in);
		}
	}
	tend_stand_ins(s);
}
