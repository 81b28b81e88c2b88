#include "sockets.h"

#include <inttypes.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/rand.h"
#include "ctl.h"
#include "instance.h"

static void say_epoch(struct jail *j, uint16_t type, uint64_t epoch)
{
	struct frame_out o = frame_begin(type, 0);

	frame_put_u64(&o, F_EPOCH, epoch);
	(void)peer_send(j->pair, &o);
}

void sockets_gone(struct jail *j, uint64_t instance)
{
	struct frame_out o = frame_begin(MSG_SOCKS_GONE, 0);

	frame_put_u64(&o, F_INSTANCE, instance);
	(void)peer_send(j->pair, &o);
}

static void on_hello(struct jail *j, struct frame *f)
{
	say_epoch(j, MSG_SOCKS_READY, frame_u64(f, F_EPOCH));
}

/* At most one frame's worth; who needs more asks again. */
static void give(struct jail *j, struct instance *in, uint64_t count)
{
	struct frame_out o = frame_begin(MSG_SOCKS, 0);
	struct error err = {0};
	int fds[FRAME_FDS_MAX], n;

	n = net_sockets(j->net, in->netns, fds,
	    count < FRAME_FDS_MAX ? (int)count : FRAME_FDS_MAX, &err);
	frame_put_u64(&o, F_INSTANCE, in->r.instance);
	for (int i = 0; i < n; i++)
		frame_put_fd(&o, fds[i]);
	if (n > 0) {
		(void)peer_send(j->pair, &o);
	} else {
		frame_out_release(&o);
		log_warn("no sockets id=%s: %s", in->name, err.msg);
	}
	for (int i = 0; i < n; i++)
		fd_close(&fds[i]);
}

static void on_need(struct jail *j, struct frame *f)
{
	uint64_t id = frame_u64(f, F_INSTANCE), count = frame_u64(f, F_COUNT);
	struct instance *in = instance_find(j, id);

	/* Requests are for apps: builds and one-offs are nobody's target. */
	if (!in || in->netns == -1 || in->r.kind != KIND_APP) {
		sockets_gone(j, id);
		return;
	}
	for (count = count > 64 ? 64 : count; count > FRAME_FDS_MAX;
	     count -= FRAME_FDS_MAX)
		give(j, in, FRAME_FDS_MAX);
	if (count > 0)
		give(j, in, count);
}

static void on_attach(struct jail *j, struct frame *f)
{
	struct instance *in = instance_find(j, frame_u64(f, F_INSTANCE));

	/* Closing the descriptor tells the client that nobody is there. */
	if (in && in->r.attached)
		ctl_attach(in, f->fds[0]);
}

static const struct {
	uint16_t type;
	void (*handle)(struct jail *j, struct frame *f);
} ops[] = {
    {MSG_SOCKS_HELLO, on_hello},
    {MSG_SOCKS_NEED, on_need},
    {MSG_ATTACH, on_attach},
};

static void pair_up(struct peer *p, void *ctx)
{
	struct jail *j = ctx;

	say_epoch(j, MSG_SOCKS_HELLO, j->epoch);
}

static void pair_frame(struct peer *p, struct frame *f, void *ctx)
{
	for (size_t i = 0; i < NELEM(ops); i++)
		if (ops[i].type == f->type)
			ops[i].handle(ctx, f);
}

/* The holder keeps the other end open, so one of us broke a rule: a fresh
 * start gets it again. */
static void pair_down(struct peer *p, void *ctx)
{
	struct jail *j = ctx;

	j->pair = NULL;
	log_error("the pair to the router is closed, stopping");
	ev_stop(j->ev);
}

static const struct peer_ops peer_ops = {pair_up, pair_frame, pair_down};

void sockets_open(struct jail *j, int pair)
{
	j->epoch = rand_u64();
	j->pair = ipc_adopt(j->ev, pair, ROLE_JAIL, ROLE_ROUTER, &peer_ops, j);
}
