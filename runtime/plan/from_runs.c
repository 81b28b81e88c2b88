/* One-offs and release phases that web asks for. */
#include <inttypes.h>
#include <stdio.h>

#include "act.h"
#include "handlers.h"
#include "oneoff.h"
#include "past.h"

/* Release phases are not counted: a deploy does not wait for commands. */
static size_t count_runs(const struct app *a)
{
	struct inst *in;
	size_t n = 0;

	list_each(in, &a->insts, of_app) n += in->kind == KIND_RUN ||
	                                      in->kind == KIND_EXEC ||
	                                      in->kind == KIND_CRON;
	return n;
}

/* Memory that one-offs have now; of one app, or of all for NULL. */
static uint64_t memory_of_runs(const struct plan *p, const struct app *a)
{
	uint64_t sum = 0;
	size_t pos = 0;
	void *value;

	while (map_next(p->model.insts_by_id, &pos, NULL, &value)) {
		const struct inst *in = value;

		if (in->kind == KIND_RUN && in->state != INST_EXITED &&
		    (!a || in->app == a))
			sum += in->memory;
	}
	return sum;
}

static bool is_too_much(
    const struct plan *p, const struct app *a, uint64_t more, uint64_t percent)
{
	uint64_t sum = memory_of_runs(p, a);

	return sum > 0 &&
	       sum + more > size_host_memory(p->settings) * percent / 100;
}

/* So that commands can't take the memory of what serves. */
static bool has_memory(const struct plan *p, const struct app *a,
    struct peer *from, const struct frame *f)
{
	const struct settings *s = p->settings;
	struct size_limits limits;

	size_limits(s, pending_size(f), &limits);
	if (frame_u64(f, F_KIND) != KIND_RUN)
		return true;
	if (is_too_much(p, a, limits.memory, s->run_memory)) {
		refuse(from, f, ERR_LIMIT,
		    "the commands of this app that run have their share of "
		    "the server's memory (%" PRIu64
		    " %%, the setting run_memory): wait for one, stop one "
		    "(paas ps:stop), or take a smaller --size",
		    s->run_memory);
		return false;
	}
	if (is_too_much(p, NULL, limits.memory, s->run_memory_all)) {
		refuse(from, f, ERR_LIMIT,
		    "the commands of all apps that run have their share of "
		    "the server's memory (%" PRIu64
		    " %%, the setting run_memory_all): wait for one, or take "
		    "a smaller --size",
		    s->run_memory_all);
		return false;
	}
	return true;
}

static void answer_ok(struct peer *to, uint32_t id, uint64_t instance)
{
	struct frame_out o = frame_begin(MSG_OK, id);

	frame_put_u64(&o, F_INSTANCE, instance);
	(void)peer_send(to, &o);
}

/* A release command that has ended: it does not run twice. */
static void answer_past(
    struct peer *to, const struct frame *f, const struct past_job *job)
{
	struct frame_out o;

	if (job->failed) {
		refuse(to, f, ERR_SYSTEM, "%s", job->text);
		return;
	}
	if (f->id)
		answer_ok(to, f->id, job->instance);
	o = frame_begin(MSG_RUN_EXITED, 0);
	frame_put_u64(&o, F_JOB, job->job);
	frame_put_u64(&o, F_EXIT_CODE, job->code);
	frame_put_u64(&o, F_EXIT_SIGNAL, job->signal);
	frame_put_u64(&o, F_OOM, job->oom);
	frame_put_z(&o, F_TEXT, job->text);
	(void)peer_send(to, &o);
}

/* It is there already: its end comes when it comes. */
static void answer_again(
    struct peer *to, const struct frame *f, struct inst *in)
{
	if (in->pending)
		in->pending->asker = (struct asker){peer_id(to), f->id};
	else if (f->id)
		answer_ok(to, f->id, in->id);
}

static const char *type_of(enum instance_kind kind)
{
	if (kind == KIND_RELEASE)
		return "release";
	if (kind == KIND_CRON)
		return "scheduler";
	return kind == KIND_EXEC ? "exec" : "run";
}

