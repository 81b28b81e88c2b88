/*
 * room - is there memory for a candidate beside what it replaces?
 *
 *   UNKNOWN --jail is asked--> ASKED --> TOLD --enough--> BESIDE
 *                                          `----not-----> FIRST
 *
 * A process is expected to use what the one in its place does now, at most its
 * limit; where there is none, its limit. Limits are not added up: they are
 * what one may use at most, and few do. Where memory lacks, the old processes
 * end first; when the candidate fails then, they come back as soon as it has
 * gone. What waits to end anyway is waited for before anything else is
 * stopped. Nothing is asked when nothing old runs: there is no choice then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "step_int.h"

static bool is_alive(const struct inst *in)
{
	return in->kind == KIND_APP && in->state != INST_EXITED;
}

static bool any_old(const struct step *s)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (is_alive(in) && !step_is_candidate(s, in))
			return true;
	}
	return false;
}

static bool any_ending(const struct step *s)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (inst_is_ending(in))
			return true;
	}
	return false;
}

static bool any_of(const struct app *a, uint64_t release)
{
	struct inst *in;

	list_each(in, &a->insts, of_app)
	{
		if (is_alive(in) && in->release == release)
			return true;
	}
	return false;
}

/* --- what it takes -------------------------------------------------------- */

static uint64_t need_of_place(
    const struct step *s, const struct want_type *t, uint64_t num)
{
	uint64_t need = t->memory;
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (!is_alive(in) || in->num != num ||
		    strcmp(in->ptype, t->name) != 0)
			continue;
		if (step_is_candidate(s, in))
			return 0; /* it is there, and counted */
		if (in->used && in->used < need)
			need = in->used;
	}
	return need;
}

static uint64_t need_of(const struct step *s)
{
	const struct want *w = s->candidate;
	uint64_t sum = 0;

	for (size_t i = 0; i < w->ntypes; i++)
		for (uint64_t n = 1; n <= w->types[i].quantity; n++)
			sum += need_of_place(s, &w->types[i], n);
	return sum;
}

/* --- asking and deciding -------------------------------------------------- */

static void ask(struct step *s)
{
	step_add(s, ACT_ROOM_ASK, NULL)->release = s->candidate->release;
}

static void decide(struct step *s)
{
	const struct room *r = &s->app->room;
	uint64_t need = need_of(s);
	struct action *a;

	if (need > r->free && r->crowded) {
		if (!any_ending(s))
			ask(s);
		return;
	}
	a = step_add(s, ACT_ROOM, NULL);
	a->release = s->candidate->release;
	a->bytes = need;
	a->state = need > r->free ? ROOM_FIRST : ROOM_BESIDE;
	if (a->state == ROOM_FIRST)
		snprintf(a->text, sizeof(a->text),
		    "Not enough memory for both releases (%" PRIu64
		    " MiB needed, %" PRIu64 " MiB free): stopping v%" PRIu64
		    " first",
		    (need + (1u << 20) - 1) >> 20, r->free >> 20,
		    s->want ? s->want->release : 0);
}

void step_room(struct step *s)
{
	const struct room *r = &s->app->room;

	if (s->candidate->exclusive || !s->env->jail || !any_old(s))
		return;
	if (r->release != s->candidate->release || r->state == ROOM_UNKNOWN)
		ask(s);
	else if (r->state == ROOM_TOLD)
		decide(s);
}

bool step_has_room(const struct step *s)
{
	const struct room *r = &s->app->room;

	return s->candidate->exclusive || !any_old(s) ||
	       (r->release == s->candidate->release &&
	           (r->state == ROOM_BESIDE || r->state == ROOM_FIRST));
}

bool step_is_tight(const struct step *s)
{
	const struct room *r = &s->app->room;

	if (r->state != ROOM_FIRST)
		return false;
	if (s->candidate)
		return s->candidate->release == r->release;
	return s->want && s->want->release != r->release &&
	       any_of(s->app, r->release);
}

/* --- what jail says ------------------------------------------------------- */

/* What candidates of other apps were told they may use, and may not do yet. */
static uint64_t promised(const struct model *m, const struct app *but)
{
	uint64_t sum = 0;
	struct app *a;

	list_each(a, &m->apps, all)
	{
		const struct want *w = app_candidate(a);

		if (a != but && w && w->release == a->room.release &&
		    a->room.state == ROOM_BESIDE)
			sum += a->room.need;
	}
	return sum;
}

void app_room(struct model *m, struct app *a, uint64_t free)
{
	uint64_t taken = promised(m, a);
	struct inst *in;

	if (a->room.state != ROOM_ASKED)
		return;
	a->room.state = ROOM_TOLD;
	a->room.free = free > taken ? free - taken : 0;
	a->room.crowded = false;
	list_each(in, &a->insts, of_app) a->room.crowded |= inst_is_ending(in);
}
