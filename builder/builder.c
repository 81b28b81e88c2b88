#include "builder.h"

#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "bases.h"
#include "build.h"

/* --- works ---------------------------------------------------------------- */

struct drop {
	struct list of_builder;
	struct builder *b;
	uint64_t work;
	struct ask ask;
	bool done;
};

static void dropped(struct ask *a, const struct error *err)
{
	struct drop *d = container_of(a, struct drop, ask);

	if (err)
		log_warn("work not removed: %s", err->msg);
	d->done = true;
	builder_next(d->b);
}

static void drop_send(struct drop *d)
{
	struct frame_out o = ask_begin(&d->ask, d->b->plan, MSG_WORK_DROP);
	struct error err;

	d->ask.answered = dropped;
	frame_put_u64(&o, F_WORK, d->work);
	(void)ask_send(&d->b->asks, &d->ask, &o, &err);
}

void builder_drop_work(struct builder *b, uint64_t work)
{
	struct drop *d = xcalloc(1, sizeof(*d));

	d->b = b;
	d->work = work;
	list_add(&b->drops, &d->of_builder);
	builder_next(b);
}

static void sweep_drops(struct builder *b)
{
	struct drop *d;

	list_each(d, &b->drops, of_builder)
	{
		if (d->done) {
			list_del(&d->of_builder);
			free(d);
		} else if (!d->ask.id && peer_is_up(b->plan)) {
			drop_send(d);
		}
	}
}

/* --- builds --------------------------------------------------------------- */

static void fail_queued(struct builder *b, const char *reason)
{
	struct build *bd;

	list_each(bd, &b->builds, of_builder)
	{
		if (bd->state == QUEUED)
			build_end(bd, reason);
	}
}

/* Can this one begin? Otherwise its log says why not. */
static bool may_begin(struct builder *b, struct build *bd, size_t before)
{
	if (before >= BUILDS_AT_ONCE) {
		build_say_waiting(bd, before);
		return false;
	}
	if (!peer_is_up(b->plan))
		return false;
	if (bases_ready(b->bases)) {
		build_say_imported(bd);
		return true;
	}
	if (bases_import(b->bases))
		build_say_bases(bd);
	return false;
}

static void start_builds(struct builder *b)
{
	struct build *bd;
	size_t before = 0;

	list_each(bd, &b->builds, of_builder)
	{
		if (bd->state == QUEUED && may_begin(b, bd, before))
			build_begin(bd);
		before += build_at_work(bd) || bd->state == QUEUED;
	}
}

static void sweep_builds(struct builder *b)
{
	struct build *bd;

	list_each(bd, &b->builds, of_builder)
	{
		if (build_over(bd))
			build_free(bd);
	}
}

static void pass(void *arg)
{
	struct builder *b = arg;
	const char *failed;

	b->pass_due = false;
	if (b->closing)
		return;
	sweep_builds(b);
	start_builds(b);
	failed = bases_failed(b->bases);
	if (failed)
		fail_queued(b, failed);
	sweep_drops(b);
}

void builder_next(struct builder *b)
{
	if (!b->pass_due)
		ev_defer(b->ev, pass, b);
	b->pass_due = true;
}

void builder_init(struct builder *b, const struct settings *settings,
    const struct proxy *proxy)
{
	*b = (struct builder){.ev = ev_new(),
	    .settings = settings,
	    .proxy = proxy,
	    .dir = -1,
	    .nothing = -1};
	asks_init(&b->asks);
	list_init(&b->builds);
	list_init(&b->jobs);
	list_init(&b->drops);
}

void builder_release(struct builder *b)
{
	struct build *bd;
	struct drop *d;

	b->closing = true;
	peer_close(b->web);
	peer_close(b->plan);
	ev_turn(b->ev, 0); /* the peers say good-bye while all is there */
	list_each(bd, &b->builds, of_builder) build_free(bd);
	list_each(d, &b->drops, of_builder)
	{
		ask_forget(&d->ask);
		list_del(&d->of_builder);
		free(d);
	}
	bases_free(b->bases);
	fd_close(&b->dir);
	fd_close(&b->nothing);
	ev_free(b->ev); /* runs what is still deferred */
	*b = (struct builder){.dir = -1, .nothing = -1};
}
