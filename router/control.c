#include "control.h"

#include <inttypes.h>

#include "base/log.h"
#include "router.h"
#include "watch.h"

/* --- web: hosts, rendezvous ----------------------------------------------- */

static void on_routes_begin(struct router *r, struct peer *p, struct frame *f)
{
	r->routes_filling = true;
	route_set_clear(r->route_set);
}

static void on_routes_end(struct router *r, struct peer *p, struct frame *f)
{
	r->routes_filling = false;
	r->routes_known = true;
	router_publish(r);
}

/* Inside BEGIN..END only the whole is taken over. */
static void changed(struct router *r)
{
	if (!r->routes_filling)
		router_publish(r);
}

static void on_route(struct router *r, struct peer *p, struct frame *f)
{
	struct route to = {.to = (enum route_target)frame_u64(f, F_TARGET),
	    .app = frame_u64(f, F_APP)};

	route_set_put(r->route_set, frame_str(f, F_HOST), to);
	changed(r);
}

static void on_route_drop(struct router *r, struct peer *p, struct frame *f)
{
	route_set_drop(r->route_set, frame_str(f, F_HOST));
	changed(r);
}

static void on_attach_add(struct router *r, struct peer *p, struct frame *f)
{
	attach_add(r, frame_str(f, F_SECRET), frame_u64(f, F_INSTANCE),
	    frame_u64(f, F_MS));
}

/* --- plan: instances ------------------------------------------------------ */

static void on_targets_begin(struct router *r, struct peer *p, struct frame *f)
{
	fleet_begin(r);
}

static void on_targets_end(struct router *r, struct peer *p, struct frame *f)
{
	fleet_end(r);
}

static void on_target(struct router *r, struct peer *p, struct frame *f)
{
	struct str checks[WATCHES_MAX], value;
	size_t n = 0, pos = 0;
	uint16_t tag;

	while (frame_next(f, &pos, &tag, &value))
		if (tag == F_CHECK && n < WATCHES_MAX)
			checks[n++] = value;
	fleet_set(r, frame_u64(f, F_INSTANCE), frame_u64(f, F_APP),
	    (unsigned)frame_u64(f, F_PORT), frame_str(f, F_NAME), checks, n,
	    (enum target_state)frame_u64(f, F_STATE));
}

static void on_target_drop(struct router *r, struct peer *p, struct frame *f)
{
	struct target *t = fleet_target(r, frame_u64(f, F_INSTANCE));

	if (t)
		fleet_drop(t);
}

static void on_target_app(struct router *r, struct peer *p, struct frame *f)
{
	fleet_front(fleet_app(r, frame_u64(f, F_APP)),
	    (enum app_front)frame_u64(f, F_STATE), frame_u64(f, F_FREEZE_MS));
}

/* --- the door ------------------------------------------------------------- */

/* msg_check has seen to who may send which; here each number's range. */
static const struct op {
	uint16_t type;
	struct {
		uint16_t tag;
		uint64_t max;
	} bounds[2];
	void (*handle)(struct router *r, struct peer *p, struct frame *f);
} ops[] = {
    {MSG_ROUTES_BEGIN, {}, on_routes_begin},
    {MSG_ROUTE, {{F_TARGET, ROUTE_APP}}, on_route},
    {MSG_ROUTES_END, {}, on_routes_end},
    {MSG_ROUTE_DROP, {}, on_route_drop},
    {MSG_ATTACH_ADD, {{F_MS, 86400000}}, on_attach_add},
    {MSG_TARGETS_BEGIN, {}, on_targets_begin},
    {MSG_TARGET, {{F_STATE, TARGET_SLEEP}, {F_PORT, 65535}}, on_target},
    {MSG_TARGETS_END, {}, on_targets_end},
    {MSG_TARGET_DROP, {}, on_target_drop},
    {MSG_TARGET_APP, {{F_STATE, FRONT_ASLEEP}}, on_target_app},
};

/* Who has requests can't be sent to sleep. */
static int check_sleep(struct router *r, struct frame *f, struct error *err)
{
	struct target *t = fleet_target(r, frame_u64(f, F_INSTANCE));

	if (f->type != MSG_TARGET || frame_u64(f, F_STATE) != TARGET_SLEEP ||
	    !t || !target_is_busy(t))
		return 0;
	return error_set(err, ERR_UNAVAILABLE, "it has requests");
}

static int check_op(const struct op *op, struct frame *f, struct error *err)
{
	for (size_t i = 0; i < NELEM(op->bounds); i++) {
		uint16_t tag = op->bounds[i].tag;

		if (tag && frame_u64(f, tag) > op->bounds[i].max)
			return error_set(err, ERR_INVALID,
			    "%s: a number of %" PRIu64, msg_name(f->type),
			    frame_u64(f, tag));
	}
	return 0;
}

