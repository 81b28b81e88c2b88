#include "peers.h"

#include <stdio.h>

#include "bases.h"
#include "build.h"

/* --- web ------------------------------------------------------------------ */

static void on_start(struct builder *b, struct peer *p, struct frame *f)
{
	struct error err = {0};

	/* Sent again after a reconnect: what goes on goes on. */
	if (build_find(b, frame_u64(f, F_BUILD)))
		return;
	if (!build_new(b, f, &err)) {
		struct frame_out o = frame_begin(MSG_BUILD_FAILED, 0);

		frame_put_u64(&o, F_BUILD, frame_u64(f, F_BUILD));
		frame_put_z(&o, F_TEXT, err.msg);
		(void)peer_send(p, &o);
		return;
	}
	builder_next(b);
}

static void on_cancel(struct builder *b, struct peer *p, struct frame *f)
{
	struct build *bd = build_find(b, frame_u64(f, F_BUILD));

	if (bd)
		build_cancel(bd);
}

static void on_answer(struct builder *b, struct peer *p, struct frame *f)
{
	asks_answer(&b->asks, p, f);
}

static void on_exited(struct builder *b, struct peer *p, struct frame *f)
{
	jobs_exited(b, f);
}

static const struct {
	enum msg type;
	void (*handle)(struct builder *b, struct peer *p, struct frame *f);
} handlers[] = {
    {MSG_BUILD_START, on_start},
    {MSG_BUILD_CANCEL, on_cancel},
    {MSG_JOB_EXITED, on_exited},
    {MSG_OK, on_answer},
    {MSG_ERROR, on_answer},
};

static void on_frame(struct peer *p, struct frame *f, void *ctx)
{
	for (size_t i = 0; i < NELEM(handlers); i++)
		if (handlers[i].type == f->type)
			handlers[i].handle(ctx, p, f);
}

static void web_up(struct peer *p, void *ctx)
{
	struct builder *b = ctx;
	struct build *bd;

	list_each(bd, &b->builds, of_builder) tell_again(bd);
}

static void web_down(struct peer *p, void *ctx)
{
	struct builder *b = ctx;

	asks_lost(&b->asks, p);
}

/* The base images are made at once, so that no push waits for it. */
static void plan_up(struct peer *p, void *ctx)
{
	struct builder *b = ctx;

	(void)bases_ready(b->bases);
	builder_next(b);
}

static void plan_down(struct peer *p, void *ctx)
{
	struct builder *b = ctx;
	struct build *bd;

	asks_lost(&b->asks, p);
	bases_lost(b->bases);
	list_each(bd, &b->builds, of_builder) build_lost(bd);
	builder_next(b);
}

static const struct peer_ops web_ops = {web_up, on_frame, web_down};
static const struct peer_ops plan_ops = {plan_up, on_frame, plan_down};

void peers_connect(struct builder *b)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/plan.sock", b->settings->run);
	b->plan =
	    ipc_connect(b->ev, path, ROLE_BUILDER, ROLE_PLAN, &plan_ops, b);
	snprintf(path, sizeof(path), "%s/web.sock", b->settings->run);
	b->web = ipc_connect(b->ev, path, ROLE_BUILDER, ROLE_WEB, &web_ops, b);
}
