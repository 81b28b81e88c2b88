#include "tell.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define LINE_MAX_BYTES 4096 /* a command is cut there */

/* --- router --------------------------------------------------------------- */

static void put_checks(const struct inst *in, struct frame_out *o)
{
	const struct want_type *t = inst_type(in);
	struct str rest = str_z(t ? t->checks : NULL), check;

	while (rest.len && str_split(&rest, '\f', &check))
		if (check.len)
			frame_put(o, F_CHECK, check);
}

static void send_target(struct plan *p, struct inst *in, int state)
{
	struct frame_out o;

	in->ack_id = peer_next_id(p->router);
	o = frame_begin(MSG_TARGET, in->ack_id);
	frame_put_u64(&o, F_INSTANCE, in->id);
	frame_put_u64(&o, F_APP, in->app->id);
	frame_put_u64(&o, F_PORT, in->port);
	frame_put_u64(&o, F_STATE, (uint64_t)state);
	frame_put_z(&o, F_NAME, in->name);
	put_checks(in, &o);
	(void)plan_send(p->router, &o);
}

void tell_target(struct plan *p, struct inst *in, int state)
{
	if (p->router_told)
		send_target(p, in, state);
}

void tell_target_drop(struct plan *p, const struct inst *in)
{
	struct frame_out o;

	if (!p->router_told)
		return;
	o = frame_begin(MSG_TARGET_DROP, 0);
	frame_put_u64(&o, F_INSTANCE, in->id);
	(void)plan_send(p->router, &o);
}

static void send_front(struct plan *p, const struct app *a, int front)
{
	struct frame_out o = frame_begin(MSG_TARGET_APP, 0);
	const struct want *w = app_wanted(a);

	frame_put_u64(&o, F_APP, a->id);
	if (w && w->freeze_ms && front == FRONT_HOLD)
		frame_put_u64(&o, F_FREEZE_MS, w->freeze_ms);
	frame_put_u64(&o, F_STATE, (uint64_t)front);
	(void)plan_send(p->router, &o);
}

void tell_front(struct plan *p, const struct app *a, int front)
{
	if (p->router_told)
		send_front(p, a, front);
}

static void send_plain(struct peer *to, uint16_t type)
{
	struct frame_out o = frame_begin(type, 0);

	(void)plan_send(to, &o);
}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = (*(struct inst *const *)a)->id,
	         y = (*(struct inst *const *)b)->id;

	return x < y ? 1 : -1;
}

/*
 * The newest come first: their checks are answered first, so that of two in
 * one place the one that is to serve is known before the one that stood in.
 */
void tell_targets(struct plan *p)
{
	scoped_free struct inst **v =
	    xcalloc(map_len(p->model.insts_by_id) + 1, sizeof(*v));
	size_t n = 0, pos = 0;
	struct app *a;
	void *value;

	while (map_next(p->model.insts_by_id, &pos, NULL, &value)) {
		if (((struct inst *)value)->target != TARGET_NONE)
			v[n++] = value;
	}
	qsort(v, n, sizeof(*v), newest_first);
	send_plain(p->router, MSG_TARGETS_BEGIN);
	list_each(a, &p->model.apps, all)
	{
		if (a->front != FRONT_UNTOLD)
			send_front(p, a, a->front);
	}
	for (size_t i = 0; i < n; i++)
		send_target(p, v[i], v[i]->target);
	send_plain(p->router, MSG_TARGETS_END);
	p->router_told = true;
	log_info("router told targets=%zu", n);
}

/* --- web ------------------------------------------------------------------ */

/* One that crashed waits for its next try. */
static void put_retry(
    const struct plan *p, const struct inst *in, struct frame_out *o)
{
	const struct crash *c = app_crash(in->app, in->ptype, in->num);
	uint64_t now = ev_now_ms(p->ev);

	if (in->told == DYNO_CRASHED && c && c->release == in->release &&
	    c->generation == in->generation && c->not_before_ms > now)
		frame_put_u64(
		    o, F_RETRY, clock_real_ms() + c->not_before_ms - now);
}

static void send_dyno(struct plan *p, const struct inst *in)
{
	struct frame_out o = frame_begin(MSG_DYNO, 0);

	frame_put_u64(&o, F_INSTANCE, in->id);
	frame_put_u64(&o, F_APP, in->app->id);
	frame_put_u64(&o, F_KIND, in->kind);
	frame_put_u64(&o, F_RELEASE, in->release);
	frame_put_z(&o, F_NAME, in->name);
	frame_put_z(&o, F_PTYPE, in->ptype);
	frame_put_u64(&o, F_STATE, (uint64_t)in->told);
	frame_put_u64(&o, F_TIME, in->time_ms);
	if (in->size[0])
		frame_put_z(&o, F_SIZE, in->size);
	if (in->shown[0] != '\0')
		frame_put_z(&o, F_SHOWN, in->shown);
	put_retry(p, in, &o);
	(void)plan_send(p->web, &o);
}

