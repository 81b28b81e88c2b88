#include "nets.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "handlers.h"

#define UNTOLD (-1) /* names does not know the instance */

struct net { /* of one app, as web told it */
	struct list all;
	uint64_t app;
	bool stale;
	struct buf fields;
};

struct opening {
	struct list all;
	uint64_t peer;              /* the connection of names */
	uint32_t names_id, jail_id; /* of the frames */
};

struct nets {
	struct list apps;
	struct list openings;
	size_t nopenings;
	bool known; /* web has told all at least once */
	struct buf resolvers;
};

static void net_free(struct net *n)
{
	list_del(&n->all);
	buf_release(&n->fields);
	free(n);
}

static void opening_free(struct nets *nets, struct opening *o)
{
	list_del(&o->all);
	nets->nopenings--;
	free(o);
}

struct nets *nets_new(void)
{
	struct nets *n = xcalloc(1, sizeof(*n));

	list_init(&n->apps);
	list_init(&n->openings);
	n->resolvers = (struct buf)BUF_INIT(FRAME_MAX);
	return n;
}

void nets_free(struct nets *n)
{
	struct net *net;
	struct opening *o;

	list_each(net, &n->apps, all) net_free(net);
	list_each(o, &n->openings, all) opening_free(n, o);
	buf_release(&n->resolvers);
	free(n);
}

static void send_fields(struct peer *to, uint16_t type, struct str fields)
{
	struct frame_out o = frame_begin(type, 0);

	frame_put_all(&o, fields);
	(void)plan_send(to, &o);
}

static void send_both(struct plan *p, uint16_t type, struct str fields)
{
	if (peer_is_up(p->jail))
		send_fields(p->jail, type, fields);
	if (peer_is_up(p->names))
		send_fields(p->names, type, fields);
}

/* --- what apps may reach -------------------------------------------------- */

static struct net *find(const struct nets *n, uint64_t app)
{
	struct net *net;

	list_each(net, &n->apps, all)
	{
		if (net->app == app)
			return net;
	}
	return NULL;
}

/* Of an app alone, which may be one that nothing runs of. */
static bool is_empty(const struct frame *f)
{
	return !frame_has(f, F_EGRESS) && !frame_has(f, F_LINK);
}

static void keep(struct nets *n, const struct frame *f)
{
	struct net *net = find(n, frame_u64(f, F_APP));

	if (net)
		net_free(net);
	if (is_empty(f))
		return;
	net = xcalloc(1, sizeof(*net));
	net->app = frame_u64(f, F_APP);
	net->fields = (struct buf)BUF_INIT(FRAME_MAX);
	buf_add(&net->fields, f->fields);
	list_add(&n->apps, &net->all);
}

static void mark(struct nets *n)
{
	struct net *net;

	list_each(net, &n->apps, all) net->stale = true;
}

static void sweep(struct nets *n)
{
	struct net *net;

	list_each(net, &n->apps, all)
	{
		if (net->stale)
			net_free(net);
	}
	n->known = true;
}

void on_net(struct plan *p, struct peer *from, struct frame *f)
{
	if (f->type == MSG_NET_BEGIN)
		mark(p->nets);
	else if (f->type == MSG_NET_END)
		sweep(p->nets);
	else
		keep(p->nets, f);
	send_both(p, f->type, f->fields);
}

static void tell_all(const struct nets *n, struct peer *to)
{
	const struct net *net;

	if (!n->known)
		return;
	send_fields(to, MSG_NET_BEGIN, (struct str){0});
	list_each(net, &n->apps, all)
	    send_fields(to, MSG_NET, buf_str(&net->fields));
	send_fields(to, MSG_NET_END, (struct str){0});
}

void nets_tell_jail(struct plan *p)
{
	tell_all(p->nets, p->jail);
}

void on_resolvers(struct plan *p, struct peer *from, struct frame *f)
{
	buf_clear(&p->nets->resolvers);
	buf_add(&p->nets->resolvers, f->fields);
	if (peer_is_up(p->names))
		send_fields(p->names, MSG_RESOLVERS, f->fields);
}

/* --- opening -------------------------------------------------------------- */