static void peer_frame(struct peer *p, struct frame *f, void *ctx)
{
	struct error err = {0};

	for (size_t i = 0; i < NELEM(ops); i++) {
		const struct op *op = &ops[i];

		if (op->type != f->type)
			continue;
		if (check_op(op, f, &err) == -1 ||
		    check_sleep(ctx, f, &err) == -1) {
			log_warn("frame refused: %s", err.msg);
			if (f->id)
				(void)peer_send_error(p, f->id, &err);
			return;
		}
		op->handle(ctx, p, f);
		if (f->id)
			(void)peer_send_ok(p, f->id);
		return;
	}
}

static struct peer **place_of(struct router *r, const struct peer *p)
{
	struct control *c = &r->control;

	switch (peer_role(p)) {
	case ROLE_WEB:
		return &c->web;
	case ROLE_PLAN:
		return &c->plan;
	case ROLE_LOGD:
		return &c->logd;
	default:
		return NULL;
	}
}

static void peer_up(struct peer *p, void *ctx)
{
	struct peer **place = place_of(ctx, p);

	log_info("connected peer=%s", role_name(peer_role(p)));
	if (place)
		*place = p; /* of two, the one that came last */
}

static void peer_down(struct peer *p, void *ctx)
{
	struct peer **place = place_of(ctx, p);

	log_info("disconnected peer=%s", role_name(peer_role(p)));
	if (place && *place == p)
		*place = NULL;
}

static const struct peer_ops peer_ops = {peer_up, peer_frame, peer_down};

void control_open(struct router *r, int fd, const struct roles *roles)
{
	r->control.listener =
	    ipc_listen(r->ev, fd, ROLE_ROUTER, roles, &peer_ops, r);
}

void control_close(struct router *r)
{
	if (r->control.listener)
		ipc_listener_free(r->control.listener);
	r->control.listener = NULL;
}

/* --- what they are told --------------------------------------------------- */

bool control_logs(const struct router *r)
{
	return r->control.listener;
}

static void send_line(struct router *r, uint64_t app, struct str text)
{
	struct control *c = &r->control;
	struct frame_out o = frame_begin(MSG_LOG_WRITE, 0);

	frame_put_u64(&o, F_APP, app);
	frame_put(&o, F_SOURCE, STR("heroku"));
	frame_put(&o, F_PROC, STR("router"));
	frame_put(&o, F_TEXT, text);
	if (peer_send(c->logd, &o) == -1)
		c->dropped++;
}

void control_log(struct router *r, uint64_t app, struct str text)
{
	struct control *c = &r->control;

	if (!c->logd) {
		c->dropped++;
		return;
	}
	if (c->dropped > 0) {
		log_warn("router log lines dropped n=%" PRIu64, c->dropped);
		c->dropped = 0;
	}
	send_line(r, app, text);
}

void control_health(struct router *r, uint64_t instance, unsigned status)
{
	struct frame_out o = frame_begin(MSG_TARGET_HEALTH, 0);

	frame_put_u64(&o, F_INSTANCE, instance);
	frame_put_u64(&o, F_STATUS, status);
	if (r->control.plan)
		(void)peer_send(r->control.plan, &o);
	else
		frame_out_release(&o);
}

void control_failed(struct router *r, uint64_t instance, struct str text)
{
	struct frame_out o = frame_begin(MSG_TARGET_FAILED, 0);

	frame_put_u64(&o, F_INSTANCE, instance);
	frame_put(&o, F_TEXT, text);
	if (r->control.plan)
		(void)peer_send(r->control.plan, &o);
	else
		frame_out_release(&o);
}

static void send_app(struct router *r, uint16_t type, uint64_t app)
{
	struct frame_out o = frame_begin(type, 0);

	frame_put_u64(&o, F_APP, app);
	if (r->control.plan)
		(void)peer_send(r->control.plan, &o);
	else
		frame_out_release(&o);
}

void control_quiet(struct router *r, uint64_t app)
{
	send_app(r, MSG_APP_QUIET, app);
}

void control_called(struct router *r, uint64_t app)
{
	send_app(r, MSG_APP_CALLED, app);
}

void control_drained(struct router *r, uint64_t instance)
{
	struct frame_out o = frame_begin(MSG_TARGET_DRAINED, 0);

	frame_put_u64(&o, F_INSTANCE, instance);
	if (r->control.plan)
		(void)peer_send(r->control.plan, &o);
	else
		frame_out_release(&o);
}
