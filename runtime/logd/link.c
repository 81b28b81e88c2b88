/*
 * link - the connection to outbound, which exists while there are batches.
 *
 * Connecting makes super start an outbound; it ends by itself when it has had
 * nothing to do for a while.
 */
#include "base/fd.h"
#include "base/log.h"
#include "drain.h"
#include "ipc/connect.h"
#include "ipc/peer.h"

static void on_up(struct peer *p, void *ctx)
{
	log_debug("outbound is there");
}

static void on_frame(struct peer *p, struct frame *f, void *ctx)
{
	uint64_t id = frame_u64(f, F_DRAIN), seq = frame_u64(f, F_SEQ);

	switch (f->type) {
	case MSG_DRAIN_SENT:
		drain_sent(ctx, id, seq);
		break;
	case MSG_DRAIN_DONE:
		drain_done(ctx, id, seq);
		break;
	case MSG_DRAIN_FAILED:
		drain_failed(
		    ctx, id, seq, frame_u64(f, F_CODE), frame_str(f, F_TEXT));
		break;
	default:
		break;
	}
}

static void on_down(struct peer *p, void *ctx)
{
	struct logd *d = ctx;

	if (d->outbound != p)
		return;
	d->outbound = NULL;
	drains_lost(d);
}

static const struct peer_ops ops = {on_up, on_frame, on_down};

struct peer *link_get(struct logd *d)
{
	struct error err = {0};
	int fd;

	if (d->outbound)
		return d->outbound;
	fd = ipc_ask(d->settings->run, "outbound", &err);
	if (fd == -1) {
		log_warn("no outbound for drains: %s", err.msg);
		return NULL;
	}
	d->outbound = ipc_adopt(d->ev, fd, ROLE_LOGD, ROLE_OUTBOUND, &ops, d);
	return d->outbound;
}

void link_release(struct logd *d)
{
	struct peer *p = d->outbound;

	d->outbound = NULL;
	peer_close(p);
}
