#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "exchange.h"
#include "router.h"
#include "tls.h"

/* --- the end -------------------------------------------------------------- */

void client_close(struct client *c)
{
	struct router *r = c->router;

	if (c->phase == CLIENT_CLOSED)
		return;
	c->phase = CLIENT_CLOSED;
	conn_close(&c->conn, &r->pool);
	list_del(&c->all);
	r->nclients--;
	ev_defer(r->ev, free, c);
	router_check_stopped(r);
}

/* The end that both sides agreed on. */
static void client_part(struct client *c)
{
	conn_bye(&c->conn);
	client_close(c);
}

/* The connection broke, whatever we were at. */
static void client_lost(struct client *c)
{
	if (c->x)
		exchange_client_gone(c->x);
	client_close(c);
}

void client_done(struct client *c, bool keep, bool unread)
{
	if (c->phase == CLIENT_CLOSED)
		return;
	c->phase = CLIENT_FLUSH;
	c->keep = keep && !c->router->stopping;
	c->unread = unread;
	conn_deadline(c->router->ev, &c->conn, c->router->limits.body_ms);
}

size_t client_page(struct client *c, const struct page *p)
{
	struct router *r = c->router;
	struct page page = *p;
	struct iovec part;
	size_t body;

	page.date = router_date(r);
	buf_clear(&r->head);
	body = page_write(&r->head, &page);
	part = (struct iovec){r->head.p, r->head.len};
	(void)conn_send(&c->conn, &part, 1, NULL);
	return body;
}

/* Answer what never became an exchange, and close. */
static void refuse(struct client *c, unsigned status, const char *text)
{
	struct page p = {
	    .status = status, .text = text, .body = true, .close = true};

	(void)client_page(c, &p);
	client_done(c, false, true);
}

/* --- heads ---------------------------------------------------------------- */

static void refuse_head(struct client *c, const struct error *err)
{
	struct bytes *in = c->conn.in;
	bool first_line = !memchr(bytes_at(in), '\n',
	    in->len < HTTP1_LINE_MAX ? in->len : HTTP1_LINE_MAX);

	log_debug("bad request: %s", err->msg);
	if (err->code != ERR_LIMIT)
		refuse(c, 400, "The request is not proper HTTP.");
	else if (first_line)
		refuse(c, 414, "The request's address is too long.");
	else
		refuse(c, 431, "The request's header fields are too large.");
}

/* Can what came since the last look have ended a line, or passed a limit? */
static bool worth_a_look(const struct client *c)
{
	struct str in = bytes_str(c->conn.in);
	size_t seen = c->begun ? c->seen : 0;

	return seen / (HTTP1_LINE_MAX / 2) != in.len / (HTTP1_LINE_MAX / 2) ||
	       seen == 0 || memchr(in.p + seen, '\n', in.len - seen);
}

/* Take one head off the input; false when it is not whole yet. */
static bool take_head(struct client *c)
{
	struct router *r = c->router;
	struct bytes *in = c->conn.in;
	struct error err = {0};
	ssize_t n;

	if (!in || in->len == 0 || !worth_a_look(c))
		return false;
	n = http1_request(bytes_str(in), &r->parsed, &err);
	if (n == -1) {
		refuse_head(c, &err);
		return true;
	}
	if (n == 0) {
		if (!c->begun) /* a fixed end: drops don't prolong it */
			conn_deadline(r->ev, &c->conn, r->limits.head_ms);
		c->begun = true;
		c->seen = (uint32_t)in->len;
		return false;
	}
	/* The head's strings stay where they are until this is read again. */
	bytes_drop(in, (size_t)n);
	c->begun = false;
	c->phase = CLIENT_BUSY;
	exchange_start(c);
	return true;
}

/* --- phases --------------------------------------------------------------- */

/* The answer is sent: what now? */
static bool flushed(struct client *c)
{
	struct router *r = c->router;

	if (c->conn.broken) {
		client_close(c);
	} else if (c->conn.out) {
		return false;
	} else if (c->keep) {
		c->phase = CLIENT_HEAD;
		conn_deadline(r->ev, &c->conn, r->limits.idle_ms);
	} else if (c->unread || (c->conn.in && c->conn.in->len > 0)) {
		/* Closed now, what it sends would reset the answer away. */
		conn_finish(&c->conn);
		c->phase = CLIENT_LINGER;
		conn_deadline(r->ev, &c->conn, r->limits.linger_ms);
	} else {
		client_part(c);
	}
	return true;
}

