#include "fleet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "exchange.h"
#include "probe.h"
#include "router.h"
#include "watch.h"

#define RETRY_MS 50 /* waiting requests look again at least this often */

static const char *const states[] = {[TARGET_CHECK] = "check",
    [TARGET_SERVE] = "serve",
    [TARGET_DRAIN] = "drain",
    [TARGET_SLEEP] = "sleep"};

/* --- apps ----------------------------------------------------------------- */

static void retry_fire(struct ev_timer *t)
{
	app_dispatch(container_of(t, struct app, retry));
}

static bool app_is_busy(const struct app *a)
{
	struct target *t;

	list_each(t, &a->targets, of_app)
	{
		if (t->active > 0)
			return true;
	}
	return a->nwaiting > 0;
}

static void quiet_fire(struct ev_timer *t)
{
	struct app *a = container_of(t, struct app, quiet);
	uint64_t now = ev_now_ms(a->router->ev), at;

	if (app_is_busy(a))
		a->last_ms = now;
	at = a->last_ms + a->freeze_ms;
	if (at > now)
		ev_timer_set(a->router->ev, t, at - now);
	else
		control_quiet(a->router, a->id);
}

struct app *app_new(struct router *r, uint64_t id)
{
	struct app *a = xcalloc(1, sizeof(*a));

	a->router = r;
	a->id = id;
	a->retry.fire = retry_fire;
	a->quiet.fire = quiet_fire;
	list_init(&a->targets);
	list_init(&a->waiting);
	return a;
}

struct app *app_ref(struct app *a)
{
	a->refs++;
	return a;
}

static void app_free(struct app *a)
{
	ev_timer_stop(&a->retry);
	ev_timer_stop(&a->quiet);
	free(a->serving);
	free(a);
}

void app_unref(struct app *a)
{
	struct fleet *f;

	if (!a || --a->refs > 0 || a->front != FRONT_NONE)
		return;
	f = &a->router->fleet;
	if (map_get_id(f->apps, a->id) == a)
		map_del_id(f->apps, a->id);
	app_free(a);
}

struct app *fleet_app(struct router *r, uint64_t id)
{
	struct app *a = map_get_id(r->fleet.apps, id);

	if (!a) {
		a = app_new(r, id);
		map_set_id(r->fleet.apps, id, a);
	}
	return a;
}

static void watch(struct app *a, uint64_t freeze_ms)
{
	a->freeze_ms = freeze_ms;
	a->last_ms = ev_now_ms(a->router->ev);
	if (freeze_ms)
		ev_timer_set(a->router->ev, &a->quiet, freeze_ms);
	else
		ev_timer_stop(&a->quiet);
}

void app_call(struct app *a)
{
	if (a->front != FRONT_ASLEEP || a->called)
		return;
	a->called = true;
	control_called(a->router, a->id);
}

void fleet_front(struct app *a, enum app_front front, uint64_t freeze_ms)
{
	app_ref(a);
	a->front = front;
	a->called = false;
	watch(a, freeze_ms);
	if (a->nwaiting > 0)
		app_call(a);
	app_dispatch(a);
	app_unref(a);
}

void app_dispatch(struct app *a)
{
	if (a->dispatching)
		return;
	a->dispatching = true;
	app_ref(a);
	while (!list_empty(&a->waiting)) {
		struct exchange *x =
		    container_of(a->waiting.next, struct exchange, wait);
		struct client *c = x->client;

		if (!exchange_place(x))
			break;
		client_pump(c);
	}
	a->dispatching = false;
	if (!list_empty(&a->waiting) && a->retry.at_ms == 0)
		ev_timer_set(a->router->ev, &a->retry, RETRY_MS);
	app_unref(a);
}

/* --- targets -------------------------------------------------------------- */

static struct target *target_new(struct app *a, uint64_t id, struct str name)
{
	struct target *t = xcalloc(1, sizeof(*t));
	size_t len =
	    name.len < sizeof(t->name) ? name.len : sizeof(t->name) - 1;

	t->app = app_ref(a);
	t->id = id;
	memcpy(t->name, name.p, len);
	list_init(&t->idle);
	list_add(&a->targets, &t->of_app);
	return t;
}

static void target_free(struct target *t)
{
	struct app *a = t->app;

	list_del(&t->of_app);
	free(t);
	app_unref(a);
}

static void check_drained(struct target *t)
{
	if (t->state == TARGET_DRAIN && t->active == 0 && !t->gone)
		control_drained(t->app->router, t->id);
}

bool target_is_busy(const struct target *t)
{
	return t->active > 0 || t->app->nwaiting > 0;
}

void target_hold(struct target *t)
{
	t->active++;
}

void target_release(struct target *t)
{
	t->active--;
	t->app->last_ms = ev_now_ms(t->app->router->ev);
	check_drained(t);
	if (t->gone && t->active == 0)
		target_free(t);
}