void tell_dyno(struct plan *p, const struct inst *in)
{
	if (p->web_told)
		send_dyno(p, in);
}

void tell_dyno_gone(struct plan *p, const struct inst *in)
{
	struct frame_out o;

	if (!p->web_told || in->told == DYNO_UNTOLD)
		return;
	o = frame_begin(MSG_DYNO_GONE, 0);
	frame_put_u64(&o, F_INSTANCE, in->id);
	frame_put_u64(&o, F_APP, in->app->id);
	(void)plan_send(p->web, &o);
}

static void send_rest(struct plan *p, const struct app *a, int rest)
{
	struct frame_out o = frame_begin(MSG_APP_REST, 0);

	frame_put_u64(&o, F_APP, a->id);
	frame_put_u64(&o, F_STATE, (uint64_t)rest);
	(void)plan_send(p->web, &o);
}

void tell_rest(struct plan *p, const struct app *a, int rest)
{
	if (p->web_told)
		send_rest(p, a, rest);
}

void tell_dynos(struct plan *p)
{
	size_t pos = 0;
	struct app *a;
	void *value;

	send_plain(p->web, MSG_DYNOS_BEGIN);
	while (map_next(p->model.insts_by_id, &pos, NULL, &value)) {
		if (((struct inst *)value)->told != DYNO_UNTOLD)
			send_dyno(p, value);
	}
	list_each(a, &p->model.apps, all)
	{
		if (a->rest != REST_NONE)
			send_rest(p, a, a->rest);
	}
	send_plain(p->web, MSG_DYNOS_END);
	p->web_told = true;
}

/* --- logd ----------------------------------------------------------------- */

struct line {
	struct list of_lines;
	uint64_t app;
	char *dyno, *text;
};

struct lines {
	struct list waiting; /* the oldest first */
	size_t n;
};

struct lines *lines_new(void)
{
	struct lines *l = xcalloc(1, sizeof(*l));

	list_init(&l->waiting);
	return l;
}

static void line_free(struct line *l)
{
	list_del(&l->of_lines);
	free(l->dyno);
	free(l->text);
	free(l);
}

void lines_free(struct lines *lines)
{
	struct line *l;

	list_each(l, &lines->waiting, of_lines) line_free(l);
	free(lines);
}

static void keep(
    struct plan *p, uint64_t app, const char *dyno, const char *text)
{
	struct lines *lines = p->lines;
	struct line *l = xcalloc(1, sizeof(*l));

	l->app = app;
	l->dyno = xstrdup(dyno);
	l->text = xstrdup(text);
	list_add(&lines->waiting, &l->of_lines);
	if (++lines->n <= LINES_MAX)
		return;
	line_free(container_of(lines->waiting.next, struct line, of_lines));
	lines->n--;
}

static int send_line(
    struct plan *p, uint64_t app, const char *dyno, const char *text)
{
	struct frame_out o = frame_begin(MSG_LOG_WRITE, 0);

	frame_put_u64(&o, F_APP, app);
	frame_put_z(&o, F_SOURCE, "heroku");
	frame_put_z(&o, F_PROC, dyno);
	frame_put_z(&o, F_TEXT, text);
	return plan_send(p->logd, &o);
}

void tell_line(
    struct plan *p, const struct app *a, const char *dyno, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (send_line(p, a->id, dyno, text) == -1)
		keep(p, a->id, dyno, text);
}

void tell_memory(
    struct plan *p, const struct inst *in, uint64_t used, uint64_t limit)
{
	uint64_t tenths = limit >= 1000 ? used / (limit / 1000) : 0;

	tell_line(p, in->app, in->name,
	    "Process running mem=%" PRIu64 "M(%" PRIu64 ".%" PRIu64 "%%)",
	    used >> 20, tenths / 10, tenths % 10);
}

void tell_oom(struct plan *p, const struct inst *in)
{
	tell_line(p, in->app, in->name,
	    "Error R15 (Memory quota vastly exceeded): size %s has %" PRIu64
	    "M; paas ps:type --app %s changes it",
	    in->size[0] ? in->size : "of the process", in->memory >> 20,
	    in->app->name);
}

void tell_lines(struct plan *p)
{
	struct line *l;

	list_each(l, &p->lines->waiting, of_lines)
	{
		if (send_line(p, l->app, l->dyno, l->text) == -1)
			return;
		line_free(l);
		p->lines->n--;
	}
}
