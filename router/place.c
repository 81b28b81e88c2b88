#include "place.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "router.h"

#define REFUSED_MS 100 /* before an instance that refused is tried again */

void place_forget(struct exchange *x)
{
	if (list_empty(&x->wait))
		return;
	list_del(&x->wait);
	if (x->state == EXCHANGE_HELD)
		x->app->nwaiting--;
	else
		x->router->nunrouted--;
}

/* --- route ---------------------------------------------------------------- */

static void wait_for_routes(struct exchange *x)
{
	struct router *r = x->router;

	if (!list_empty(&x->wait))
		return;
	if (r->nunrouted >= r->limits.hold_requests) {
		exchange_fail(x, H99);
		return;
	}
	x->state = EXCHANGE_ROUTE;
	list_add(&r->unrouted, &x->wait);
	r->nunrouted++;
	exchange_touch(x);
}

/* Greet, and hand the client's connection to jail. */
static void join_instance(struct exchange *x, struct str secret)
{
	static const struct str greeting =
	    STR("HTTP/1.1 101 Switching Protocols\r\n"
	        "Connection: Upgrade\r\nUpgrade: rendezvous\r\n\r\n");
	struct router *r = x->router;
	struct client *c = x->client;
	uint64_t instance = attach_find(r, secret);
	struct iovec part = {(void *)greeting.p, greeting.len};
	struct error err = {0};

	if (instance == 0) {
		exchange_refuse(x, 404,
		    "There is no such session, or it is taken already.");
		return;
	}
	if (c->conn.in && c->conn.in->len > 0) {
		/* What we have read can't be handed on. */
		exchange_refuse(x, 400, "Wait for the answer before you send.");
		return;
	}
	if (!r->sockets.jail || !peer_is_up(r->sockets.jail)) {
		exchange_fail(x, H99);
		return;
	}
	attach_forget(r, secret);
	x->begun = true;
	x->status = 101;
	if (conn_send(&c->conn, &part, 1, &err) == (ssize_t)greeting.len &&
	    sockets_attach(r, instance, c->conn.io.fd, &err) == 0)
		log_info("attached instance=%" PRIu64, instance);
	else
		log_warn("attach failed instance=%" PRIu64 ": %s", instance,
		    err.msg);
	exchange_fail(x, H27); /* the connection is no longer ours */
}

static void route_platform(struct exchange *x)
{
	struct str secret = path_secret(x->target);

	if (x->rendezvous && secret.len > 0) {
		join_instance(x, secret);
		return;
	}
	x->app =
	    app_ref(path_is_git(x->target) ? x->router->gitd : x->router->web);
	(void)exchange_place(x);
}

static void route_to(struct exchange *x, struct route to)
{
	struct router *r = x->router;

	if (to.to == ROUTE_PLATFORM) {
		route_platform(x);
		return;
	}
	x->app = app_ref(to.to == ROUTE_GITD ? r->gitd : fleet_app(r, to.app));
	(void)exchange_place(x);
}

void exchange_route(struct exchange *x)
{
	struct router *r = x->router;
	char mem[254];
	struct str host = host_plain(x->host, mem);
	struct route to = {0};

	if (!r->routes_known) {
		wait_for_routes(x);
		return;
	}
	place_forget(x);
	if (route_find(r->routes, host, &to))
		route_to(x, to);
	else if (r->web && host_is_ip(host))
		route_platform(x);
	else
		exchange_refuse(x, 404,
		    "There is no app at this address. Its owner adds one with: "
		    "paas create, or paas domains:add");
}

/* --- hold ----------------------------------------------------------------- */

/* Into the queue, if it is not there; false if it stays there. */
static bool hold(struct exchange *x)
{
	struct router *r = x->router;
	struct app *a = x->app;

	for (size_t i = 0; i < a->nserving; i++)
		sockets_refill(a->serving[i]);
	if (x->state == EXCHANGE_HELD && !list_empty(&x->wait))
		return false;
	if (x->hold_until_ms == 0)
		x->hold_until_ms = ev_now_ms(r->ev) + r->limits.hold_ms;
	if (r->limits.hold_ms == 0) {
		exchange_fail(x, H21);
		return true;
	}
	if (a->nwaiting >= r->limits.hold_requests) {
		exchange_fail(x, H11);
		return true;
	}
	x->state = EXCHANGE_HELD;
	list_add(&a->waiting, &x->wait);
	a->nwaiting++;
	app_call(a);
	exchange_touch(x);
	if (a->retry.at_ms == 0)
		ev_timer_set(r->ev, &a->retry, REFUSED_MS / 2);
	return false;
}

/* --- place ---------------------------------------------------------------- */

