#include "router.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "client.h"
#include "exchange.h"
#include "head.h"

#define LINE_MAX_BYTES 16384 /* of a log line, as logline.c cuts it */

void limits_init(struct limits *l)
{
	*l = (struct limits){
	    .head_ms = 30000,
	    .idle_ms = 60000,
	    .body_ms = 55000, /* Heroku's rolling window */
	    .connect_ms = 5000,
	    .response_ms = 30000, /* Heroku's H12 */
	    .tunnel_ms = 3600000,
	    .linger_ms = 5000,
	    /* Servers close idle ones after 5 s at the earliest, most of them:
	     * before that it is we who close. */
	    .pool_ms = 4000,
	    .boot_ms = 5000,
	    .stop_idle_ms = 250,
	    .stop_ms = 5000,
	    .hold_requests = 1000,
	};
	limits_files(l, 8192, 0);
}

void limits_files(struct limits *l, uint64_t nfiles, uint64_t nfixed)
{
	uint64_t n = nfiles > nfixed * 2 ? nfiles - nfixed : nfixed;

	/* Most clients are idle and have no upstream. */
	l->clients = (unsigned)(n / 2);
	l->upstreams = (unsigned)(n / 4);
	l->stock = (unsigned)(n / 4);
}

static void stop_fire(struct ev_timer *t)
{
	struct router *r = container_of(t, struct router, stop_timer);
	struct client *c;

	if (!r->stopping_idle) {
		r->stopping_idle = true;
		/* To the next router, which starts beside what still runs. */
		control_close(r);
		sockets_close(r);
		ev_timer_set(r->ev, t, r->limits.stop_ms);
		list_each(c, &r->clients, all) client_pump(c);
		return;
	}
	log_info("stopping with requests in flight clients=%u", r->nclients);
	ev_stop(r->ev);
}

void router_init(struct router *r, struct ev *ev)
{
	r->ev = ev;
	limits_init(&r->limits);
	r->head = (struct buf)BUF_INIT(HEAD_OUT_MAX);
	r->line = (struct buf)BUF_INIT(LINE_MAX_BYTES);
	r->route_set = route_set_new();
	r->routes = route_table_new(r->route_set);
	r->stop_timer.fire = stop_fire;
	list_init(&r->unrouted);
	list_init(&r->clients);
	list_init(&r->idle);
	fleet_init(&r->fleet);
	attach_init(&r->attach);
}

static void close_listeners(struct router *r)
{
	for (int i = 0; i < r->nlisteners; i++)
		listener_close(&r->listeners[i]);
	r->nlisteners = 0;
}

void router_release(struct router *r)
{
	struct client *c;

	r->stopping = true;
	close_listeners(r);
	ev_timer_stop(&r->stop_timer);
	list_each(c, &r->clients, all)
	{
		if (c->x)
			exchange_fail(c->x, H99);
		client_close(c);
	}
	control_close(r);
	attach_release(&r->attach);
	fleet_release(r);
	sockets_close(r);
	route_table_free(r->routes);
	route_set_free(r->route_set);
	buf_release(&r->head);
	buf_release(&r->line);
	pool_release(&r->pool);
}

void router_publish(struct router *r)
{
	struct route_table *old = r->routes;

	r->routes = route_table_new(r->route_set);
	route_table_free(old);
	while (r->routes_known && !list_empty(&r->unrouted)) {
		struct exchange *x =
		    container_of(r->unrouted.next, struct exchange, wait);
		struct client *c = x->client;

		exchange_route(x);
		client_pump(c);
	}
}

void router_stop(struct router *r)
{
	if (r->stopping)
		return;
	r->stopping = true;
	close_listeners(r);
	ev_timer_set(r->ev, &r->stop_timer, r->limits.stop_idle_ms);
	router_check_stopped(r);
}

void router_check_stopped(struct router *r)
{
	if (r->stopping && r->nclients == 0)
		ev_stop(r->ev);
}

const char *router_date(struct router *r)
{
	int64_t now = (int64_t)(clock_real_ms() / 1000);

	if (now != r->date_s) {
		r->date_s = now;
		head_date(now, r->date);
	}
	return r->date;
}

uint64_t router_random(struct router *r)
{
	uint64_t n;

	if (r->nrandom < sizeof(n)) {
		rand_bytes(r->random, sizeof(r->random));
		r->nrandom = sizeof(r->random);
	}
	r->nrandom -= sizeof(n);
	memcpy(&n, r->random + r->nrandom, sizeof(n));
	return n;
}
