#include "sockets.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/rand.h"
#include "ipc/peer.h"
#include "probe.h"
#include "router.h"
#include "upstream.h"
#include "watch.h"

#define FIRST 8          /* asked for at once */
#define FULL 32          /* refilled to this at half */
#define PATIENCE_MS 1000 /* what was asked so long ago is asked again */
#define ALIVE_IDLE 30    /* seconds of silence until a client is probed */
#define ALIVE_EVERY 15   /* seconds from probe to probe */
#define ALIVE_TRIES 6    /* probes without an answer: it is gone */
#define SCARCE 2         /* of these each target has when all are too many */

/* --- asking --------------------------------------------------------------- */

static void ask(struct target *t, unsigned count)
{
	struct router *r = t->app->router;
	struct frame_out o;

	if (r->sockets.nstock + count > r->limits.stock)
		count = SCARCE;
	if (t->nstock + t->asked >= SCARCE && count == SCARCE)
		return;
	o = frame_begin(MSG_SOCKS_NEED, 0);
	frame_put_u64(&o, F_INSTANCE, t->id);
	frame_put_u64(&o, F_COUNT, count);
	if (peer_send(r->sockets.jail, &o) == -1)
		return;
	t->asked += count;
	t->asked_ms = ev_now_ms(r->ev);
}

void sockets_refill(struct target *t)
{
	struct router *r = t->app->router;
	unsigned have;

	if (!t->by_jail || t->gone || !r->sockets.ready)
		return;
	if (t->asked > 0 && ev_now_ms(r->ev) - t->asked_ms > PATIENCE_MS)
		t->asked = 0;
	have = t->nstock + t->asked;
	if (t->asked_ms == 0)
		ask(t, FIRST);
	else if (have < FULL / 2)
		ask(t, FULL - have);
}

static int pop(struct target *t)
{
	t->app->router->sockets.nstock--;
	return t->stock[--t->nstock];
}

int sockets_take(struct target *t)
{
	int fd = t->nstock > 0 ? pop(t) : -1;

	sockets_refill(t);
	return fd;
}

void sockets_release(struct target *t)
{
	while (t->nstock > 0) {
		int fd = pop(t);

		fd_close(&fd);
	}
}

/* Jail is new, or the first time there: what was asked before is void. */
static void ask_all(struct router *r)
{
	size_t pos = 0;
	void *value;

	while (map_next(r->fleet.targets, &pos, NULL, &value)) {
		struct target *t = value;

		t->asked = 0;
		if (t->state != TARGET_DRAIN)
			sockets_refill(t);
	}
}

/* --- what jail says ------------------------------------------------------- */

static void say_hello(struct router *r)
{
	struct frame_out o = frame_begin(MSG_SOCKS_HELLO, 0);

	frame_put_u64(&o, F_EPOCH, r->sockets.epoch);
	(void)peer_send(r->sockets.jail, &o);
}

static void jail_up(struct peer *p, void *ctx)
{
	say_hello(ctx);
}

static void on_hello(struct router *r, struct frame *f)
{
	if (!r->sockets.ready)
		say_hello(r); /* the first one may have died with jail */
	else
		ask_all(r);
}

static void on_ready(struct router *r, struct frame *f)
{
	if (r->sockets.ready || frame_u64(f, F_EPOCH) != r->sockets.epoch)
		return;
	r->sockets.ready = true;
	ask_all(r);
}

static void on_socks(struct router *r, struct frame *f)
{
	struct target *t = fleet_target(r, frame_u64(f, F_INSTANCE));
	unsigned n = (unsigned)f->nfds;

	if (!r->sockets.ready || !t)
		return;
	t->asked -= n < t->asked ? n : t->asked;
	for (int i = 0; i < f->nfds && t->nstock < STOCK_MAX; i++) {
		int fd = frame_take_fd(f, i);

		if (fd_nonblock(fd, true, NULL) == -1) {
			fd_close(&fd);
			continue;
		}
		t->stock[t->nstock++] = fd;
		r->sockets.nstock++;
	}
	probe_kick(t);
	watch_kick(t);
	app_dispatch(t->app);
}

/* The instance has ended; plan will say what comes of it. */
static void on_gone(struct router *r, struct frame *f)
{
	struct target *t = fleet_target(r, frame_u64(f, F_INSTANCE));

	if (!r->sockets.ready || !t)
		return;
	t->asked = 0;
	sockets_release(t);
	upstream_close_idle(t);
}

static const struct {
	uint16_t type;
	void (*handle)(struct router *r, struct frame *f);
} ops[] = {
    {MSG_SOCKS_HELLO, on_hello},
    {MSG_SOCKS_READY, on_ready},
    {MSG_SOCKS, on_socks},
    {MSG_SOCKS_GONE, on_gone},
};

static void jail_frame(struct peer *p, struct frame *f, void *ctx)
{
	for (size_t i = 0; i < NELEM(ops); i++)
		if (ops[i].type == f->type)
			ops[i].handle(ctx, f);
}

static void jail_down(struct peer *p, void *ctx)
{
	struct router *r = ctx;

	/* The holder keeps both ends open, so one of us broke a rule. A fresh
	 * start gets it again. */
	r->sockets.jail = NULL;
	r->sockets.ready = false;
	if (!r->stopping)
		log_error("the pair to jail is closed, stopping");
	router_stop(r);
}

static const struct peer_ops peer_ops = {jail_up, jail_frame, jail_down};

void sockets_close(struct router *r)
{
	r->sockets.ready = false;
	peer_close(take(r->sockets.jail));
}

void sockets_open(struct router *r, int pair)
{
	r->sockets.epoch = rand_u64();
	r->sockets.jail =
	    ipc_adopt(r->ev, pair, ROLE_ROUTER, ROLE_JAIL, &peer_ops, r);
}

/*
 * A client that has ended its input and then dies says nothing more, and the
 * instance may never write: without probes it would be held for ever.
 */
static void keep_alive(int fd)
{
	int on = 1, idle = ALIVE_IDLE, every = ALIVE_EVERY, tries = ALIVE_TRIES;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
}

int sockets_attach(
    struct router *r, uint64_t instance, int fd, struct error *err)
{
	struct frame_out o = frame_begin(MSG_ATTACH, 0);

	keep_alive(fd);
	frame_put_u64(&o, F_INSTANCE, instance);
	frame_put_fd(&o, fd);
	if (peer_send(r->sockets.jail, &o) == -1)
		return error_set(err, ERR_UNAVAILABLE, "jail is away");
	return 0;
}
