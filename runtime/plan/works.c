#include "works.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"

struct work {
	struct list of_plan;
	uint64_t id;
	bool orphan;
};

static struct work *find(struct plan *p, uint64_t id)
{
	struct work *w;

	list_each(w, &p->works, of_plan)
	{
		if (w->id == id)
			return w;
	}
	return NULL;
}

static void work_free(struct work *w)
{
	list_del(&w->of_plan);
	free(w);
}

void works_add(struct plan *p, uint64_t id, bool orphan)
{
	struct work *w = find(p, id);

	if (!w) {
		w = xcalloc(1, sizeof(*w));
		w->id = id;
		list_add(&p->works, &w->of_plan);
	}
	w->orphan = orphan;
}

void works_dropped(struct plan *p, uint64_t id)
{
	struct work *w = find(p, id);

	if (w)
		work_free(w);
}

void works_builder_gone(struct plan *p)
{
	struct work *w;

	list_each(w, &p->works, of_plan) w->orphan = true;
}

static bool is_used(const struct plan *p, uint64_t work)
{
	size_t pos = 0;
	void *value;

	while (map_next(p->model.insts_by_id, &pos, NULL, &value)) {
		const struct inst *in = value;

		if (inst_is_job(in) && in->work == work)
			return true;
	}
	return false;
}

void works_drop_unused(struct plan *p)
{
	struct work *w;

	if (!p->jail_known || !peer_is_up(p->jail))
		return;
	list_each(w, &p->works, of_plan)
	{
		struct frame_out o;

		if (!w->orphan || is_used(p, w->id))
			continue;
		log_info("work dropped, its builder is gone work=%016" PRIx64,
		    w->id);
		o = frame_begin(MSG_WORK_DROP, 0);
		frame_put_u64(&o, F_WORK, w->id);
		(void)plan_send(p->jail, &o);
		work_free(w);
	}
}

void works_release(struct plan *p)
{
	struct work *w;

	list_each(w, &p->works, of_plan) work_free(w);
}
