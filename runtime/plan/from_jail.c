/* What runs, as jail sees it. */
#include <inttypes.h>

#include "act.h"
#include "base/clock.h"
#include "base/log.h"
#include "handlers.h"
#include "nets.h"
#include "store.h"
#include "tell.h"
#include "works.h"

#define ERROR_CODE 125 /* of what could not be started, as OCI runtimes do */

/* --- labels --------------------------------------------------------------- */

static struct inst *adopt(struct plan *p, const struct frame *f)
{
	struct app *a = model_app(&p->model, frame_u64(f, F_APP));
	struct inst *in = model_add(&p->model, a, frame_u64(f, F_INSTANCE),
	    (enum instance_kind)frame_u64(f, F_KIND), INST_ASKED);
	struct size_limits limits;

	in->release = frame_u64(f, F_RELEASE);
	in->generation = frame_u64(f, F_GENERATION);
	in->num = frame_u64(f, F_NUM);
	in->job = frame_u64(f, F_JOB);
	in->work = frame_u64(f, F_WORK);
	in->port = frame_u64(f, F_PORT);
	in->of = frame_u64(f, F_OF);
	in->most_ms = frame_u64(f, F_MS);
	str_copy(frame_str(f, F_PTYPE), in->ptype, sizeof(in->ptype));
	str_copy(frame_str(f, F_NAME), in->name, sizeof(in->name));
	str_copy(frame_str(f, F_SIZE), in->size, sizeof(in->size));
	if (in->size[0]) {
		size_limits(p->settings, str_z(in->size), &limits);
		in->memory = limits.memory;
	}
	str_copy(frame_str(f, F_SHOWN), in->shown, sizeof(in->shown));
	in->adopted = frame_u64(f, F_STATE) == INSTANCE_RUNNING;
	in->adopted_cron = in->kind == KIND_CRON;
	in->asked_ms = ev_now_ms(p->ev);
	if (in->id > p->last_id)
		p->last_id = in->id;
	if (inst_is_job(in))
		works_add(p, in->work, true);
	log_info("instance found app=%" PRIu64 " instance=%" PRIu64
	         " name=%s state=%" PRIu64,
	    a->id, in->id, in->name, frame_u64(f, F_STATE));
	return in;
}

static void send_remove(struct plan *p, uint64_t id)
{
	struct frame_out o = frame_begin(MSG_INSTANCE_REMOVE, 0);

	frame_put_u64(&o, F_INSTANCE, id);
	(void)plan_send(p->jail, &o);
}

/* NULL: one that was removed, which jail has not heard. */
static struct inst *find(struct plan *p, const struct frame *f)
{
	uint64_t id = frame_u64(f, F_INSTANCE);
	struct inst *in = model_inst(&p->model, id);

	if (in)
		return in;
	if (id >= p->first_id && id <= p->last_id &&
	    frame_u64(f, F_STATE) == INSTANCE_EXITED) {
		send_remove(p, id);
		return NULL;
	}
	return adopt(p, f);
}

/* --- states --------------------------------------------------------------- */

static void has_ended(struct plan *p, struct inst *in, const struct frame *f)
{
	struct ending e = {.code = frame_u64(f, F_EXIT_CODE),
	    .signal = frame_u64(f, F_EXIT_SIGNAL),
	    .oom = frame_u64(f, F_OOM) != 0,
	    .text = frame_str(f, F_TEXT)};

	if (frame_u64(f, F_UNBORN) && in->pending && !in->discard) {
		/* Its order is still here: once more. */
		send_remove(p, in->id);
		in->state = INST_WAITING;
		in->stale = false;
		return;
	}
	/* jail was gone half-way through its start: no fault of the app. */
	if (frame_u64(f, F_UNBORN))
		in->discard = true;
	if (!p->jail_known && in->id >= p->first_id && in->kind == KIND_APP &&
	    in->state < INST_RUNNING)
		in->discard = true;
	inst_exited(in, &e, frame_u64(f, F_TIME));
}

static void now_is(struct plan *p, struct inst *in, const struct frame *f)
{
	uint64_t real = clock_real_ms(), time = frame_u64(f, F_TIME),
	         state = frame_u64(f, F_STATE);

	if (state == INSTANCE_EXITED) {
		has_ended(p, in, f);
		return;
	}
	inst_state(in, state == INSTANCE_RUNNING ? INST_RUNNING : INST_STARTING,
	    ev_now_ms(p->ev), time, real > time ? real - time : 0);
	if (state == INSTANCE_RUNNING && in->pending)
		act_started(p, in);
}

