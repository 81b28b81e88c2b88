/*
 * exclusive - apps of which two releases never run at a time, since a volume
 * of theirs must not be shared: what is old ends before what is new begins.
 * Requests wait meanwhile.
 */
#include "step_int.h"

bool step_stops_first(const struct step *s)
{
	const struct want *w = s->candidate ? s->candidate : s->want;

	return w && w->exclusive;
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
		if (in->state != INST_EXITED && step_is_old(s, in))
			return true;
	}
	return false;
}
