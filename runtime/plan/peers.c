#include "peers.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "handlers.h"
#include "nets.h"
#include "store.h"
#include "tell.h"

static void on_answer(struct plan *p, struct peer *from, struct frame *f)
{
	if (from == p->jail)
		jail_answered(p, f);
	else if (from == p->router)
		router_answered(p, f);
}

/* msg_check has seen to who may send which. */
static const struct {
	enum msg type;
	void (*handle)(struct plan *p, struct peer *from, struct frame *f);
} handlers[] = {
    {MSG_OK, on_answer},
    {MSG_ERROR, on_answer},

    {MSG_WANT_BEGIN, on_want_begin},
    {MSG_WANT, on_want},
    {MSG_WANT_END, on_want_end},
    {MSG_WANT_DROP, on_want_drop},
    {MSG_WANT_GONE, on_want_gone},
    {MSG_RUN, on_run},
    {MSG_CRONS, on_crons},
    {MSG_RESIZE, on_resize},
    {MSG_INSTANCE_STOP, on_instance_stop},

    {MSG_JOB, on_job},
    {MSG_JOB_CANCEL, on_job_cancel},
    {MSG_STORE_PUT, on_store},
    {MSG_STORE_HAS, on_store},
    {MSG_WORK_DROP, on_store},
    {MSG_DOCTOR, on_store},
    {MSG_VOLUME_PUT, on_store},
    {MSG_VOLUME_DROP, on_store},

    {MSG_STATES_BEGIN, on_states_begin},
    {MSG_INSTANCE_STATE, on_instance_state},
    {MSG_INSTANCE_MEMORY, on_instance_memory},
    {MSG_INSTANCE_PORTS, on_instance_ports},
    {MSG_ROOM, on_room},
    {MSG_STATES_END, on_states_end},

    {MSG_NET_BEGIN, on_net},
    {MSG_NET, on_net},
    {MSG_NET_END, on_net},
    {MSG_NET_OPEN, on_net_open},
    {MSG_RESOLVERS, on_resolvers},

    {MSG_TARGET_HEALTH, on_target_health},
    {MSG_TARGET_FAILED, on_target_failed},
    {MSG_TARGET_DRAINED, on_target_drained},
    {MSG_APP_QUIET, on_app_quiet},
    {MSG_APP_CALLED, on_app_called},
};

static bool is_replaced(const struct plan *p, const struct peer *from)
{
	return (peer_role(from) == ROLE_WEB && from != p->web) ||
	       (peer_role(from) == ROLE_BUILDER && from != p->builder);
}

static void peer_frame(struct peer *from, struct frame *f, void *ctx)
{
	if (is_replaced(ctx, from))
		return;
	for (size_t i = 0; i < NELEM(handlers); i++) {
		if (handlers[i].type != f->type)
			continue;
		handlers[i].handle(ctx, from, f);
		return;
	}
	log_warn("frame not known type=%s", msg_name(f->type));
}

/* Of two that claim a role, the one that came last. */
static void replace(struct peer **place, struct peer *by)
{
	if (*place && *place != by)
		peer_close(*place);
	*place = by;
}

static void web_is(struct plan *p, struct peer *web)
{
	replace(&p->web, web);
	p->web_told = false;
	plan_touch_all(p);
}

static void builder_is(struct plan *p, struct peer *builder)
{
	builder_gone(p); /* what an earlier one asked for */
	replace(&p->builder, builder);
}

static void jail_changed(struct plan *p, bool up)
{
	p->jail_known = false; /* until its snapshot has come */
	if (up) {
		nets_tell_jail(p);
		store_again(p);
	} else {
		nets_jail_gone(p);
		plan_touch_all(p);
	}
}

static void router_changed(struct plan *p)
{
	p->router_told = false;
	model_router_lost(&p->model, ev_now_ms(p->ev));
	plan_touch_all(p);
}

static void peer_up(struct peer *peer, void *ctx)
{
	struct plan *p = ctx;

	log_info("connected peer=%s", role_name(peer_role(peer)));
	if (peer == p->jail)
		jail_changed(p, true);
	else if (peer == p->router)
		router_changed(p);
	else if (peer == p->logd)
		tell_lines(p);
	else if (peer == p->names)
		nets_tell_names(p);
	else if (peer_role(peer) == ROLE_WEB)
		web_is(p, peer);
	else if (peer_role(peer) == ROLE_BUILDER)
		builder_is(p, peer);
}

static void peer_down(struct peer *peer, void *ctx)
{
	struct plan *p = ctx;

	log_info("disconnected peer=%s", role_name(peer_role(peer)));
	if (peer == p->jail)
		jail_changed(p, false);
	else if (peer == p->router)
		router_changed(p);
	else if (peer == p->web)
		web_is(p, NULL);
	else if (peer == p->builder)
		builder_is(p, NULL);
}

static const struct peer_ops ops = {peer_up, peer_frame, peer_down};

static struct peer *dial(struct plan *p, const char *name, enum role role)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", p->settings->run, name);
	return ipc_connect(p->ev, path, ROLE_PLAN, role, &ops, p);
}

void peers_open(struct plan *p, int fd, const struct roles *roles)
{
	p->listener = ipc_listen(p->ev, fd, ROLE_PLAN, roles, &ops, p);
	p->jail = dial(p, "jail.sock", ROLE_JAIL);
	p->router = dial(p, "router.sock", ROLE_ROUTER);
	p->logd = dial(p, "logd.sock", ROLE_LOGD);
	p->names = dial(p, "names.sock", ROLE_NAMES);
}

void peers_close(struct plan *p)
{
	peer_close(take(p->jail));
	peer_close(take(p->router));
	peer_close(take(p->logd));
	peer_close(take(p->names));
	p->web = p->builder = NULL; /* the listener's */
	ipc_listener_free(take(p->listener));
}