void on_instance_state(struct plan *p, struct peer *from, struct frame *f)
{
	struct inst *in;

	if (frame_u64(f, F_STATE) > INSTANCE_EXITED ||
	    frame_u64(f, F_KIND) >= KIND_N) {
		refuse(from, f, ERR_INVALID, "a state or kind out of range");
		return;
	}
	in = find(p, f);
	if (!in)
		return;
	in->stale = false;
	in->frozen = frame_u64(f, F_FROZEN) == 1;
	str_copy(frame_str(f, F_ADDRESS), in->address, sizeof(in->address));
	now_is(p, in, f);
	plan_touch(p, in->app);
}

void on_instance_memory(struct plan *p, struct peer *from, struct frame *f)
{
	struct inst *in = model_inst(&p->model, frame_u64(f, F_INSTANCE));

	if (!in || in->state == INST_EXITED)
		return;
	tell_memory(p, in, frame_u64(f, F_BYTES), frame_u64(f, F_MEMORY));
	if (frame_u64(f, F_OOM)) {
		in->oom_told = true;
		tell_oom(p, in);
	} else {
		tell_line(
		    p, in->app, in->name, "Error R14 (Memory quota exceeded)");
	}
}

void on_instance_ports(struct plan *p, struct peer *from, struct frame *f)
{
	struct inst *in = model_inst(&p->model, frame_u64(f, F_INSTANCE));
	struct listens l = {0};
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	if (!in)
		return;
	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_PORT && l.n < LISTENS_MAX)
			l.of[l.n++].port = frame_number(value);
		else if (tag == F_OP && l.n &&
		         frame_number(value) < LISTENS_WHERE_N)
			l.of[l.n - 1].where =
			    (enum listens_where)frame_number(value);
	}
	in->seen = true;
	in->listens = l;
	plan_touch(p, in->app);
}

void on_room(struct plan *p, struct peer *from, struct frame *f)
{
	struct app *a = model_find_app(&p->model, frame_u64(f, F_APP));
	struct inst *in = NULL;
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	if (!a)
		return;
	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_INSTANCE)
			in = model_inst(&p->model, frame_number(value));
		else if (tag == F_USED && in && in->app == a)
			in->used = frame_number(value);
	}
	app_room(&p->model, a, frame_u64(f, F_FREE));
	plan_touch(p, a);
}

void on_states_begin(struct plan *p, struct peer *from, struct frame *f)
{
	p->jail_known = false;
	model_jail_mark(&p->model);
}

void on_states_end(struct plan *p, struct peer *from, struct frame *f)
{
	model_jail_sweep(&p->model, clock_real_ms());
	p->jail_known = true;
	log_info("jail has told what runs instances=%zu",
	    map_len(p->model.insts_by_id));
	if (peer_is_up(p->names))
		nets_tell_names(p);
	plan_touch_all(p);
}

/* --- answers -------------------------------------------------------------- */

static struct inst *started_by(const struct plan *p, uint32_t id)
{
	size_t pos = 0;
	void *value;

	while (map_next(p->model.insts_by_id, &pos, NULL, &value)) {
		struct inst *in = value;

		if (in->start_id == id && in->state == INST_ASKED)
			return in;
	}
	return NULL;
}

/* It can't be frozen now. */
static void not_frozen(struct plan *p, uint32_t id)
{
	size_t pos = 0;
	void *value;

	while (map_next(p->model.insts_by_id, &pos, NULL, &value)) {
		struct inst *in = value;

		if (in->freeze_id != id)
			continue;
		in->frozen = false;
		wake(p, in->app);
		return;
	}
}

static struct app *dropped_by(const struct plan *p, uint32_t id)
{
	struct app *a;

	list_each(a, &p->model.apps, all)
	{
		if (a->gone && a->dropped && a->drop_id == id)
			return a;
	}
	return NULL;
}

static void not_started(struct inst *in, const struct error *err)
{
	struct ending e = {.code = ERROR_CODE, .text = str_z(err->msg)};

	inst_exited(in, &e, clock_real_ms());
}

void jail_answered(struct plan *p, const struct frame *f)
{
	struct error err = {0};
	struct inst *in;
	struct app *a;

	if (!f->id || store_answer(p, f) || nets_answer(p, f))
		return;
	a = dropped_by(p, f->id);
	if (f->type == MSG_ERROR) {
		frame_error(f, &err);
		log_warn(
		    "jail refused app=%" PRIu64 ": %s", a ? a->id : 0, err.msg);
		in = started_by(p, f->id);
		if (in) {
			not_started(in, &err);
			plan_touch(p, in->app);
		}
		not_frozen(p, f->id);
	}
	if (a) /* what jail could not remove does not hold up web */
		act_gone_done(p, a);
}
