/* How the instances that take requests are, as the router sees them. */
#include <inttypes.h>

#include "base/log.h"
#include "handlers.h"
#include "tell.h"

void on_target_health(struct plan *p, struct peer *from, struct frame *f)
{
	struct inst *in = model_inst(&p->model, frame_u64(f, F_INSTANCE));
	uint64_t status = frame_u64(f, F_STATUS);

	if (!in || in->target == TARGET_NONE)
		return;
	in->checked = true;
	in->status = status < 1000 ? (unsigned)status : 0;
	plan_touch(p, in->app);
}

void on_target_failed(struct plan *p, struct peer *from, struct frame *f)
{
	struct inst *in = model_inst(&p->model, frame_u64(f, F_INSTANCE));

	if (!in || in->target == TARGET_NONE || in->target == TARGET_DRAIN)
		return;
	str_copy(frame_str(f, F_TEXT), in->unhealthy, sizeof(in->unhealthy));
	plan_touch(p, in->app);
}

void on_target_drained(struct plan *p, struct peer *from, struct frame *f)
{
	struct inst *in = model_inst(&p->model, frame_u64(f, F_INSTANCE));

	if (!in || in->target != TARGET_DRAIN)
		return;
	in->drained = true;
	plan_touch(p, in->app);
}

void on_app_quiet(struct plan *p, struct peer *from, struct frame *f)
{
	struct app *a = model_find_app(&p->model, frame_u64(f, F_APP));

	if (!a)
		return;
	app_quiet(a);
	plan_touch(p, a);
}

void wake(struct plan *p, struct app *a)
{
	app_awake(a);
	tell_rest(p, a, REST_NONE);
	plan_touch(p, a);
}

void on_app_called(struct plan *p, struct peer *from, struct frame *f)
{
	struct app *a = model_find_app(&p->model, frame_u64(f, F_APP));

	if (!a)
		return;
	wake(p, a);
}

static struct inst *told_by(const struct plan *p, uint32_t id)
{
	size_t pos = 0;
	void *value;

	while (map_next(p->model.insts_by_id, &pos, NULL, &value)) {
		struct inst *in = value;

		if (in->ack_id == id && in->target != TARGET_NONE)
			return in;
	}
	return NULL;
}

void router_answered(struct plan *p, const struct frame *f)
{
	struct inst *in = f->id ? told_by(p, f->id) : NULL;
	struct error err = {0};

	if (f->type == MSG_ERROR) {
		frame_error(f, &err);
		log_warn("the router refused instance=%" PRIu64 ": %s",
		    in ? in->id : 0, err.msg);
		if (in && in->target == TARGET_SLEEP)
			wake(p, in->app);
	} else if (in) {
		in->acked = true;
		plan_touch(p, in->app);
	}
}