static void target_move(struct target *t, enum target_state to)
{
	bool moved = t->state != to;

	t->state = to;
	if (moved)
		log_info("target moved app=%" PRIu64 " instance=%" PRIu64
		         " name=%s to=%s",
		    t->app->id, t->id, t->name, states[to]);
	app_count_targets(t->app);
	if (to != TARGET_CHECK)
		probe_stop(t);
	else if (t->checked)
		control_health(t->app->router, t->id, t->health);
	else if (!watch_gates(t))
		probe_start(t);
	if (to == TARGET_DRAIN || to == TARGET_SLEEP)
		watch_stop(t);
	else
		watch_start(t);
	if (to != TARGET_SERVE)
		upstream_close_idle(t);
	check_drained(t);
	app_dispatch(t->app);
}

void target_checked(struct target *t, unsigned status)
{
	t->checked = true;
	t->health = status;
	log_info("target checked app=%" PRIu64 " instance=%" PRIu64
	         " status=%u",
	    t->app->id, t->id, status);
	control_health(t->app->router, t->id, status);
	watch_start(t);
}

void target_ready(struct target *t, bool ready)
{
	t->unready = !ready;
	app_count_targets(t->app);
	if (t->unready)
		upstream_close_idle(t);
	app_dispatch(t->app);
}

/* --- what plan says ------------------------------------------------------- */

void fleet_init(struct fleet *f)
{
	f->apps = map_new();
	f->targets = map_new();
	list_init(&f->past_probes);
}

struct target *fleet_target(struct router *r, uint64_t id)
{
	return map_get_id(r->fleet.targets, id);
}

struct target *fleet_add_fixed(struct app *a, uint64_t id, const char *name,
    const struct sockaddr *addr, socklen_t len)
{
	struct target *t = target_new(a, id, str_z(name));

	memcpy(&t->addr, addr, len);
	t->addr_len = len;
	t->state = TARGET_SERVE;
	t->checked = true;
	app_count_targets(a);
	return t;
}

void fleet_set(struct router *r, uint64_t id, uint64_t app, unsigned port,
    struct str name, const struct str *checks, size_t nchecks,
    enum target_state state)
{
	struct target *t = fleet_target(r, id);
	struct sockaddr_in local = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (!t) {
		t = target_new(fleet_app(r, app), id, name);
		memcpy(&t->addr, &local, sizeof(local));
		t->addr_len = sizeof(local);
		t->by_jail = true;
		t->state = TARGET_CHECK;
		map_set_id(r->fleet.targets, id, t);
	}
	t->stale = false;
	if (state != TARGET_DRAIN)
		sockets_refill(t);
	watch_set(t, checks, nchecks);
	target_move(t, state);
}

void fleet_drop(struct target *t)
{
	struct app *a = app_ref(t->app);

	log_info("target gone app=%" PRIu64 " instance=%" PRIu64, a->id, t->id);
	map_del_id(a->router->fleet.targets, t->id);
	t->gone = true;
	app_count_targets(a);
	probe_stop(t);
	watch_release(t);
	upstream_close_idle(t);
	sockets_release(t);
	if (t->active == 0)
		target_free(t);
	app_dispatch(a);
	app_unref(a);
}

void fleet_begin(struct router *r)
{
	size_t pos = 0;
	void *value;

	while (map_next(r->fleet.targets, &pos, NULL, &value))
		((struct target *)value)->stale = true;
}

static void dispatch_all(struct router *r)
{
	size_t n = 0, pos = 0, len = map_len(r->fleet.apps);
	struct app **apps = xcalloc(len + 1, sizeof(*apps));
	void *value;

	/* The map may change under a dispatch, so first who is there. */
	while (map_next(r->fleet.apps, &pos, NULL, &value))
		apps[n++] = app_ref(value);
	for (size_t i = 0; i < n; i++) {
		app_dispatch(apps[i]);
		app_unref(apps[i]);
	}
	free(apps);
}

void fleet_end(struct router *r)
{
	size_t pos = 0;
	void *value;

	while (map_next(r->fleet.targets, &pos, NULL, &value))
		if (((struct target *)value)->stale)
			fleet_drop(value);
	r->fleet.known = true;
	dispatch_all(r);
}

static void app_release(struct app *a)
{
	struct target *t;

	list_each(t, &a->targets, of_app)
	{
		probe_stop(t);
		watch_release(t);
		upstream_close_idle(t);
		sockets_release(t);
		list_del(&t->of_app);
		free(t);
	}
	app_free(a);
}

void fleet_release(struct router *r)
{
	size_t pos = 0;
	void *value;

	while (map_next(r->fleet.apps, &pos, NULL, &value))
		app_release(value);
	if (r->web)
		app_release(take(r->web));
	if (r->gitd)
		app_release(take(r->gitd));
	probe_release(r);
	map_free(r->fleet.apps);
	map_free(r->fleet.targets);
}
