#include "loop.h"

#include <inttypes.h>

#include "act.h"
#include "apply.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "nets.h"
#include "oneoff.h"
#include "past.h"
#include "store.h"
#include "tell.h"
#include "works.h"

#define ROUNDS_MAX 1000 /* of step for one app: more is a bug */
#define ROUNDS_PAUSE_MS 1000

static void timer_fired(struct ev_timer *t);

void plan_init(struct plan *p, struct ev *ev, const struct settings *settings)
{
	*p = (struct plan){.ev = ev, .settings = settings};
	p->timer.fire = timer_fired;
	model_init(&p->model);
	list_init(&p->questions);
	list_init(&p->works);
	p->past = past_new();
	p->lines = lines_new();
	p->nets = nets_new();
	p->first_id = plan_new_id(p);
}

void plan_release(struct plan *p)
{
	size_t pos = 0;
	void *value;

	ev_timer_stop(&p->timer);
	while (map_next(p->model.insts_by_id, &pos, NULL, &value))
		pending_free(take(((struct inst *)value)->pending));
	model_release(&p->model);
	actions_release(&p->actions);
	store_release(p);
	works_release(p);
	past_free(p->past);
	lines_free(p->lines);
	nets_free(p->nets);
}

int plan_send(struct peer *to, struct frame_out *o)
{
	if (to)
		return peer_send(to, o);
	frame_out_release(o);
	return -1;
}

uint64_t plan_new_id(struct plan *p)
{
	uint64_t now = clock_real_us();

	p->last_id = now > p->last_id ? now : p->last_id + 1;
	return p->last_id;
}

/* The world as step sees it. */
static struct step_env world(const struct plan *p)
{
	const struct settings *s = p->settings;

	return (struct step_env){
	    .now_ms = ev_now_ms(p->ev),
	    .real_ms = clock_real_ms(),
	    .random = rand_u64(),
	    .jail = p->jail_known && peer_is_up(p->jail),
	    .router = peer_is_up(p->router),
	    .wants = p->wants_known,
	    .web = p->web && peer_is_up(p->web),
	    .down = p->down,
	    .boot_ms = s->boot_seconds * 1000,
	    .drain_ms = s->drain_seconds * 1000,
	    .stop_ms = s->stop_seconds * 1000,
	    .uptime_ms = s->uptime_seconds * 1000,
	    .memory = s->app_memory_bytes,
	};
}

/* --- one app -------------------------------------------------------------- */

/* Do what step says until it only waits. */
static void settle(struct plan *p, struct app *a)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		struct step_env env = world(p);

		actions_clear(&p->actions);
		a->wake_ms = step_app(a, &env, &p->actions);
		if (p->actions.n == 0)
			return;
		for (size_t i = 0; i < p->actions.n; i++)
			act_do(p, a, &p->actions.v[i], &env);
	}
	log_error("no end to what is to be done app=%" PRIu64, a->id);
	a->wake_ms = ev_now_ms(p->ev) + ROUNDS_PAUSE_MS;
}

/* --- all of them ---------------------------------------------------------- */

static void settle_all(struct plan *p)
{
	uint64_t now = ev_now_ms(p->ev), next = NEVER;
	struct app *a;

	list_each(a, &p->model.apps, all)
	{
		if (a->wake_ms > now)
			continue;
		settle(p, a);
		nets_look(p, a);
		/* Not before the router knows that it has no front. */
		if (p->router_told)
			(void)model_forget_app(&p->model, a);
	}
	list_each(a, &p->model.apps, all)
	{
		if (a->wake_ms < next)
			next = a->wake_ms;
	}
	if (next == NEVER)
		ev_timer_stop(&p->timer);
	else
		ev_timer_set(p->ev, &p->timer, next > now ? next - now : 1);
}

/* Peers that are back get all, once it is known what that is. */
static void tell_all(struct plan *p)
{
	if (!p->jail_known || !p->wants_known)
		return;
	if (!p->router_told && peer_is_up(p->router)) {
		tell_targets(p);
		plan_touch_all(p); /* some may be forgotten now */
	}
	if (!p->web_told && p->web)
		tell_dynos(p);
}

static void look(void *arg)
{
	struct plan *p = arg;

	p->soon = false;
	settle_all(p);
	works_drop_unused(p);
	tell_all(p);
	if (p->down && p->jail_known && model_is_empty(&p->model))
		ev_stop(p->ev);
}

static void look_soon(struct plan *p)
{
	if (!p->soon)
		ev_defer(p->ev, look, p);
	p->soon = true;
}

static void timer_fired(struct ev_timer *t)
{
	look_soon(container_of(t, struct plan, timer));
}

void plan_touch(struct plan *p, struct app *a)
{
	a->wake_ms = 0;
	look_soon(p);
}

void plan_touch_all(struct plan *p)
{
	struct app *a;

	list_each(a, &p->model.apps, all) a->wake_ms = 0;
	look_soon(p);
}

void plan_down(struct plan *p)
{
	log_info("all instances are brought down");
	p->down = true;
	plan_touch_all(p);
}
