#include "outbound.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/msg.h"
#include "ipc/peer.h"

struct drain *drain_get(struct outbound *o, uint64_t id)
{
	struct drain *d;

	list_each(d, &o->drains, item)
	{
		if (d->id == id)
			return d;
	}
	return NULL;
}

struct drain *drain_make(struct outbound *o, uint64_t id)
{
	struct drain *d;

	if (o->known == DRAINS_MOST)
		return NULL;
	d = xcalloc(1, sizeof(*d));
	*d = (struct drain){.o = o, .id = id, .fd = -1};
	list_init(&d->batches);
	list_add(&o->drains, &d->item);
	o->known++;
	return d;
}

int drain_set(
    struct drain *d, struct str url, struct str token, struct error *err)
{
	struct drain_url checked;

	if (d->text && str_eqz(url, d->text))
		return 0;
	if (drain_parse(url, &checked, err) == -1)
		return -1;
	free(d->text);
	d->text = str_dup(url);
	str_copy(token, d->token, sizeof(d->token));
	return drain_parse(str_z(d->text), &d->url, err);
}

static void batch_free(struct batch *b)
{
	list_del(&b->item);
	free(b->bytes);
	free(b);
}

static void drop_batches(struct drain *d)
{
	struct batch *b;

	list_each(b, &d->batches, item) batch_free(b);
}

void drain_free(struct drain *d)
{
	call_end(d);
	drop_batches(d);
	list_del(&d->item);
	d->o->known--;
	free(d->text);
	free(d);
}

struct batch *drain_next(const struct drain *d)
{
	struct batch *b;

	list_each(b, &d->batches, item)
	{
		if (b->sent < b->len)
			return b;
	}
	return NULL;
}

void drain_go(struct drain *d)
{
	struct error err = {0};
	int rc;

	if (d->state != DRAIN_IDLE || !drain_next(d))
		return;
	rc = drain_is_syslog(&d->url) ? stream_begin(d, &err)
	                              : http_begin(d, &err);
	if (rc == -1)
		drain_failed(d, &err);
}

/* --- what logd is told ---------------------------------------------------- */

static struct frame_out begin(
    const struct drain *d, enum msg type, uint64_t seq)
{
	struct frame_out o = frame_begin(type, 0);

	frame_put_u64(&o, F_DRAIN, d->id);
	frame_put_u64(&o, F_SEQ, seq);
	return o;
}

static void tell(struct outbound *ob, struct frame_out *o)
{
	struct error err = {0};

	if (ipc_send_fd(OUTBOUND_CONN, o, &err) == -1)
		ob->over = true;
}

void drain_told_sent(struct drain *d, struct batch *b)
{
	struct frame_out o = begin(d, MSG_DRAIN_SENT, b->seq);

	free(b->bytes); /* if it is lost, logd makes it again */
	b->bytes = NULL;
	tell(d->o, &o);
}

void drain_arrived(struct drain *d)
{
	struct frame_out o;
	struct batch *b;
	uint64_t seq = 0;

	list_each(b, &d->batches, item)
	{
		if (b->sent < b->len)
			break;
		seq = b->seq;
		batch_free(b);
	}
	if (!seq)
		return;
	o = begin(d, MSG_DRAIN_DONE, seq);
	tell(d->o, &o);
}

void drain_failed(struct drain *d, const struct error *why)
{
	struct batch *first = container_of(d->batches.next, struct batch, item);
	struct frame_out o;

	call_end(d);
	if (list_empty(&d->batches))
		return;
	o = begin(d, MSG_DRAIN_FAILED, first->seq);
	frame_put_u64(&o, F_CODE, why->code);
	frame_put_z(&o, F_TEXT, why->msg);
	d->dead_epoch = first->epoch;
	drop_batches(d);
	tell(d->o, &o);
}
