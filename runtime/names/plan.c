#include "base/log.h"
#include "names.h"

/* --- what apps may reach -------------------------------------------------- */

static void on_net_begin(struct names *n, struct frame *f)
{
	who_apps_mark(&n->who);
}

static void on_net_end(struct names *n, struct frame *f)
{
	who_apps_sweep(&n->who);
	open_forget(n);
}

/* F_EGRESS*, groups of F_LINK F_APP_NAME. */
static void on_net(struct names *n, struct frame *f)
{
	struct who_app *a = who_app_new(frame_u64(f, F_APP));
	struct str value;
	uint64_t link = 0;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_EGRESS)
			who_app_rule(a, value);
		else if (tag == F_LINK)
			link = frame_number(value);
		else if (tag == F_APP_NAME && link)
			who_app_link(a, link, value);
	}
	who_app_put(&n->who, a);
	open_forget(n);
}

/* --- instances ------------------------------------------------------------ */

static void on_endpoints_begin(struct names *n, struct frame *f)
{
	who_endpoints_mark(&n->who);
}

static void on_endpoints_end(struct names *n, struct frame *f)
{
	who_endpoints_sweep(&n->who);
}

static void on_endpoint(struct names *n, struct frame *f)
{
	struct endpoint *e;
	struct ip ip;

	if (!ip_parse(frame_str(f, F_ADDRESS), &ip) || !ip_is4(&ip))
		return;
	e = who_endpoint(&n->who, frame_u64(f, F_INSTANCE), &ip);
	e->app = frame_u64(f, F_APP);
	e->found = frame_u64(f, F_STATE) == 1;
	str_copy(frame_str(f, F_APP_NAME), e->app_name, sizeof(e->app_name));
	str_copy(frame_str(f, F_NAME), e->name, sizeof(e->name));
	str_copy(frame_str(f, F_PTYPE), e->type, sizeof(e->type));
}

static void on_endpoint_gone(struct names *n, struct frame *f)
{
	who_endpoint_drop(&n->who, frame_u64(f, F_INSTANCE));
}

/* --- the rest ------------------------------------------------------------- */

static void on_resolvers(struct names *n, struct frame *f)
{
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	n->nresolvers = 0;
	while (
	    n->nresolvers < RESOLVERS_MAX && frame_next(f, &pos, &tag, &value))
		if (tag == F_ADDRESS &&
		    ip_parse(value, &n->resolvers[n->nresolvers]))
			n->nresolvers++;
	log_info("resolvers n=%zu", n->nresolvers);
}

static void on_answer(struct names *n, struct frame *f)
{
	struct error err = {0};

	if (f->type == MSG_ERROR) {
		frame_error(f, &err);
		log_warn("not opened: %s", err.msg);
		open_forget(n);
	}
	if (f->id)
		query_opened(n, f->id);
}

static const struct {
	uint16_t type;
	void (*handle)(struct names *n, struct frame *f);
} handlers[] = {
    {MSG_OK, on_answer},
    {MSG_ERROR, on_answer},
    {MSG_NET_BEGIN, on_net_begin},
    {MSG_NET, on_net},
    {MSG_NET_END, on_net_end},
    {MSG_ENDPOINTS_BEGIN, on_endpoints_begin},
    {MSG_ENDPOINT, on_endpoint},
    {MSG_ENDPOINTS_END, on_endpoints_end},
    {MSG_ENDPOINT_GONE, on_endpoint_gone},
    {MSG_RESOLVERS, on_resolvers},
};

static void plan_up(struct peer *p, void *ctx)
{
	((struct names *)ctx)->plan = p; /* a later one is the one that lives */
}

static void plan_frame(struct peer *p, struct frame *f, void *ctx)
{
	struct names *n = ctx;

	if (p != n->plan)
		return;
	for (size_t i = 0; i < NELEM(handlers); i++)
		if (handlers[i].type == f->type)
			handlers[i].handle(n, f);
}

static void plan_down(struct peer *p, void *ctx)
{
	struct names *n = ctx;

	if (n->plan != p)
		return;
	n->plan = NULL;
	open_forget(n); /* what it was asked for may never be done */
	query_opened(n, 0);
}

static const struct peer_ops ops = {plan_up, plan_frame, plan_down};

void plan_listen(struct names *n, int fd, const struct roles *roles)
{
	n->listener = ipc_listen(n->ev, fd, ROLE_NAMES, roles, &ops, n);
}
