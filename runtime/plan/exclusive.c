/*
 * exclusive - apps of which two releases never run at a time: a volume of
 * theirs must not be shared, their strategy says so, or there is no memory for
 * both (room.c). What is old ends before what is new begins. Requests wait
 * meanwhile.
 */
#include "step_int.h"

bool step_stops_first(const struct step *s)
{
	const struct want *w = s->candidate ? s->candidate : s->want;

	return w && (w->exclusive || step_is_tight(s));
}

bool step_is_old(const struct step *s, const struct inst *in)
{
	if (in->kind != KIND_APP)
		return false;
	return s->candidate ? !step_is_candidate(s, in)
	                    : !step_is_of_now(s, in);
}

bool step_must_wait(const struct step *s)
{
	struct inst *in;

	if (!step_stops_first(s))
		return false;
	list_each(in, &s->app->insts, of_app)
	{
		if (in->state != INST_EXITED &&
		    (step_is_old(s, in) ||
		        (step_is_tight(s) && inst_is_ending(in))))
			return true;
	}
	return false;
}
