/* Steps of builds, and what builder asks of the store. */
#include <inttypes.h>
#include <stdio.h>

#include "handlers.h"
#include "oneoff.h"
#include "store.h"
#include "works.h"

#define JOBS_MAX 64         /* at the same time */
#define JOB_MS_MAX 86400000 /* a day: the most that a setting allows */

static const char *const kinds[KIND_N] = {
    [KIND_BUILD] = "build", [KIND_EXPORT] = "export", [KIND_IMPORT] = "import"};

static size_t count_jobs(const struct plan *p)
{
	size_t n = 0, pos = 0;
	void *value;

	while (map_next(p->model.insts_by_id, &pos, NULL, &value))
		n += inst_is_job(value);
	return n;
}

static void add(struct plan *p, struct app *a, struct peer *from,
    struct frame *f, enum instance_kind kind)
{
	struct inst *in =
	    model_add(&p->model, a, plan_new_id(p), kind, INST_WAITING);
	uint64_t ms = frame_u64(f, F_MS);

	in->job = frame_u64(f, F_JOB);
	in->work = frame_u64(f, F_WORK);
	in->most_ms = ms && ms < JOB_MS_MAX ? ms : JOB_MS_MAX;
	in->owned = true;
	snprintf(in->ptype, sizeof(in->ptype), "%s", kinds[kind]);
	snprintf(in->name, sizeof(in->name), "%s.%" PRIu64, kinds[kind],
	    1000 + in->job % 9000);
	in->pending = pending_job(f);
	in->pending->asker = (struct asker){peer_id(from), f->id};
	works_add(p, in->work, false);
	plan_touch(p, a);
}

void on_job(struct plan *p, struct peer *from, struct frame *f)
{
	uint64_t kind = frame_u64(f, F_KIND), job = frame_u64(f, F_JOB);
	struct app *a;

	if (kind >= KIND_N || !kinds[kind] || job == 0)
		refuse(from, f, ERR_INVALID,
		    "no step of kind %" PRIu64 " and job %" PRIu64, kind, job);
	else if (model_job(&p->model, job))
		refuse(from, f, ERR_EXISTS, "this job is there already");
	else if (p->down)
		refuse(from, f, ERR_UNAVAILABLE, "the platform is stopping");
	else if (count_jobs(p) >= JOBS_MAX)
		refuse(from, f, ERR_LIMIT, "%d steps of builds run already",
		    JOBS_MAX);
	else if ((a = plan_app(p, from, f)) != NULL)
		add(p, a, from, f, (enum instance_kind)kind);
}

void on_job_cancel(struct plan *p, struct peer *from, struct frame *f)
{
	struct inst *in = model_job(&p->model, frame_u64(f, F_JOB));

	if (!in || !inst_is_job(in))
		return;
	in->discard = true;
	plan_touch(p, in->app);
}

void on_store(struct plan *p, struct peer *from, struct frame *f)
{
	if (f->type == MSG_WORK_DROP)
		works_dropped(p, frame_u64(f, F_WORK));
	store_ask(p, from, f);
}

void builder_gone(struct plan *p)
{
	model_disown_jobs(&p->model);
	store_builder_gone(p);
	works_builder_gone(p);
	plan_touch_all(p);
}
