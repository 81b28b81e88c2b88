#include "due.h"

#include <inttypes.h>
#include <stdio.h>

#include "oneoff.h"
#include "tell.h"

#define SHOWN_MAX 201 /* of a command, with its NUL */

/* "scheduler.1234", as nobody else of the app is called. */
static void name_cron(struct inst *job, uint64_t random)
{
	char *out = job->name;
	struct inst *in;
	bool taken = true;

	for (; taken; random++) {
		snprintf(out, sizeof(job->name), "scheduler.%u",
		    (unsigned)(1000 + random % 9000));
		taken = false;
		list_each(in, &job->app->insts, of_app) taken |=
		    in != job && strcmp(in->name, out) == 0;
	}
}

static struct inst *start_cron(struct plan *p, struct app *a,
    const struct cron_job *job, const struct step_env *env)
{
	const struct want *w = app_wanted(a);
	struct inst *in =
	    model_add(&p->model, a, plan_new_id(p), KIND_CRON, INST_WAITING);

	in->release = w->release;
	in->num = job->num;
	in->job = in->id;
	in->most_ms = p->settings->run_seconds * 1000;
	snprintf(in->ptype, sizeof(in->ptype), "scheduler");
	name_cron(in, env->random);
	str_copy(str_z(job->command), in->shown, SHOWN_MAX);
	in->pending = pending_cron(w, job->command, p->settings);
	in->memory = in->pending->limits.memory;
	snprintf(in->size, sizeof(in->size), "%s", SIZE_DEFAULT);
	return in;
}

static void tell_due(struct plan *p, const struct app *a,
    const struct action *act, const struct step_env *env, const struct inst *in)
{
	struct frame_out o = frame_begin(MSG_CRON_DUE, 0);

	frame_put_u64(&o, F_APP, a->id);
	frame_put_u64(&o, F_CRON, act->num);
	frame_put_u64(&o, F_LAST, env->real_ms / 60000);
	frame_put_u64(&o, F_STATE, (uint64_t)act->state);
	if (in)
		frame_put_z(&o, F_NAME, in->name);
	(void)plan_send(p->web, &o);
}

void due_do(struct plan *p, struct app *a, const struct action *act,
    const struct step_env *env)
{
	const struct cron_job *job = app_cron_find(a, act->num);
	struct inst *in = NULL;

	if (act->state == CRON_START)
		in = start_cron(p, a, job, env);
	else if (act->state == CRON_BUSY)
		tell_line(p, a, "scheduler",
		    "Job %" PRIu64 " is due and left out, since it still runs "
		    "from before: %.200s",
		    job->num, job->command);
	else if (act->state == CRON_TOO_LATE)
		tell_line(p, a, "scheduler",
		    "Job %" PRIu64 " was due while the platform was away, and "
		    "is left out: %.200s",
		    job->num, job->command);
	tell_due(p, a, act, env, in);
}