int place_relay(struct exchange *x, struct str head, struct error *err)
{
	struct bytes *in = x->client->conn.in;
	struct iovec parts[BODY_PARTS + 1];
	struct body_size size;
	size_t payload = 0;
	ssize_t taken = 0, sent;
	int n = 0;

	if (in && in->len > 0 && !x->req.done) {
		taken =
		    body_take(&x->req, bytes_at(in), in->len, &payload, err);
		if (taken == -1)
			return -1;
	}
	if (head.len > 0)
		parts[n++] = (struct iovec){(void *)head.p, head.len};
	if (taken > 0)
		n += body_parts(str_make(bytes_at(in), payload),
		    x->req.framing == HTTP1_CHUNKED, x->req.done, &size,
		    parts + n);
	if (taken > 0) {
		bytes_drop(in, (size_t)taken);
		x->consumed = true;
	}
	if (n == 0)
		return 0;
	sent = conn_send(&x->up->conn, parts, n, NULL);
	if (sent > 0) {
		x->up->wrote = true;
		if (!x->up->connected)
			place_connected(x);
	}
	if (payload > 0)
		exchange_touch(x);
	return 0;
}

void place_connected(struct exchange *x)
{
	x->up->connected = true;
	x->up->wrote = true;
	x->connected_ms = ev_now_ms(x->router->ev);
}

/*
 * Send the head, and over a connection that stands what is here of the body.
 * -1 when not one byte went out; then the body is as it was, so that another
 * connection can take the request. (A chunked body is decoded in place and
 * can't be put back, so it comes behind the head.)
 */
static int send_request(struct exchange *x)
{
	struct str head = str_make(x->head, x->head_len);
	struct bytes *in = x->client->conn.in;
	struct upstream *u = x->up;
	struct body req = x->req;
	struct iovec part = {x->head, x->head_len};
	size_t off = in ? in->off : 0, len = in ? in->len : 0;

	if (!u->connected || x->req.framing == HTTP1_CHUNKED) {
		if (conn_send(&u->conn, &part, 1, NULL) > 0)
			place_connected(x);
	} else {
		x->connected_ms = x->placed_ms;
		(void)place_relay(x, head, NULL);
	}
	if (!u->conn.broken)
		return 0;
	if (in) {
		in->off = off;
		in->len = len;
	}
	x->req = req;
	x->consumed = false;
	return -1;
}

static void note_dyno(struct exchange *x, const struct target *t)
{
	size_t len = strnlen(t->name, sizeof(x->dyno_mem));

	memcpy(x->dyno_mem, t->name, len);
	x->dyno = str_make(x->dyno_mem, len);
}

static void set_aside(struct exchange *x, struct target *t)
{
	t->refused_until_ms = ev_now_ms(x->router->ev) + REFUSED_MS;
	x->avoid = t->id;
}

/* A connection that was kept may be lost at any time: once is enough. */
static enum upstream_kind kind_for(const struct exchange *x)
{
	if (x->again)
		return UPSTREAM_NEW;
	return x->retriable ? UPSTREAM_ANY : UPSTREAM_FRESH;
}

/* One try at t; false when another one may do. */
static bool try_target(struct exchange *x, struct target *t)
{
	struct router *r = x->router;
	struct error err = {0};
	struct upstream *u;

	u = upstream_open(t, x, kind_for(x), &err);
	if (!u) {
		log_debug("no connection to %s: %s", t->name, err.msg);
		set_aside(x, t);
		return false;
	}
	place_forget(x);
	x->up = u;
	x->state = EXCHANGE_SENT;
	x->placed_ms = ev_now_ms(r->ev);
	x->connected_ms = 0;
	note_dyno(x, t);
	if (send_request(x) == -1) {
		/* Not one byte went out: no harm in another connection. */
		if (!u->connected)
			set_aside(x, t);
		upstream_close(take(x->up));
		return false;
	}
	exchange_touch(x);
	return true;
}

bool exchange_place(struct exchange *x)
{
	struct router *r = x->router;
	struct app *a = x->app;
	enum place place = app_place(a, r->fleet.known);
	struct target *t;

	if (place == PLACE_CRASHED || place == PLACE_NONE) {
		exchange_fail(x, place == PLACE_NONE ? H14 : H10);
		return true;
	}
	for (;;) {
		t = app_choose(a, ev_now_ms(r->ev), x->avoid, router_random(r));
		if (!t)
			return hold(x);
		if (try_target(x, t))
			return true;
	}
}

/* --- lost ----------------------------------------------------------------- */

/* May the request be sent once more, over another connection? */
static bool may_retry(const struct exchange *x, const struct upstream *u)
{
	if (!u->connected)
		return true;
	return u->reused && !x->consumed && !x->begun && x->interim == 0 &&
	       (x->retriable || !u->wrote);
}

void exchange_lost(struct exchange *x)
{
	struct upstream *u = x->up;
	bool again = may_retry(x, u);

	if (!u->connected)
		set_aside(x, u->target);
	else
		x->again = true;
	if (!again) {
		exchange_fail(x, H13);
		return;
	}
	upstream_close(take(x->up));
	x->state = EXCHANGE_HELD; /* in no queue yet */
	(void)exchange_place(x);
}