/* One step; true when there may be another. */
static bool advance(struct client *c)
{
	bool empty = !c->conn.in || c->conn.in->len == 0;

	switch ((enum client_phase)c->phase) {
	case CLIENT_HEAD:
		if (take_head(c))
			return true;
		if (c->conn.eof || (c->router->stopping_idle && empty))
			client_part(c);
		return false;
	case CLIENT_BUSY:
		exchange_upload(c->x);
		return c->phase != CLIENT_BUSY;
	case CLIENT_FLUSH:
		return flushed(c);
	case CLIENT_LINGER:
		if (!empty)
			bytes_drop(c->conn.in, c->conn.in->len);
		if (c->conn.eof)
			client_close(c);
		return false;
	case CLIENT_CLOSED:
		break;
	}
	return false;
}

void client_pump(struct client *c)
{
	struct ev *ev = c->router->ev;

	if (c->pumping || c->phase == CLIENT_CLOSED)
		return;
	c->pumping = true;
	while (advance(c))
		;
	c->pumping = false;
	if (c->phase == CLIENT_CLOSED)
		return;
	conn_settle(&c->conn, &c->router->pool);
	if (c->phase == CLIENT_BUSY)
		exchange_want(c->x);
	else
		conn_want(ev, &c->conn, c->phase != CLIENT_FLUSH);
}

/* --- callbacks ------------------------------------------------------------ */

static void client_ready(struct ev_io *io, unsigned events)
{
	struct client *c = container_of(io, struct client, conn.io);
	bool lost = (events & EV_HUP) && io->want == 0;
	ssize_t sent = 0;

	if (lost && c->x && exchange_is_delivering(c->x)) {
		conn_mute(&c->conn);
		return;
	}
	if (!lost && (events & EV_WRITE)) {
		sent = conn_flush(&c->conn, NULL);
		lost = sent == -1;
	}
	if (!lost && conn_may_read(&c->conn, events))
		lost = conn_fill(&c->conn, &c->router->pool, NULL) == -1;
	if (lost) {
		client_lost(c);
		return;
	}
	if (sent > 0 && c->x)
		exchange_touch(c->x);
	else if (sent > 0)
		conn_deadline(
		    c->router->ev, &c->conn, c->router->limits.body_ms);
	client_pump(c);
}

static void client_timer(struct ev_timer *t)
{
	struct client *c = container_of(t, struct client, conn.timer);

	if (!conn_is_due(c->router->ev, &c->conn))
		return;
	if (c->phase == CLIENT_BUSY)
		exchange_timeout(c->x);
	else if (c->phase == CLIENT_HEAD && c->begun)
		refuse(c, 408, page_text(H28));
	else if (c->phase == CLIENT_HEAD)
		client_part(c);
	else
		client_close(c);
	client_pump(c);
}

/* --- the beginning -------------------------------------------------------- */

static void note_addr(struct client *c, const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET6) {
		c->addr = ((const struct sockaddr_in6 *)addr)->sin6_addr;
		return;
	}
	c->addr.s6_addr[10] = c->addr.s6_addr[11] = 0xff;
	if (addr->sa_family == AF_INET)
		memcpy(&c->addr.s6_addr[12],
		    &((const struct sockaddr_in *)addr)->sin_addr, 4);
}

void client_new(struct listener *l, int fd, const struct sockaddr *addr)
{
	struct client *c = xcalloc(1, sizeof(*c));
	struct router *r = l->router;
	struct error err = {0};

	c->router = r;
	c->port = (uint16_t)l->port;
	note_addr(c, addr);
	c->conn.io.fd = fd;
	c->conn.io.ready = client_ready;
	c->conn.timer.fire = client_timer;
	if (l->tls) {
		c->conn.tls = tls_new(l->tls, fd);
		if (!c->conn.tls)
			error_set(&err, ERR_LIMIT, "no memory for TLS");
	}
	if (err.code || conn_open(r->ev, &c->conn, &err) == -1) {
		log_warn("client dropped: %s", err.msg);
		conn_close(&c->conn, &r->pool);
		free(c);
		return;
	}
	list_add(&r->clients, &c->all);
	r->nclients++;
	conn_deadline(r->ev, &c->conn, r->limits.head_ms);
}

struct str client_addr(const struct client *c, char mem[CLIENT_ADDR_MAX])
{
	const unsigned char *b = c->addr.s6_addr;
	size_t len = 0;

	if (!IN6_IS_ADDR_V4MAPPED(&c->addr)) {
		(void)inet_ntop(AF_INET6, &c->addr, mem, CLIENT_ADDR_MAX);
		return str_z(mem);
	}
	for (int i = 12; i < 16; i++) {
		if (b[i] >= 100)
			mem[len++] = (char)('0' + b[i] / 100);
		if (b[i] >= 10)
			mem[len++] = (char)('0' + b[i] / 10 % 10);
		mem[len++] = (char)('0' + b[i] % 10);
		if (i < 15)
			mem[len++] = '.';
	}
	return str_make(mem, len);
}
