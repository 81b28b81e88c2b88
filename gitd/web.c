#include "web.h"

#include <inttypes.h>
#include <stdio.h>

#include "auth.h"
#include "base/log.h"
#include "deploy.h"
#include "ipc/msg.h"
#include "repo.h"

static void web_up(struct peer *p, void *ctx)
{
	scoped_frame_out struct frame_out o = {0};
	struct gitd *g = ctx;

	g->list_id = peer_next_id(p);
	o = frame_begin(MSG_PUSH_LIST, g->list_id);
	(void)peer_send(p, &o);
	deploy_web_up(g);
	auth_web_up(g);
}

static void web_down(struct peer *p, void *ctx)
{
	struct gitd *g = ctx;

	g->synced = false;
	g->list_id = 0;
}

/* The answer to somebody's question, or the end of the list. */
static void on_answer(struct gitd *g, struct frame *f)
{
	if (g->list_id && f->id == g->list_id) {
		if (f->type == MSG_ERROR)
			log_error("web does not tell its pushes");
		g->list_id = 0;
		g->synced = true;
		deploy_web_listed(g);
		return;
	}
	if (!auth_answer(g, f))
		(void)deploy_answer(g, f);
}

static void on_drop(struct gitd *g, struct frame *f)
{
	uint64_t id = frame_u64(f, F_REPO);
	struct error err = {0};

	deploy_dropped(g, id);
	if (repo_drop(g, id, &err) == -1) {
		log_error(
		    "repository not removed id=%" PRIu64 ": %s", id, err.msg);
		if (f->id)
			(void)peer_send_error(g->web, f->id, &err);
		return;
	}
	log_info("repository removed id=%" PRIu64, id);
	if (f->id)
		(void)peer_send_ok(g->web, f->id);
}

static const struct {
	enum msg type;
	void (*fn)(struct gitd *g, struct frame *f);
} frames[] = {
    {MSG_OK, on_answer},
    {MSG_ERROR, on_answer},
    {MSG_PUSH_GRANT, on_answer},
    {MSG_PUSH_OPENED, deploy_opened},
    {MSG_PUSH_TICK, deploy_tick},
    {MSG_PUSH_DECIDED, deploy_decided},
    {MSG_PUSH_ROW, deploy_row},
    {MSG_REPO_DROP, on_drop},
};

static void web_frame(struct peer *p, struct frame *f, void *ctx)
{
	for (size_t i = 0; i < NELEM(frames); i++) {
		if (frames[i].type == f->type)
			frames[i].fn(ctx, f);
	}
}

void web_connect(struct gitd *g)
{
	static const struct peer_ops ops = {
	    .up = web_up, .frame = web_frame, .down = web_down};
	char path[96];

	snprintf(path, sizeof(path), "%s/web.sock", g->settings.run);
	g->web = ipc_connect(g->ev, path, ROLE_GITD, ROLE_WEB, &ops, g);
}
