#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "tls.h"

int conn_open(struct ev *ev, struct conn *c, struct error *err)
{
	return ev_io_add(ev, &c->io, EV_READ, err);
}

void conn_close(struct conn *c, struct pool *pool)
{
	ev_io_del(&c->io);
	ev_timer_stop(&c->timer);
	tls_free(take(c->tls));
	fd_close(&c->io.fd);
	pool_put(pool, take(c->in));
	free(take(c->out));
}

/* --- in ------------------------------------------------------------------- */

/* A block with room behind what c->in holds; false when that is a block. */
static bool make_room(struct conn *c, struct pool *pool)
{
	struct bytes *old = c->in;

	if (old && old->cap == BYTES_BLOCK) {
		memmove(old->p, bytes_at(old), old->len);
		old->off = 0;
		return old->len < old->cap;
	}
	c->in = pool_get(pool);
	if (old) {
		memcpy(c->in->p, bytes_at(old), old->len);
		c->in->len = old->len;
		free(old);
	}
	return true;
}

static ssize_t receive(struct conn *c, char *p, size_t n)
{
	ssize_t got;

	if (c->tls)
		return tls_read(c->tls, p, n);
	do
		got = recv(c->io.fd, p, n, 0);
	while (got == -1 && errno == EINTR);
	return got;
}

int conn_fill(struct conn *c, struct pool *pool, struct error *err)
{
	struct bytes *b;
	ssize_t got;

	if (c->eof || !make_room(c, pool))
		return 0;
	b = c->in;
	got = receive(c, b->p + b->len, b->cap - b->len);
	if (got == -1 && errno == EAGAIN)
		return 0;
	if (got == -1) {
		c->eof = c->reset = true;
		return error_sys(err, "receive");
	}
	c->eof = got == 0;
	b->len += (size_t)got;
	return got > 0;
}

void conn_settle(struct conn *c, struct pool *pool)
{
	struct bytes *old = c->in;

	if (!old)
		return;
	if (old->len == 0) {
		pool_put(pool, take(c->in));
	} else if (old->cap == BYTES_BLOCK && old->len < BYTES_BLOCK / 2) {
		c->in = bytes_new(old->len);
		memcpy(c->in->p, bytes_at(old), old->len);
		c->in->len = old->len;
		pool_put(pool, old);
	}
}

/* --- out ------------------------------------------------------------------ */

static void keep_rest(
    struct conn *c, const struct iovec *parts, int n, size_t skip)
{
	size_t have = c->out ? c->out->len : 0, need = have;
	struct bytes *b = c->out;

	for (int i = 0; i < n; i++)
		need += parts[i].iov_len;
	need -= skip;
	if (need == have)
		return;
	if (!b || b->cap - b->off < need) {
		b = bytes_new(need);
		if (have > 0)
			memcpy(b->p, bytes_at(c->out), have);
		b->len = have;
		free(c->out);
		c->out = b;
	}
	for (int i = 0; i < n; i++) {
		size_t from = skip < parts[i].iov_len ? skip : parts[i].iov_len;
		size_t len = parts[i].iov_len - from;

		skip -= from;
		if (len > 0)
			memcpy(bytes_at(b) + b->len,
			    (const char *)parts[i].iov_base + from, len);
		b->len += len;
	}
}

/* One sendmsg; 0 when there is no room. */
static ssize_t send_parts(
    struct conn *c, const struct iovec *parts, int n, struct error *err)
{
	struct msghdr m = {
	    .msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n};
	ssize_t sent;

	do
		sent = c->tls ? tls_write(c->tls, parts, n)
		              : sendmsg(c->io.fd, &m, MSG_NOSIGNAL);
	while (sent == -1 && errno == EINTR);
	if (sent == -1 && errno == EAGAIN)
		return 0;
	if (sent == -1) {
		c->broken = true;
		free(take(c->out));
		return error_sys(err, "send");
	}
	return sent;
}

ssize_t conn_send(
    struct conn *c, const struct iovec *parts, int n, struct error *err)
{
	ssize_t sent = 0;

	if (c->broken)
		return error_set(err, ERR_UNAVAILABLE, "send: closed before");
	if (!c->out) {
		sent = send_parts(c, parts, n, err);
		if (sent == -1)
			return -1;
	}
	keep_rest(c, parts, n, (size_t)sent);
	return sent;
}

static void send_end(struct conn *c)
{
	if (c->tls && !c->broken)
		tls_bye(c->tls);
	(void)shutdown(c->io.fd, SHUT_WR);
}

ssize_t conn_flush(struct conn *c, struct error *err)
{
	struct iovec part;
	ssize_t sent;

	if (!c->out)
		return 0;
	part = (struct iovec){bytes_at(c->out), c->out->len};
	sent = send_parts(c, &part, 1, err);
	if (sent == -1)
		return -1;
	bytes_drop(c->out, (size_t)sent);
	if (c->out->len == 0) {
		free(take(c->out));
		if (c->fin)
			send_end(c);
	}
	return sent;
}

void conn_finish(struct conn *c)
{
	if (c->fin)
		return;
	c->fin = true;
	if (!c->out)
		send_end(c);
}

void conn_bye(struct conn *c)
{
	if (c->tls && !c->fin && !c->out && !c->broken)
		tls_bye(c->tls);
}

void conn_abort(struct conn *c)
{
	struct linger now = {.l_onoff = 1};

	(void)setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* --- waiting -------------------------------------------------------------- */

void conn_want(struct ev *ev, struct conn *c, bool read)
{
	unsigned want = (read && !c->eof ? EV_READ : 0) |
	                (c->out && !c->broken ? EV_WRITE : 0);

	if (c->io.fd == -1)
		return;
	/* What TLS holds back is asked for by an event that comes at once. */
	if (c->tls && (want & EV_READ) &&
	    (tls_has_more(c->tls) || tls_wants_write(c->tls)))
		want |= EV_WRITE;
	if (c->io.ev)
		ev_io_want(&c->io, want);
	else if (want)
		/* Fails for want of memory only; the deadline ends it then. */
		(void)ev_io_add(ev, &c->io, want, NULL);
}

bool conn_may_read(const struct conn *c, unsigned events)
{
	return (events & EV_READ) ||
	       (c->tls && (c->io.want & EV_READ) && (events & EV_WRITE));
}

void conn_mute(struct conn *c)
{
	ev_io_del(&c->io);
}

void conn_deadline(struct ev *ev, struct conn *c, uint64_t after_ms)
{
	c->deadline_ms = ev_now_ms(ev) + after_ms;
	if (c->timer.at_ms == 0 || c->timer.at_ms > c->deadline_ms)
		ev_timer_set(ev, &c->timer, after_ms);
}

bool conn_is_due(struct ev *ev, struct conn *c)
{
	uint64_t now = ev_now_ms(ev);

	if (now >= c->deadline_ms)
		return true;
	ev_timer_set(ev, &c->timer, c->deadline_ms - now);
	return false;
}
