#include "peers.h"

#include <stdio.h>

#include "applog.h"
#include "ask.h"
#include "await.h"
#include "base/log.h"
#include "builds.h"
#include "cron.h"
#include "drains.h"
#include "dynos.h"
#include "gone.h"
#include "ipc/msg.h"
#include "net.h"
#include "push.h"
#include "rollout.h"
#include "routes.h"
#include "volumes.h"
#include "want.h"

static void on_answer(struct web *w, struct peer *p, struct frame *f)
{
	ask_answered(w, p, f);
}

/* msg_check has seen to who may send which. */
static const struct {
	enum msg type;
	void (*handle)(struct web *w, struct peer *p, struct frame *f);
} handlers[] = {
    {MSG_OK, on_answer},
    {MSG_ERROR, on_answer},

    {MSG_PUSH_AUTH, push_auth},
    {MSG_PUSH_OPEN, push_open},
    {MSG_PUSH_WATCH, push_watch},
    {MSG_PUSH_SETTLED, push_settled},
    {MSG_PUSH_LIST, push_list},

    {MSG_BUILD_TICK, builds_tick},
    {MSG_BUILD_STAGE, builds_stage},
    {MSG_BUILD_DONE, builds_done},
    {MSG_BUILD_FAILED, builds_failed},

    {MSG_DYNOS_BEGIN, dynos_begin},
    {MSG_DYNO, dynos_put},
    {MSG_DYNOS_END, dynos_end},
    {MSG_DYNO_GONE, dynos_gone},
    {MSG_APP_REST, dynos_rests},
    {MSG_CRON_DUE, cron_due},
    {MSG_RUN_EXITED, rollout_run_exited},
    {MSG_RELEASE_LIVE, rollout_live},
    {MSG_RELEASE_FAILED, rollout_failed},
    {MSG_RELEASE_NOTE, rollout_note},
};

static void peer_frame(struct peer *p, struct frame *f, void *ctx)
{
	for (size_t i = 0; i < NELEM(handlers); i++) {
		if (handlers[i].type != f->type)
			continue;
		handlers[i].handle(ctx, p, f);
		return;
	}
	log_warn("frame not known type=%s", msg_name(f->type));
}

/* Of two that claim a role, the one that came last. */
static void replace(struct peer **place, struct peer *p)
{
	if (*place && *place != p)
		peer_close(*place);
	*place = p;
}

static void peer_up(struct peer *p, void *ctx)
{
	struct web *w = ctx;

	log_info("connected peer=%s", role_name(peer_role(p)));
	switch (peer_role(p)) {
	case ROLE_GITD:
		replace(&w->gitd, p);
		gone_up(w, GONE_GITD);
		break;
	case ROLE_BUILDER:
		replace(&w->builder, p);
		builds_up(w);
		break;
	case ROLE_ROUTER:
		routes_up(w);
		break;
	case ROLE_PLAN:
		net_up(w); /* before what is under it starts */
		want_up(w);
		volumes_up(w);
		rollout_plan_up(w);
		gone_up(w, GONE_PLAN);
		break;
	case ROLE_LOGD:
		applog_up(w);
		drains_up(w);
		gone_up(w, GONE_LOGD);
		break;
	default:
		break;
	}
	await_peer_up(w, p);
}

static void peer_down(struct peer *p, void *ctx)
{
	struct web *w = ctx;

	log_info("disconnected peer=%s", role_name(peer_role(p)));
	ask_peer_gone(w, p);
	if (p == w->gitd)
		w->gitd = NULL;
	if (p == w->builder) {
		w->builder = NULL;
		builds_down(w);
	}
}

static const struct peer_ops ops = {peer_up, peer_frame, peer_down};

static struct peer *dial(struct web *w, const char *name, enum role role)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", w->settings.run, name);
	return ipc_connect(w->ev, path, ROLE_WEB, role, &ops, w);
}

void peers_open(struct web *w, int fd, const struct roles *roles)
{
	w->listener = ipc_listen(w->ev, fd, ROLE_WEB, roles, &ops, w);
	w->router = dial(w, "router.sock", ROLE_ROUTER);
	w->plan = dial(w, "plan.sock", ROLE_PLAN);
	w->logd = dial(w, "logd.sock", ROLE_LOGD);
}
