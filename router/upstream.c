#include "upstream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "exchange.h"
#include "router.h"

#define IDLE_MAX 1000 /* kept for one target */
#define FRESH_MS 1000 /* idle so long, nobody is about to close it */

int upstream_connect(int fd, const struct target *t, struct error *err)
{
	int on = 1;

	if (t->addr.ss_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&t->addr, t->addr_len) == -1 &&
	    errno != EINPROGRESS)
		return error_sys(err, "connect to %s", t->name);
	return 0;
}

/* --- callbacks ------------------------------------------------------------ */

static void read_answer(struct upstream *u)
{
	struct conn *c = &u->conn;

	(void)conn_fill(c, &u->router->pool, NULL); /* c->reset tells */
	if (c->eof || (c->in && c->in->len > 0))
		answer_pump(u->x);
}

static void upstream_ready(struct ev_io *io, unsigned events)
{
	struct upstream *u = container_of(io, struct upstream, conn.io);
	struct client *client;

	if (!u->x) {
		/* Idle: whatever comes now belongs to no request. */
		upstream_close(u);
		return;
	}
	if ((events & EV_HUP) && io->want == 0) {
		conn_mute(&u->conn);
		return;
	}
	client = u->x->client;
	if (events & EV_WRITE)
		exchange_writable(u->x);
	if (!u->closed && u->x && (events & EV_READ))
		read_answer(u);
	if (!u->closed)
		conn_settle(&u->conn, &u->router->pool);
	client_pump(client);
}

static void upstream_timer(struct ev_timer *t)
{
	struct upstream *u = container_of(t, struct upstream, conn.timer);

	/* In use the exchange has the say; parking sets it again. */
	if (!u->x && conn_is_due(u->router->ev, &u->conn))
		upstream_close(u);
}

/* --- opening -------------------------------------------------------------- */

/* Has the other end closed it, or sent what nobody asked for? */
static bool is_stale(const struct upstream *u)
{
	char byte;

	return recv(u->conn.io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != -1 ||
	       errno != EAGAIN;
}

static struct upstream *take_idle(struct target *t, bool fresh)
{
	while (!list_empty(&t->idle)) {
		struct upstream *u =
		    container_of(t->idle.next, struct upstream, idle);

		if (fresh && ev_now_ms(u->router->ev) - u->idle_ms > FRESH_MS)
			return NULL;
		/* What came unasked must not pass for the next answer. */
		if (is_stale(u)) {
			upstream_close(u);
			continue;
		}
		list_del(&u->idle);
		list_del(&u->old);
		t->nidle--;
		u->reused = true;
		return u;
	}
	return NULL;
}

static int new_socket(struct target *t, struct error *err)
{
	struct router *r = t->app->router;
	int fd;

	if (r->nupstreams >= r->limits.upstreams && !list_empty(&r->idle))
		upstream_close(
		    container_of(r->idle.next, struct upstream, old));
	if (r->nupstreams >= r->limits.upstreams)
		return error_set(err, ERR_LIMIT, "%u connections to instances",
		    r->nupstreams);
	if (t->by_jail) {
		fd = sockets_take(t);
		return fd == -1 ? error_set(err, ERR_UNAVAILABLE,
		                      "no socket for %s", t->name)
		                : fd;
	}
	fd = socket(
	    t->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd == -1 ? error_sys(err, "a socket for %s", t->name) : fd;
}

static struct upstream *open_new(struct target *t, struct error *err)
{
	scoped_fd int fd = new_socket(t, err);
	struct upstream *u;

	if (fd == -1 || upstream_connect(fd, t, err) == -1)
		return NULL;
	u = xcalloc(1, sizeof(*u));
	u->router = t->app->router;
	u->target = t;
	u->conn.io.fd = fd;
	u->conn.io.ready = upstream_ready;
	u->conn.timer.fire = upstream_timer;
	list_init(&u->idle);
	list_init(&u->old);
	if (conn_open(u->router->ev, &u->conn, err) == -1) {
		free(u);
		return NULL;
	}
	(void)take_fd(&fd);
	u->router->nupstreams++;
	return u;
}

struct upstream *upstream_open(struct target *t, struct exchange *x,
    enum upstream_kind kind, struct error *err)
{
	struct upstream *u = NULL;

	if (kind != UPSTREAM_NEW)
		u = take_idle(t, kind == UPSTREAM_FRESH);
	if (!u)
		u = open_new(t, err);
	if (!u && kind == UPSTREAM_FRESH)
		u = take_idle(t, false);
	if (!u)
		return NULL;
	u->x = x;
	u->wrote = false;
	target_hold(t);
	return u;
}

/* --- ending --------------------------------------------------------------- */

void upstream_park(struct upstream *u)
{
	struct target *t = u->target;

	if (t->gone || t->state != TARGET_SERVE || u->router->stopping) {
		upstream_close(u);
		return;
	}
	if (t->nidle >= IDLE_MAX)
		upstream_close(
		    container_of(t->idle.prev, struct upstream, idle));
	u->x = NULL;
	u->idle_ms = ev_now_ms(u->router->ev);
	list_add(t->idle.next, &u->idle);
	list_add(&u->router->idle, &u->old);
	t->nidle++;
	conn_want(u->router->ev, &u->conn, true);
	conn_deadline(u->router->ev, &u->conn, u->router->limits.pool_ms);
	target_release(t);
	if (!list_empty(&t->app->waiting))
		app_dispatch(t->app);
}

void upstream_close(struct upstream *u)
{
	struct target *t = u->target;

	if (u->closed)
		return;
	u->closed = true;
	conn_close(&u->conn, &u->router->pool);
	u->router->nupstreams--;
	ev_defer(u->router->ev, free, u);
	u->target = NULL;
	if (u->x) {
		u->x = NULL;
		target_release(t);
	} else {
		list_del(&u->idle);
		list_del(&u->old);
		t->nidle--;
	}
}

void upstream_close_idle(struct target *t)
{
	while (!list_empty(&t->idle))
		upstream_close(
		    container_of(t->idle.next, struct upstream, idle));
}
