#include "model.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "wire/check.h"

/* --- what should run ------------------------------------------------------ */

void want_init(struct want *w)
{
	*w = (struct want){.env = -1};
}

void want_release(struct want *w)
{
	for (size_t i = 0; i < w->ntypes; i++) {
		free(w->types[i].command);
		free(w->types[i].checks);
	}
	free(w->types);
	free(w->layers);
	free(w->volumes);
	fd_close(&w->env);
	want_init(w);
}

const struct want_type *want_type(const struct want *w, const char *ptype)
{
	for (size_t i = 0; w && w->set && i < w->ntypes; i++) {
		if (strcmp(w->types[i].name, ptype) == 0)
			return &w->types[i];
	}
	return NULL;
}

bool want_has(const struct want *w, const char *ptype, uint64_t num)
{
	const struct want_type *t = want_type(w, ptype);

	return t && num >= 1 && num <= t->quantity;
}

static void keep_check(struct want_type *t, struct str text)
{
	size_t len = t->checks ? strlen(t->checks) : 0;

	t->checks = xrealloc(t->checks, len + text.len + 2);
	memcpy(t->checks + len, text.p, text.len);
	memcpy(t->checks + len + text.len, "\f", 2);
}

void want_add_check(struct want_type *t, struct str text)
{
	struct check c;
	uint64_t ms;

	if (check_parse(text, &c, NULL) == -1)
		return;
	if (c.means == CHECK_UPTIME) {
		if (c.uptime_s * 1000 > t->uptime_ms)
			t->uptime_ms = c.uptime_s * 1000;
		return;
	}
	keep_check(t, text);
	ms = (c.grace_s + c.attempts * (c.interval_s + c.timeout_s)) * 1000;
	if (c.type != CHECK_LIVENESS && ms > t->startup_ms)
		t->startup_ms = ms;
}

/* `to` becomes from, which is emptied. */
static void want_replace(struct want *to, struct want *from)
{
	want_release(to);
	*to = *from;
	want_init(from);
}

/* --- apps ----------------------------------------------------------------- */

void model_init(struct model *m)
{
	list_init(&m->apps);
	m->apps_by_id = map_new();
	m->insts_by_id = map_new();
}

static void app_free(struct model *m, struct app *a)
{
	struct inst *in;
	struct crash *c;

	list_each(in, &a->insts, of_app) model_remove(m, in);
	list_each(c, &a->crashes, of_app) free(c);
	app_crons_mark(a);
	app_crons_sweep(a);
	want_release(&a->live);
	want_release(&a->next);
	list_del(&a->all);
	(void)map_del_id(m->apps_by_id, a->id);
	free(a);
}

void model_release(struct model *m)
{
	struct app *a;

	list_each(a, &m->apps, all) app_free(m, a);
	map_free(m->apps_by_id);
	map_free(m->insts_by_id);
}

struct app *model_find_app(const struct model *m, uint64_t id)
{
	return map_get_id(m->apps_by_id, id);
}

struct app *model_app(struct model *m, uint64_t id)
{
	struct app *a = model_find_app(m, id);

	if (a)
		return a;
	a = xcalloc(1, sizeof(*a));
	a->id = id;
	a->front = FRONT_UNTOLD;
	want_init(&a->live);
	want_init(&a->next);
	list_init(&a->insts);
	list_init(&a->crashes);
	list_init(&a->crons);
	list_add(&m->apps, &a->all);
	(void)map_set_id(m->apps_by_id, id, a);
	return a;
}

bool model_forget_app(struct model *m, struct app *a)
{
	if (a->live.set || a->next.set || a->gone || a->front != FRONT_NONE ||
	    !list_empty(&a->insts))
		return false;
	app_free(m, a);
	return true;
}

/* --- instances ------------------------------------------------------------ */

struct inst *model_add(struct model *m, struct app *a, uint64_t id,
    enum instance_kind kind, enum inst_state state)
{
	struct inst *in = xcalloc(1, sizeof(*in));

