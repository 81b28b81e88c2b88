/*
 * cron - the clock of what an app wants done at certain times.
 *
 * Pure, as step is. Each job knows the minute up to which it has been looked
 * after; web keeps that, too, so neither a restart of plan nor of web does a
 * job twice.
 *
 * 1. What was due since then is done once, however often it was due: while
 *    plan was away, or the clock was set forward.
 * 2. What was due longer than CRON_LATE minutes ago is left out.
 * 3. A clock set back does nothing again. By more than a day it is taken for
 *    a mistake that is over, and the job goes on from now.
 * 4. A job that still runs is not started beside itself.
 * 5. Without a live release nothing is due.
 */
#include "step_int.h"

#define CRON_LATE 60         /* minutes */
#define CRON_AHEAD (24 * 60) /* minutes: more is a clock that was wrong */
#define MINUTE_MS 60000

/*
 * The last minute that is looked after. What runs, or has ended and web has
 * not heard of it, was begun by a plan before this one.
 */
static uint64_t looked_after(const struct step *s, const struct cron_job *job)
{
	uint64_t last = job->last;
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (in->kind == KIND_CRON && in->num == job->num &&
		    in->adopted_cron && in->time_ms / MINUTE_MS > last)
			last = in->time_ms / MINUTE_MS;
	}
	return last;
}

static bool runs(const struct step *s, const struct cron_job *job)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (in->kind == KIND_CRON && in->num == job->num &&
		    in->state != INST_EXITED)
			return true;
	}
	return false;
}

static void decide(
    struct step *s, const struct cron_job *job, enum cron_act what)
{
	struct action *a = step_add(s, ACT_CRON, NULL);

	a->num = job->num;
	a->state = (int)what;
}

static void step_cron_job(struct step *s, const struct cron_job *job)
{
	uint64_t now = s->env->real_ms / MINUTE_MS;
	uint64_t last = looked_after(s, job), late;

	if (last > now + CRON_AHEAD) {
		decide(s, job, CRON_RESET);
		return;
	}
	if (last >= now || cron_next(&job->when, last) > now)
		return;
	late = now > CRON_LATE ? now - CRON_LATE - 1 : 0;
	if (last < late && cron_next(&job->when, late) > now)
		decide(s, job, CRON_TOO_LATE);
	else
		decide(s, job, runs(s, job) ? CRON_BUSY : CRON_START);
}

void step_cron(struct step *s)
{
	struct cron_job *job;

	if (!s->want || !s->env->jail || list_empty(&s->app->crons))
		return;
	list_each(job, &s->app->crons, of_app) step_cron_job(s, job);
	/* Each minute, so that a clock that is set is seen. */
	(void)step_due(
	    s, s->env->now_ms + MINUTE_MS - s->env->real_ms % MINUTE_MS);
}