void on_net_open(struct plan *p, struct peer *from, struct frame *f)
{
	struct opening *o;
	struct frame_out out;

	if (!peer_is_up(p->jail) || p->nets->nopenings >= OPENINGS_MAX) {
		refuse(from, f, ERR_UNAVAILABLE, "jail is away, or busy");
		return;
	}
	o = xcalloc(1, sizeof(*o));
	o->peer = peer_id(from);
	o->names_id = f->id;
	o->jail_id = peer_next_id(p->jail);
	list_add(&p->nets->openings, &o->all);
	p->nets->nopenings++;
	out = frame_begin(MSG_NET_OPEN, o->jail_id);
	frame_put_all(&out, f->fields);
	(void)plan_send(p->jail, &out);
}

static void answer(
    struct plan *p, const struct opening *o, uint16_t type, struct str fields)
{
	struct frame_out out;

	if (!o->names_id || !peer_is_up(p->names) ||
	    peer_id(p->names) != o->peer)
		return;
	out = frame_begin(type, o->names_id);
	frame_put_all(&out, fields);
	(void)plan_send(p->names, &out);
}

bool nets_answer(struct plan *p, const struct frame *f)
{
	struct opening *o;

	list_each(o, &p->nets->openings, all)
	{
		if (o->jail_id != f->id)
			continue;
		answer(p, o, f->type, f->fields);
		opening_free(p->nets, o);
		return true;
	}
	return false;
}

void nets_jail_gone(struct plan *p)
{
	struct error err = {0};
	struct opening *o;

	(void)error_set(&err, ERR_UNAVAILABLE, "jail is away");
	list_each(o, &p->nets->openings, all)
	{
		if (o->names_id && peer_is_up(p->names) &&
		    peer_id(p->names) == o->peer)
			(void)peer_send_error(p->names, o->names_id, &err);
		opening_free(p->nets, o);
	}
}

/* --- instances ------------------------------------------------------------ */

static void send_endpoint(struct plan *p, const struct inst *in)
{
	struct frame_out o = frame_begin(MSG_ENDPOINT, 0);

	frame_put_u64(&o, F_INSTANCE, in->id);
	frame_put_u64(&o, F_APP, in->app->id);
	if (in->app->name[0] != '\0')
		frame_put_z(&o, F_APP_NAME, in->app->name);
	frame_put_z(&o, F_ADDRESS, in->address);
	frame_put_z(&o, F_NAME, in->name);
	frame_put_z(&o, F_PTYPE, in->ptype);
	frame_put_u64(&o, F_STATE, in->endpoint == 1);
	(void)plan_send(p->names, &o);
}

void nets_inst_gone(struct plan *p, struct inst *in)
{
	struct frame_out o;

	if (in->endpoint == UNTOLD)
		return;
	in->endpoint = UNTOLD;
	if (!peer_is_up(p->names))
		return;
	o = frame_begin(MSG_ENDPOINT_GONE, 0);
	frame_put_u64(&o, F_INSTANCE, in->id);
	(void)plan_send(p->names, &o);
}

static void look(struct plan *p, struct inst *in)
{
	int want = !inst_has_address(in) ? UNTOLD : inst_is_found(in);

	if (want == in->endpoint)
		return;
	if (want == UNTOLD) {
		nets_inst_gone(p, in);
		return;
	}
	in->endpoint = want;
	if (peer_is_up(p->names))
		send_endpoint(p, in);
}

void nets_look(struct plan *p, struct app *a)
{
	struct inst *in;

	list_each(in, &a->insts, of_app) look(p, in);
}

void nets_tell_names(struct plan *p)
{
	size_t pos = 0;
	void *value;

	send_fields(p->names, MSG_RESOLVERS, buf_str(&p->nets->resolvers));
	tell_all(p->nets, p->names);
	/* Before jail has told what runs, names knows it better. */
	if (!p->jail_known)
		return;
	send_fields(p->names, MSG_ENDPOINTS_BEGIN, (struct str){0});
	while (map_next(p->model.insts_by_id, &pos, NULL, &value)) {
		struct inst *in = value;

		look(p, in);
		if (in->endpoint != UNTOLD)
			send_endpoint(p, in);
	}
	send_fields(p->names, MSG_ENDPOINTS_END, (struct str){0});
}