	in->app = a;
	in->id = id;
	in->kind = kind;
	in->state = state;
	in->target = TARGET_NONE;
	in->told = DYNO_UNTOLD;
	in->endpoint = -1;
	list_add(&a->insts, &in->of_app);
	(void)map_set_id(m->insts_by_id, id, in);
	return in;
}

struct inst *model_inst(const struct model *m, uint64_t id)
{
	return map_get_id(m->insts_by_id, id);
}

void model_remove(struct model *m, struct inst *in)
{
	(void)map_del_id(m->insts_by_id, in->id);
	list_del(&in->of_app);
	free(in);
}

struct inst *model_job(const struct model *m, uint64_t job)
{
	size_t pos = 0;
	void *value;

	while (map_next(m->insts_by_id, &pos, NULL, &value)) {
		struct inst *in = value;

		if (in->job == job && in->kind != KIND_APP)
			return in;
	}
	return NULL;
}

bool model_is_empty(const struct model *m)
{
	return map_len(m->insts_by_id) == 0;
}

bool inst_is_job(const struct inst *in)
{
	return in->kind == KIND_BUILD || in->kind == KIND_EXPORT ||
	       in->kind == KIND_IMPORT;
}

bool inst_is_ending(const struct inst *in)
{
	return in->kind == KIND_APP && in->state != INST_EXITED &&
	       (in->stop != STOP_NO || in->discard);
}

bool inst_is_web(const struct inst *in)
{
	return in->kind == KIND_APP && strcmp(in->ptype, "web") == 0;
}

const struct want_type *inst_type(const struct inst *in)
{
	const struct app *a = in->app;
	const struct want *w =
	    a->next.set && a->next.release == in->release ? &a->next : &a->live;

	if (in->kind != KIND_APP || !w->set || w->release != in->release)
		return NULL;
	return want_type(w, in->ptype);
}

bool inst_has_address(const struct inst *in)
{
	return in->address[0] != '\0' &&
	       (in->state == INST_STARTING || in->state == INST_RUNNING);
}

bool inst_is_found(const struct inst *in)
{
	return in->kind == KIND_APP && in->state == INST_RUNNING &&
	       in->stop == STOP_NO && inst_has_address(in) &&
	       (!inst_is_web(in) || in->target == TARGET_SERVE);
}

/* --- what is wanted of an app --------------------------------------------- */

const struct want *app_wanted(const struct app *a)
{
	bool promoted = a->next.set && a->next.rollout == ROLLOUT_LIVE;

	/* web makes it the live one as soon as it has written it down. */
	if (promoted && !(a->live.set && a->live.release == a->next.release))
		return &a->next;
	return a->live.set ? &a->live : NULL;
}

const struct want *app_candidate(const struct app *a)
{
	return a->next.set && a->next.rollout == ROLLOUT_UNDER_WAY ? &a->next
	                                                           : NULL;
}

const struct crash *app_crash(
    const struct app *a, const char *ptype, uint64_t num)
{
	struct crash *c;

	list_each(c, &a->crashes, of_app)
	{
		if (c->num == num && strcmp(c->ptype, ptype) == 0)
			return c;
	}
	return NULL;
}

/* --- facts from web ------------------------------------------------------- */

/* Nothing of this release may go on, nor stand in for another. */
static void discard(struct app *a, uint64_t release)
{
	struct inst *in;

	list_each(in, &a->insts, of_app)
	{
		if (in->kind == KIND_APP && in->release == release)
			in->discard = true;
	}
}

/* A candidate that is given up, and is not what serves. */
static void give_up(struct app *a)
{
	if (app_candidate(a) &&
	    !(a->live.set && a->live.release == a->next.release))
		discard(a, a->next.release);
}

/* A new size may be what it takes: it is tried at once. */
static void forget_resized(
    struct app *a, const struct want *old, const struct want *new)
{
	struct crash *c;

	list_each(c, &a->crashes, of_app)
	{
		const struct want_type *was = want_type(old, c->ptype),
		                       *is = want_type(new, c->ptype);

		if (!was || !is || strcmp(was->size, is->size) == 0)
			continue;
		list_del(&c->of_app);
		free(c);
	}
}

