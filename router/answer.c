/* The way back: an app's answer to the client. */
#include "exchange.h"

#include "base/clock.h"
#include "head.h"
#include "router.h"

#define INTERIM_MAX 64 /* 1xx answers to one request */

/* Send head and what is here of the body to the client; -1 when malformed. */
static int relay(struct exchange *x, struct str head, struct error *err)
{
	struct conn *to = &x->client->conn;
	struct bytes *in = x->up->conn.in;
	struct iovec parts[BODY_PARTS + 1];
	struct body_size size;
	size_t payload = 0;
	ssize_t taken = 0;
	int n = 0;

	if (in && in->len > 0 && !x->answer.done) {
		taken =
		    body_take(&x->answer, bytes_at(in), in->len, &payload, err);
		if (taken == -1)
			return -1;
	}
	if (head.len > 0)
		parts[n++] = (struct iovec){(void *)head.p, head.len};
	if (taken > 0 || x->answer.done)
		n += body_parts(
		    str_make(taken > 0 ? bytes_at(in) : NULL, payload),
		    x->chunked, x->answer.done, &size, parts + n);
	if (n > 0)
		(void)conn_send(to, parts, n, NULL); /* to->broken tells */
	if (taken > 0)
		bytes_drop(in, (size_t)taken);
	if (n > 0)
		exchange_touch(x);
	return 0;
}

/* --- heads ---------------------------------------------------------------- */

static struct str write_head(struct exchange *x, const struct head_answer *how)
{
	struct router *r = x->router;

	buf_clear(&r->head);
	head_response(&r->head, &r->parsed, how);
	return buf_str(&r->head);
}

/* 100 Continue, 103 Early Hints: passed on as they come. */
static void pass_interim(struct exchange *x)
{
	struct head_answer how = {0};
	struct iovec part;
	struct str head;

	if (++x->interim > INTERIM_MAX) {
		exchange_fail(x, H17);
		return;
	}
	if (x->old_client)
		return;
	head = write_head(x, &how);
	part = (struct iovec){(void *)head.p, head.len};
	(void)conn_send(&x->client->conn, &part, 1, NULL);
	exchange_touch(x);
}

static void begin_tunnel(struct exchange *x)
{
	struct head_answer how = {.upgrade = true};

	x->status = 101;
	x->begun = true;
	x->state = EXCHANGE_TUNNEL;
	body_begin(&x->answer, HTTP1_TO_END, 0);
	body_begin(&x->req, HTTP1_TO_END, 0);
	(void)relay(x, write_head(x, &how), NULL);
}

/* How the body leaves: never with a length that we don't know. */
static void begin_answer(struct exchange *x, struct error *err)
{
	struct router *r = x->router;
	const struct http1_head *h = &r->parsed;
	bool unsized =
	    h->framing == HTTP1_CHUNKED || h->framing == HTTP1_TO_END;
	struct head_answer how = {
	    .date = str_z(router_date(r)), .apps_domain = r->apps_domain};

	body_begin(&x->answer, h->framing, h->length);
	x->status = (uint16_t)h->status;
	x->up_keep = h->keep_alive;
	x->chunked = unsized && !x->old_client;
	if ((unsized && x->old_client) || !x->req.done || r->stopping)
		x->keep = false;
	how.chunked = x->chunked;
	how.close = !x->keep;
	how.keep = x->keep && x->old_client;
	x->state = EXCHANGE_BODY;
	if (relay(x, write_head(x, &how), err) == -1)
		exchange_fail(x, H17);
	else
		x->begun = true;
}

/* One head off the upstream's input; false when there is none. */
static bool take_head(struct exchange *x)
{
	struct http1_head *h = &x->router->parsed;
	struct bytes *in = x->up->conn.in;
	struct error err = {0};
	ssize_t n = 0;

	if (in && in->len > 0)
		n = http1_response(bytes_str(in), x->to_head, h, &err);
	if (n == -1 || (n > 0 && h->status == 101 &&
	                   !(x->upgrade && h->upgrade &&
	                       str_eq_nocase(h->protocol, STR("websocket"))))) {
		exchange_fail(x, H17);
		return false;
	}
	if (n == 0)
		return false;
	/* The head's strings stay where they are until this is read again. */
	bytes_drop(in, (size_t)n);
	if (h->status == 101)
		begin_tunnel(x);
	else if (h->status < 200)
		pass_interim(x);
	else
		begin_answer(x, &err);
	return x->state == EXCHANGE_SENT;
}

/* --- ends ----------------------------------------------------------------- */

/* The upstream has closed, and all it sent is taken. */
static void take_end(struct exchange *x)
{
	struct conn *u = &x->up->conn;

	if (x->state == EXCHANGE_SENT) {
		if (u->in && u->in->len > 0)
			exchange_fail(x, H13);
		else
			exchange_lost(x);
		return;
	}
	if (x->answer.framing != HTTP1_TO_END ||
	    (u->reset && x->state == EXCHANGE_BODY)) {
		exchange_fail(x, H18);
		return;
	}
	x->answer.done = true;
	if (x->state == EXCHANGE_TUNNEL) {
		conn_finish(&x->client->conn);
		if (u->reset)
			exchange_end(x);
		else
			exchange_end_tunnel(x);
		return;
	}
	(void)relay(x, (struct str){0}, NULL);
	exchange_end(x);
}

void answer_pump(struct exchange *x)
{
	struct error err = {0};
	struct bytes *in;

	while (x->state == EXCHANGE_SENT && take_head(x))
		;
	if (x->state == EXCHANGE_DONE || !x->up)
		return;
	in = x->up->conn.in;
	if (x->state != EXCHANGE_SENT && in && in->len > 0 && !x->answer.done &&
	    relay(x, (struct str){0}, &err) == -1) {
		exchange_fail(x, H17);
		return;
	}
	if (x->begun && x->client->conn.broken)
		exchange_client_gone(x);
	else if (x->state == EXCHANGE_BODY && x->answer.done)
		exchange_end(x);
	else if (x->up->conn.eof && !x->answer.done)
		take_end(x);
}
