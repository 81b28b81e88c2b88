#include "exchange.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "head.h"
#include "logline.h"
#include "place.h"
#include "router.h"

#define CONNECT_TIMEOUTS 2 /* then who waits is told */

/* --- start ---------------------------------------------------------------- */

/* A request id of our own: a random UUID. */
static struct str new_id(struct router *r, char mem[37])
{
	uint64_t n[2] = {router_random(r), router_random(r)};
	unsigned char bytes[16];

	memcpy(bytes, n, sizeof(bytes));
	rand_uuid_of(bytes, mem);
	return str_make(mem, 36);
}

static bool wants_json(const struct http1_head *h)
{
	for (size_t i = 0; i < h->nfields; i++)
		if (h->fields[i].id == HTTP1_ACCEPT)
			return str_find_str(h->fields[i].value, STR("json")) !=
			       -1;
	return false;
}

static bool is_idempotent(struct str method)
{
	static const char *const methods[] = {
	    "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};

	for (size_t i = 0; i < NELEM(methods); i++)
		if (str_eqz(method, methods[i]))
			return true;
	return false;
}

/* What must be known of the head after it is written anew. */
static void note_head(struct exchange *x, const struct http1_head *h)
{
	bool can_upgrade = h->upgrade && h->minor == 1 &&
	                   h->framing == HTTP1_NO_BODY &&
	                   str_eqz(h->method, "GET");

	body_begin(&x->req, h->framing, h->length);
	x->to_head = str_eqz(h->method, "HEAD");
	x->old_client = h->minor == 0;
	x->keep = h->keep_alive;
	x->json = wants_json(h);
	x->upgrade =
	    can_upgrade && str_eq_nocase(h->protocol, STR("websocket"));
	x->rendezvous =
	    can_upgrade && str_eq_nocase(h->protocol, STR("rendezvous"));
	x->retriable = x->req.done && !x->upgrade && is_idempotent(h->method);
}

static struct str marked(const struct exchange *x, size_t at, size_t len)
{
	return str_make(x->head + at, len);
}

/* Write the head as the app will get it, and keep it. */
static void keep_head(struct exchange *x, const struct http1_head *h)
{
	struct router *r = x->router;
	char addr[CLIENT_ADDR_MAX], id[37];
	struct head_added add = {.client = client_addr(x->client, addr),
	    .port = x->client->port,
	    .tls = x->client->conn.tls != NULL,
	    .real_ms = clock_real_ms(),
	    .upgrade = x->upgrade};
	struct head_marks m;

	add.request_id = head_request_id_ok(h->x_request_id) ? h->x_request_id
	                                                     : new_id(r, id);
	buf_clear(&r->head);
	head_request(&r->head, h, &add, &m);
	assert(!r->head.bad); /* its limit is above what a parsed one needs */
	x->head_len = r->head.len;
	x->head = x->head_len <= sizeof(x->head_mem) ? x->head_mem
	                                             : xmalloc(x->head_len);
	memcpy(x->head, r->head.p, x->head_len);
	x->method = marked(x, m.method, m.method_len);
	x->target = marked(x, m.target, m.target_len);
	x->host = marked(x, m.host, m.host_len);
	x->request_id = marked(x, m.request_id, m.request_id_len);
	x->addr = marked(x, m.client, m.client_len);
}

void exchange_start(struct client *c)
{
	const struct http1_head *h = &c->router->parsed;
	struct exchange *x = xmalloc(sizeof(*x));

	memset(x, 0, offsetof(struct exchange, head_mem));
	x->router = c->router;
	x->client = c;
	c->x = x;
	list_init(&x->wait);
	note_head(x, h);
	keep_head(x, h);
	if (h->connect)
		exchange_refuse(
		    x, 405, "This server is not a proxy for CONNECT.");
	else
		exchange_route(x);
}

/* --- the request's body --------------------------------------------------- */

void exchange_end_tunnel(struct exchange *x)
{
	const struct conn *u = &x->up->conn;

	if (x->answer.done && (x->req.done || u->broken) && !u->out)
		exchange_end(x);
}

bool exchange_is_delivering(const struct exchange *x)
{
	const struct conn *c = &x->client->conn;

	return x->state == EXCHANGE_TUNNEL && c->eof && !c->reset;
}

/* Drop what is here already of a body that nobody will read. */
static void drop_body(struct exchange *x)
{
	struct bytes *in = x->client->conn.in;
	size_t payload;
	ssize_t taken;

	if (!in || x->req.done)
		return;
	taken = body_take(&x->req, bytes_at(in), in->len, &payload, NULL);
	if (taken > 0)
		bytes_drop(in, (size_t)taken);
}

/* Nothing more comes from the client. In a tunnel that is half an end. */
static void take_client_end(struct exchange *x)
{
	if (x->state != EXCHANGE_TUNNEL) {
		exchange_client_gone(x);
		return;
	}
	x->req.done = true;
	conn_finish(&x->up->conn);
}

void exchange_upload(struct exchange *x)
{
	struct conn *from = &x->client->conn;
	struct upstream *u = x->up;
	struct error err = {0};
	bool was_done = x->req.done;

	if (u && u->connected && !u->conn.broken) {
		if (place_relay(x, (struct str){0}, &err) == -1) {
			exchange_refuse(
			    x, 400, "The request's body is malformed.");
			return;
		}
		if (x->req.done && !was_done)
			exchange_touch(x);
	}
	if (from->eof && (!from->in || from->in->len == 0))
		take_client_end(x);
	if (x->state == EXCHANGE_TUNNEL)
		exchange_end_tunnel(x);
}

void exchange_writable(struct exchange *x)
{
	struct upstream *u = x->up;
	struct error err = {0};
	ssize_t sent = conn_flush(&u->conn, &err);

	if (sent == -1 && !u->connected) {
		exchange_lost(x);
		return;
	}
	/* Connected once, it may have answered before it closed. */
	if (sent > 0 && !u->connected)
		place_connected(x);
	if (sent > 0)
		exchange_touch(x);
	if (x->state == EXCHANGE_TUNNEL)
		exchange_end_tunnel(x);
}

/* --- time limits and interest --------------------------------------------- */

static uint64_t limit_of(const struct exchange *x)
{
	const struct limits *l = &x->router->limits;
	uint64_t now = ev_now_ms(x->router->ev);

	switch ((enum exchange_state)x->state) {
	case EXCHANGE_ROUTE:
		return l->boot_ms;
	case EXCHANGE_HELD:
		return x->hold_until_ms > now ? x->hold_until_ms - now : 0;
	case EXCHANGE_SENT:
		if (!x->up->connected)
			return l->connect_ms;
		return x->req.done ? l->response_ms : l->body_ms;
	case EXCHANGE_TUNNEL:
		return l->tunnel_ms;
	default:
		return l->body_ms;
	}
}

void exchange_touch(struct exchange *x)
{
	if (x->state != EXCHANGE_DONE)
		conn_deadline(x->router->ev, &x->client->conn, limit_of(x));
}

void exchange_want(struct exchange *x)
{
	struct ev *ev = x->router->ev;
	struct conn *c = &x->client->conn;
	struct conn *u = x->up ? &x->up->conn : NULL;
	bool room = u && x->up->connected && !u->out && !u->broken;
	bool watch = !c->in; /* for its end, while we wait for the app */

	conn_want(
	    ev, c, x->req.done && x->state != EXCHANGE_TUNNEL ? watch : room);
	if (u)
		conn_want(ev, u, !c->out);
}

void exchange_timeout(struct exchange *x)
{
	bool uploading = !x->req.done && x->up && !x->up->conn.out;

	switch ((enum exchange_state)x->state) {
	case EXCHANGE_ROUTE:
		exchange_fail(x, H99);
		break;
	case EXCHANGE_HELD:
		exchange_fail(x, x->app->nserving > 0 ? H21 : H20);
		break;
	case EXCHANGE_SENT:
		if (x->up->connected)
			exchange_fail(x, uploading ? H28 : H12);
		else if (++x->timeouts >= CONNECT_TIMEOUTS)
			exchange_fail(x, H19);
		else
			exchange_lost(x);
		break;
	case EXCHANGE_BODY:
		exchange_fail(x, x->client->conn.out || uploading ? H28 : H15);
		break;
	case EXCHANGE_TUNNEL:
		exchange_fail(x, H15);
		break;
	case EXCHANGE_DONE:
		break;
	}
}

/* --- the end -------------------------------------------------------------- */

static void log_request(struct exchange *x)
{
	struct router *r = x->router;
	uint64_t now = ev_now_ms(r->ev);
	struct logline l = {.code = x->code,
	    .method = x->method,
	    .path = x->target,
	    .host = x->host,
	    .request_id = x->request_id,
	    .client = x->addr,
	    .dyno = x->dyno,
	    .bytes = x->answer.bytes,
	    .status = x->status};

	if (!x->app || x->app->id == 0 || !control_logs(r))
		return;
	if (x->connected_ms > 0) {
		l.connect_ms = x->connected_ms - x->placed_ms;
		l.service_ms = now - x->connected_ms;
	}
	buf_clear(&r->line);
	logline_write(&r->line, &l);
	if (!r->line.bad)
		control_log(r, x->app->id, buf_str(&r->line));
}

static void exchange_free(void *arg)
{
	struct exchange *x = arg;

	if (x->head != x->head_mem)
		free(x->head);
	free(x);
}

static bool can_park(const struct exchange *x)
{
	const struct conn *u = &x->up->conn;

	return x->up_keep && x->req.done && x->answer.done &&
	       x->state == EXCHANGE_BODY && !u->eof && !u->broken && !u->out &&
	       (!u->in || u->in->len == 0);
}

/* Let go of everything; keep and unread are for client_done. */
static void finish(struct exchange *x, bool keep, bool unread)
{
	struct client *c = x->client;
	struct upstream *u = take(x->up);

	place_forget(x);
	log_request(x);
	x->state = EXCHANGE_DONE;
	if (u)
		upstream_close(u);
	app_unref(take(x->app));
	ev_defer(x->router->ev, exchange_free, x);
	c->x = NULL;
	client_done(c, keep, unread);
}

void exchange_end(struct exchange *x)
{
	bool tunnel = x->state == EXCHANGE_TUNNEL;
	struct upstream *u;

	if (x->up && can_park(x)) {
		u = take(x->up);
		conn_settle(&u->conn, &x->router->pool);
		upstream_park(u);
	}
	finish(x, x->keep && x->req.done && !tunnel, !x->req.done && !tunnel);
}

/* The status that stands in the log; a page has the same. */
static unsigned status_of(enum hcode code)
{
	return code == H27 ? 499 : code == H28 ? 408 : 503;
}

static void answer_page(
    struct exchange *x, unsigned status, enum hcode code, const char *text)
{
	struct page p = {.status = status,
	    .code = code,
	    .text = text,
	    .json = x->json,
	    .body = !x->to_head};

	if (status != 400)
		drop_body(x);
	x->keep = x->keep && x->req.done && !x->router->stopping;
	p.close = !x->keep;
	p.keep = x->keep && x->old_client;
	x->status = (uint16_t)status;
	x->code = (uint8_t)code;
	x->answer.bytes = client_page(x->client, &p);
	/* After a 400 nobody knows what else it is sending. */
	finish(x, x->keep, !x->req.done || status == 400);
}

void exchange_refuse(struct exchange *x, unsigned status, const char *text)
{
	if (x->begun) {
		exchange_fail(x, H27);
		return;
	}
	if (status == 400 || status == 405)
		x->keep = false; /* whatever follows is no request of ours */
	answer_page(x, status, H_NONE, text);
}

void exchange_fail(struct exchange *x, enum hcode code)
{
	struct client *c = x->client;

	if (!x->begun && code != H27) {
		answer_page(x, status_of(code), code, page_text(code));
		return;
	}
	x->code = (uint8_t)code;
	x->status = (uint16_t)status_of(code);
	/* What was announced won't come: the client must see that, even where
	 * the end of the connection is the end of the body. */
	if (x->answer.framing == HTTP1_TO_END ||
	    (x->answer.framing == HTTP1_CHUNKED && !x->chunked))
		conn_abort(&c->conn);
	client_close(c);
	finish(x, false, false);
}

void exchange_client_gone(struct exchange *x)
{
	if (x->state == EXCHANGE_TUNNEL)
		exchange_end(x);
	else
		exchange_fail(x, H27);
}