/* Of places that are in no formation any more. */
static void forget_crashes(struct app *a)
{
	struct crash *c;

	list_each(c, &a->crashes, of_app)
	{
		if (want_has(&a->live, c->ptype, c->num) ||
		    want_has(&a->next, c->ptype, c->num))
			continue;
		list_del(&c->of_app);
		free(c);
	}
}

static void forget_room(struct app *a)
{
	if (a->room.state != ROOM_FIRST)
		a->room.state = ROOM_UNKNOWN;
}

void app_want(
    struct app *a, enum want_slot slot, struct want *from, uint64_t now_ms)
{
	struct want *to = slot == WANT_NEXT ? &a->next : &a->live;

	from->set = true;
	from->rollout = ROLLOUT_UNDER_WAY;
	from->since_ms = now_ms;
	if (slot == WANT_NEXT && to->set) {
		if (to->release == from->release) {
			/* Asked once more: it goes on, or is told its end. */
			from->rollout = to->rollout;
			from->since_ms = to->since_ms;
			memcpy(from->reason, to->reason, sizeof(from->reason));
			memcpy(
			    from->culprit, to->culprit, sizeof(from->culprit));
			from->culprit_instance = to->culprit_instance;
		} else {
			give_up(a);
		}
	}
	if (slot == WANT_NEXT)
		forget_room(a); /* it may be more now */
	a->gone = a->dropped = false;
	if (slot == WANT_LIVE && !to->set && !a->next.set)
		a->resumes = from->freeze_ms > 0;
	if (to->freeze_ms != from->freeze_ms)
		a->front = FRONT_UNTOLD; /* the router is to know */
	forget_resized(a, to, from);
	want_replace(to, from);
	forget_crashes(a);
}

void app_want_drop(struct app *a, enum want_slot slot)
{
	if (slot == WANT_NEXT) {
		give_up(a);
		want_release(&a->next);
	} else {
		want_release(&a->live);
	}
}

void app_quiet(struct app *a)
{
	a->quiet = a->rest == REST_NONE;
}

void app_awake(struct app *a)
{
	a->rest = REST_NONE;
	a->quiet = false;
	a->front = FRONT_UNTOLD; /* to be watched anew */
}

void app_gone(struct app *a)
{
	a->rest = REST_NONE;
	a->resumes = false;
	app_want_drop(a, WANT_NEXT);
	app_want_drop(a, WANT_LIVE);
	a->gone = true;
	a->dropped = false;
}

void app_stop(struct app *a, struct str name)
{
	struct inst *in;
	struct crash *c;

	list_each(in, &a->insts, of_app)
	{
		if (in->state == INST_EXITED || !str_eqz(name, in->name))
			continue;
		if (in->kind == KIND_APP)
			in->replace = true;
		else
			in->discard = true;
	}
	list_each(c, &a->crashes, of_app)
	{
		char place[129];

		snprintf(place, sizeof(place), "%s.%" PRIu64, c->ptype, c->num);
		if (str_eqz(name, place))
			c->not_before_ms = 0;
	}
}

void app_crons_mark(struct app *a)
{
	struct cron_job *job;

	list_each(job, &a->crons, of_app) job->stale = true;
}

struct cron_job *app_cron_find(const struct app *a, uint64_t num)
{
	struct cron_job *job;

	list_each(job, &a->crons, of_app)
	{
		if (job->num == num)
			return job;
	}
	return NULL;
}

void app_cron(struct app *a, uint64_t num, const struct cron *when,
    struct str command, uint64_t last)
{
	struct cron_job *job = app_cron_find(a, num);

	if (!job) {
		job = xcalloc(1, sizeof(*job));
		job->num = num;
		list_add(&a->crons, &job->of_app);
	}
	free(job->command);
	job->command = str_dup(command);
	job->when = *when;
	job->stale = false;
	if (last > job->last)
		job->last = last;
}