static void add(struct plan *p, struct app *a, struct peer *from,
    struct frame *f, enum instance_kind kind)
{
	struct inst *in =
	    model_add(&p->model, a, plan_new_id(p), kind, INST_WAITING);

	in->release = frame_u64(f, F_RELEASE);
	in->job = frame_u64(f, F_JOB);
	in->num = kind == KIND_CRON ? frame_u64(f, F_CRON) : 0;
	in->of = kind == KIND_EXEC ? frame_u64(f, F_OF) : 0;
	in->most_ms = frame_u64(f, F_MS);
	snprintf(in->ptype, sizeof(in->ptype), "%s", type_of(kind));
	str_copy(frame_str(f, F_SHOWN), in->shown, sizeof(in->shown));
	str_copy(frame_str(f, F_NAME), in->name, sizeof(in->name));
	in->pending = pending_run(f, p->settings);
	in->memory = in->pending->limits.memory;
	str_copy(pending_size(f), in->size, sizeof(in->size));
	in->pending->asker = (struct asker){peer_id(from), f->id};
	plan_touch(p, a);
}

static bool has_job(const struct app *a, uint64_t num)
{
	struct inst *in;

	list_each(in, &a->insts, of_app)
	{
		if (in->kind == KIND_CRON && in->num == num &&
		    in->state != INST_EXITED)
			return true;
	}
	return false;
}

/* May a one-off of this kind be added to a? If not, f is answered. */
static bool may_add(struct plan *p, const struct app *a, struct peer *from,
    const struct frame *f, enum instance_kind kind)
{
	const struct inst *host = model_inst(&p->model, frame_u64(f, F_OF));
	uint64_t most = p->settings->runs_max;

	if (a->gone) {
		refuse(from, f, ERR_NOT_FOUND, "the app is gone");
		return false;
	}
	if (kind == KIND_RELEASE)
		return true;
	if (kind == KIND_CRON && has_job(a, frame_u64(f, F_CRON))) {
		refuse(from, f, ERR_EXISTS, "it still runs from before");
		return false;
	}
	if (count_runs(a) >= most) {
		refuse(from, f, ERR_LIMIT,
		    "%" PRIu64 " one-off processes of this app run already",
		    most);
		return false;
	}
	if (kind == KIND_EXEC &&
	    (!host || host->app != a || host->state != INST_RUNNING ||
	        host->stop != STOP_NO || host->of || inst_is_job(host))) {
		refuse(from, f, ERR_NOT_FOUND,
		    "The process to run it in is starting or ending. See "
		    "`paas ps`.");
		return false;
	}
	return has_memory(p, a, from, f);
}

void on_resize(struct plan *p, struct peer *from, struct frame *f)
{
	struct frame_out o = frame_begin(MSG_RESIZE, 0);

	frame_put_u64(&o, F_INSTANCE, frame_u64(f, F_INSTANCE));
	frame_put_u64(&o, F_ROWS, frame_u64(f, F_ROWS));
	frame_put_u64(&o, F_COLS, frame_u64(f, F_COLS));
	(void)plan_send(p->jail, &o);
}

void on_run(struct plan *p, struct peer *from, struct frame *f)
{
	uint64_t kind = frame_u64(f, F_KIND), job = frame_u64(f, F_JOB);
	const struct past_job *past = past_find(p->past, job);
	struct inst *in = model_job(&p->model, job);
	struct app *a;

	if ((kind != KIND_RUN && kind != KIND_RELEASE && kind != KIND_EXEC &&
	        kind != KIND_CRON) ||
	    job == 0) {
		refuse(from, f, ERR_INVALID,
		    "no one-off of kind %" PRIu64 " and job %" PRIu64, kind,
		    job);
	} else if (past) {
		answer_past(from, f, past);
	} else if (in && in->kind == kind) {
		answer_again(from, f, in);
	} else if (in) {
		refuse(from, f, ERR_EXISTS, "this job is another one");
	} else if (p->down) {
		refuse(from, f, ERR_UNAVAILABLE, "the platform is stopping");
	} else if ((a = plan_app(p, from, f)) != NULL &&
	           may_add(p, a, from, f, (enum instance_kind)kind)) {
		add(p, a, from, f, (enum instance_kind)kind);
	}
}
