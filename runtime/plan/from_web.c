/* What web wants to run. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "handlers.h"
#include "oneoff.h"
#include "tell.h"

#define TYPES_MAX 256 /* process types of a release */

void refuse(struct peer *to, const struct frame *f, enum errc code,
    const char *fmt, ...)
{
	struct error err = {0};
	char text[sizeof(err.msg)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)error_set(&err, code, "%s", text);
	log_warn("frame refused type=%s app=%" PRIu64 ": %s", msg_name(f->type),
	    frame_u64(f, F_APP), err.msg);
	if (f->id)
		(void)peer_send_error(to, f->id, &err);
}

struct app *plan_app(struct plan *p, struct peer *from, const struct frame *f)
{
	uint64_t id = frame_u64(f, F_APP);
	struct app *a = model_find_app(&p->model, id);

	/* As many again may be on their way out. */
	if (!a && map_len(p->model.apps_by_id) >= 2 * p->settings->apps_max) {
		refuse(from, f, ERR_LIMIT, "more than %" PRIu64 " apps",
		    p->settings->apps_max);
		return NULL;
	}
	return a ? a : model_app(&p->model, id);
}

static bool has_slot(struct peer *from, const struct frame *f)
{
	if (frame_u64(f, F_SLOT) <= WANT_NEXT)
		return true;
	refuse(from, f, ERR_INVALID, "no slot %" PRIu64, frame_u64(f, F_SLOT));
	return false;
}

static struct want_type *add_type(struct want *w, struct str name)
{
	struct want_type *t;

	w->types = xrealloc(w->types, (w->ntypes + 1) * sizeof(*w->types));
	t = &w->types[w->ntypes++];
	*t = (struct want_type){0};
	str_copy(name, t->name, sizeof(t->name));
	return t;
}

/* Groups of F_PTYPE F_QUANTITY F_SIZE, and F_COMMAND where web says it. */
static void read_types(struct plan *p, const struct frame *f, struct want *w)
{
	uint64_t most = p->settings->instances_max;
	struct want_type *t = NULL;
	struct size_limits limits;
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_PTYPE) {
			if (w->ntypes == TYPES_MAX)
				return;
			t = add_type(w, value);
		} else if (tag == F_QUANTITY && t) {
			t->quantity = frame_number(value);
			if (t->quantity > most)
				t->quantity = most;
		} else if (tag == F_SIZE && t) {
			str_copy(value, t->size, sizeof(t->size));
			size_limits(p->settings, value, &limits);
			t->memory = limits.memory;
		} else if (tag == F_COMMAND && t && !t->command) {
			t->command = str_dup(value);
		} else if (tag == F_CHECK && t) {
			want_add_check(t, value);
		}
	}
}

void on_want(struct plan *p, struct peer *from, struct frame *f)
{
	struct app *a = plan_app(p, from, f);
	struct want w;

	if (!a || !has_slot(from, f))
		return;
	want_init(&w);
	w.release = frame_u64(f, F_RELEASE);
	w.generation = frame_u64(f, F_GENERATION);
	w.freeze_ms = frame_u64(f, F_FREEZE_MS);
	w.stop_ms = frame_u64(f, F_STOP_MS);
	str_copy(frame_str(f, F_IMAGE), w.image, sizeof(w.image));
	w.layers = layers_copy(f);
	w.volumes = volumes_copy(f);
	w.exclusive = frame_u64(f, F_EXCLUSIVE) == 1;
	w.env = frame_take_fd(f, 0);
	read_types(p, f, &w);
	str_copy(frame_str(f, F_APP_NAME), a->name, sizeof(a->name));
	app_want(a, (enum want_slot)frame_u64(f, F_SLOT), &w, ev_now_ms(p->ev));
	plan_touch(p, a);
}

void on_want_begin(struct plan *p, struct peer *from, struct frame *f)
{
	model_want_mark(&p->model);
}

void on_want_end(struct plan *p, struct peer *from, struct frame *f)
{
	model_want_sweep(&p->model);
	p->wants_known = true;
	plan_touch_all(p);
}

void on_want_drop(struct plan *p, struct peer *from, struct frame *f)
{
	struct app *a = model_find_app(&p->model, frame_u64(f, F_APP));

	if (!a || !has_slot(from, f))
		return;
	app_want_drop(a, (enum want_slot)frame_u64(f, F_SLOT));
	plan_touch(p, a);
}

void on_want_gone(struct plan *p, struct peer *from, struct frame *f)
{
	struct app *a = plan_app(p, from, f);

	if (!a)
		return;
	if (a->rest != REST_NONE)
		tell_rest(p, a, REST_NONE);
	if (!a->gone)
		app_gone(a);
	a->gone_peer = peer_id(from);
	a->gone_id = f->id;
	plan_touch(p, a);
}

void on_instance_stop(struct plan *p, struct peer *from, struct frame *f)
{
	struct app *a = model_find_app(&p->model, frame_u64(f, F_APP));

	if (!a)
		return;
	app_stop(a, frame_str(f, F_NAME));
	plan_touch(p, a);
}

struct cron_group {
	uint64_t num, last;
	struct str schedule, command;
};

/* One group; what web checked before is taken as it is. */
static void add_cron(struct app *a, const struct cron_group *g)
{
	struct error err = {0};
	struct cron when;

	if (!g->num)
		return;
	if (cron_parse(g->schedule, &when, &err) == -1)
		log_warn(
		    "schedule skipped app=%" PRIu64 ": %s", a->id, err.msg);
	else
		app_cron(a, g->num, &when, g->command, g->last);
}

void on_crons(struct plan *p, struct peer *from, struct frame *f)
{
	struct app *a = plan_app(p, from, f);
	struct cron_group g = {0};
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	if (!a)
		return;
	app_crons_mark(a);
	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_CRON) {
			add_cron(a, &g);
			g = (struct cron_group){.num = frame_number(value)};
		} else if (tag == F_SCHEDULE) {
			g.schedule = value;
		} else if (tag == F_COMMAND) {
			g.command = value;
		} else if (tag == F_LAST) {
			g.last = frame_number(value);
		}
	}
	add_cron(a, &g);
	app_crons_sweep(a);
	plan_touch(p, a);
}