void app_crons_sweep(struct app *a)
{
	struct cron_job *job;

	list_each(job, &a->crons, of_app)
	{
		if (!job->stale)
			continue;
		list_del(&job->of_app);
		free(job->command);
		free(job);
	}
}

void model_disown_jobs(struct model *m)
{
	size_t pos = 0;
	void *value;

	while (map_next(m->insts_by_id, &pos, NULL, &value))
		((struct inst *)value)->owned = false;
}

void model_want_mark(struct model *m)
{
	struct app *a;

	list_each(a, &m->apps, all)
	{
		a->live.stale = a->next.stale = true;
		app_crons_mark(a);
	}
}

void model_want_sweep(struct model *m)
{
	struct app *a;

	list_each(a, &m->apps, all)
	{
		if (a->next.set && a->next.stale)
			app_want_drop(a, WANT_NEXT);
		if (a->live.set && a->live.stale)
			app_want_drop(a, WANT_LIVE);
		app_crons_sweep(a);
	}
}

/* --- facts from jail ------------------------------------------------------ */

void inst_exited(struct inst *in, const struct ending *e, uint64_t real_ms)
{
	if (in->state == INST_EXITED)
		return;
	in->state = INST_EXITED;
	in->code = e->code;
	in->signal = e->signal;
	/* One of its processes may have been killed long before this end. */
	in->oom = e->oom && (in->kind != KIND_APP || e->signal == SIGKILL ||
	                        e->code == 128 + SIGKILL);
	in->lost = e->lost;
	in->time_ms = real_ms;
	if (in->text[0] == '\0') /* why we ended it says more */
		str_copy(e->text, in->text, sizeof(in->text));
}

void inst_state(struct inst *in, enum inst_state state, uint64_t now_ms,
    uint64_t real_ms, uint64_t ago_ms)
{
	if (in->state >= state)
		return; /* an exit is final, and states come in order */
	in->state = state;
	in->time_ms = real_ms;
	if (state == INST_RUNNING)
		in->up_ms = now_ms > ago_ms ? now_ms - ago_ms : 1;
	if (in->most_ms && !in->deadline_ms)
		in->deadline_ms = now_ms + in->most_ms -
		                  (ago_ms < in->most_ms ? ago_ms : in->most_ms);
}

void model_jail_mark(struct model *m)
{
	struct app *a;
	size_t pos = 0;
	void *value;

	list_each(a, &m->apps, all)
	{
		a->dropped = false;
		forget_room(a);
	}
	while (map_next(m->insts_by_id, &pos, NULL, &value)) {
		struct inst *in = value;

		in->stale = in->state != INST_WAITING;
	}
}

static void inst_sweep(struct inst *in, uint64_t real_ms)
{
	static const struct ending gone = {.signal = SIGKILL, .lost = true};
	bool stale = in->stale;

	in->stale = false;
	if (in->state == INST_EXITED)
		return;
	if (stale && in->state == INST_ASKED && in->pending) {
		in->state = INST_WAITING;
	} else if (stale) {
		/* It never was: one of the formation is simply asked for
		 * again, and no candidate has failed by it. */
		in->exit_seen = in->state == INST_ASKED;
		in->discard |= in->state < INST_RUNNING;
		inst_exited(in, &gone, real_ms);
	} else if (in->stop == STOP_TERM) {
		in->stop = STOP_DRAIN;
		in->drained = true;
	} else if (in->stop == STOP_KILL) {
		in->stop = STOP_TERM;
		in->stop_ms = 0;
	}
}

void model_jail_sweep(struct model *m, uint64_t real_ms)
{
	size_t pos = 0;
	void *value;

	while (map_next(m->insts_by_id, &pos, NULL, &value))
		inst_sweep(value, real_ms);
}

/* --- facts from the router ------------------------------------------------ */

void model_router_lost(struct model *m, uint64_t now_ms)
{
	size_t pos = 0;
	void *value;

	while (map_next(m->insts_by_id, &pos, NULL, &value)) {
		struct inst *in = value;

		in->acked = false;
		in->ack_id = 0;
		in->check_ms = now_ms;
	}
}
