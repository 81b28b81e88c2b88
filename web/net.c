#include "net.h"

#include <inttypes.h>
#include <stdio.h>

#include "applog.h"
#include "audit.h"
#include "base/log.h"
#include "ids.h"
#include "ipc/msg.h"
#include "vars.h"
#include "want.h"
#include "wire/egress.h"

/* --- telling plan --------------------------------------------------------- */

static void put_rule(void *arg, const struct egress_rule *r)
{
	frame_put_z(arg, F_EGRESS, r->rule);
}

static void put_link(void *arg, const struct link *l)
{
	frame_put_u64(arg, F_LINK, (uint64_t)l->to);
	frame_put_z(arg, F_APP_NAME, l->name);
}

void net_tell(struct web *w, int64_t app)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_NET, 0);
	struct error err = {0};

	frame_put_u64(&o, F_APP, (uint64_t)app);
	if (store_egress_list(w->store, app, put_rule, &o, &err) == -1 ||
	    store_link_list(w->store, app, put_link, &o, &err) == -1)
		log_error("plan is not told what may be reached app=%" PRId64
		          ": %s",
		    app, err.msg);
	else if (peer_is_up(w->plan))
		(void)peer_send(w->plan, &o);
}

void net_tell_linked(struct web *w, int64_t to)
{
	scoped_ids struct ids from = {0};

	(void)store_link_from(w->store, to, ids_add, &from, NULL);
	for (size_t i = 0; i < from.n; i++)
		net_tell(w, from.v[i]);
}

static void tell_app(void *arg, const struct app *a)
{
	net_tell(arg, a->id);
}

static void send_plain(struct web *w, uint16_t type)
{
	scoped_frame_out struct frame_out o = frame_begin(type, 0);

	(void)peer_send(w->plan, &o);
}

void net_up(struct web *w)
{
	send_plain(w, MSG_NET_BEGIN);
	net_tell(w, 0);
	(void)store_app_list(w->store, 0, tell_app, w, NULL);
	send_plain(w, MSG_NET_END);
}

/* --- egress --------------------------------------------------------------- */

static int64_t id_of(const struct app *a)
{
	return a ? a->id : 0;
}

static int check_rules(struct web *w, const struct app *a, struct error *err)
{
	uint64_t n;

	if (store_egress_count(w->store, id_of(a), &n, err) == -1)
		return -1;
	if (n < w->settings.egress_max)
		return 0;
	return error_set(err, ERR_LIMIT,
	    "There are %" PRIu64 " rules, and no more are allowed (the setting "
	    "egress_max). Remove one first: paas egress:deny",
	    n);
}

int net_allow(struct web *w, const struct account *by, const struct app *a,
    struct str text, struct egress_rule *ret, struct error *err)
{
	scoped_tx struct store *tx = NULL;
	char rule[EGRESS_TEXT];
	struct egress e;

	if (egress_parse(text, &e, err) == -1 || check_rules(w, a, err) == -1)
		return -1;
	egress_print(&e, rule);
	tx = store_begin(w->store, err);
	if (!tx || store_egress_add(w->store, id_of(a), rule, err) == -1 ||
	    store_egress_find(w->store, id_of(a), str_z(rule), ret, err) ==
	        -1 ||
	    audit(w, by, a, "egress:allow", rule, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	net_tell(w, id_of(a));
	if (a)
		applog(w, a->id, "Allowed egress to %s by user %s", rule,
		    by->email);
	return 0;
}

int net_find(struct web *w, const struct app *a, struct str text,
    struct egress_rule *ret, struct error *err)
{
	char rule[EGRESS_TEXT];
	struct egress e;

	if (egress_parse(text, &e, NULL) == 0) {
		egress_print(&e, rule);
		text = str_z(rule);
	}
	return store_egress_find(w->store, id_of(a), text, ret, err);
}

int net_deny(struct web *w, const struct account *by, const struct app *a,
    const struct egress_rule *rule, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);

	if (!tx || store_egress_del(w->store, rule->id, err) == -1 ||
	    audit(w, by, a, "egress:deny", rule->rule, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	net_tell(w, id_of(a));
	if (a)
		applog(w, a->id, "Denied egress to %s by user %s", rule->rule,
		    by->email);
	return 0;
}

/* --- links ---------------------------------------------------------------- */

static int check_link(
    struct web *w, const struct app *a, const struct app *to, struct error *err)
{
	uint64_t n;

	if (a->id == to->id)
		return error_set(err, ERR_INVALID,
		    "%s can't be linked to itself. Its processes share no "
		    "network: link it to another app.",
		    a->name);
	if (store_link_count(w->store, a->id, &n, err) == -1)
		return -1;
	if (n < w->settings.links_max)
		return 0;
	return error_set(err, ERR_LIMIT,
	    "%s has %" PRIu64 " links, and no more are allowed (the setting "
	    "links_max). Remove one first: paas links:remove",
	    a->name, n);
}

int net_link(struct web *w, const struct account *by, const struct app *a,
    const struct app *to, struct link *ret, struct error *err)
{
	scoped_tx struct store *tx = NULL;

	if (check_link(w, a, to, err) == -1)
		return -1;
	tx = store_begin(w->store, err);
	if (!tx || store_link_add(w->store, a->id, to->id, err) == -1 ||
	    store_link_find(w->store, a->id, str_z(to->uuid), ret, err) == -1 ||
	    audit(w, by, a, "link:add", to->name, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	net_tell(w, a->id);
	want_again(w, a->id);  /* its variable */
	want_again(w, to->id); /* it never rests now */
	applog(w, a->id, "Linked to %s by user %s", to->name, by->email);
	return 0;
}

int net_unlink(struct web *w, const struct account *by, const struct app *a,
    const struct link *l, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);

	if (!tx || store_link_del(w->store, l->id, err) == -1 ||
	    audit(w, by, a, "link:remove", l->name, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	net_tell(w, a->id);
	want_again(w, a->id);
	want_again(w, l->to);
	applog(w, a->id, "Link to %s removed by user %s", l->name, by->email);
	return 0;
}

/* --- the environment ------------------------------------------------------ */

void net_variable(const char *name, char out[40])
{
	snprintf(out, 40, "%.30s_URL", name);
	for (char *c = out; *c; c++)
		*c = *c == '-'                ? '_'
		     : *c >= 'a' && *c <= 'z' ? (char)(*c & ~0x20)
		                              : *c;
}

struct env {
	struct buf *to, had; /* what stood there before */
};

static void add_variable(void *arg, const struct link *l)
{
	struct env *env = arg;
	struct str old;
	char key[40];

	net_variable(l->name, key);
	if (vars_get(buf_str(&env->had), str_z(key), &old))
		return;
	buf_addf(env->to, "%s=http://%s.internal:%u", key, l->name,
	    msg_app_port((uint64_t)l->to));
	buf_addc(env->to, '\0');
}

int net_env(struct web *w, int64_t app, struct buf *to, struct error *err)
{
	struct env env = {to, BUF_INIT(ENV_MAX)};
	int done;

	buf_add(&env.had, buf_str(to));
	done = store_link_list(w->store, app, add_variable, &env, err);
	if (env.had.p)
		explicit_bzero(env.had.p, env.had.len);
	buf_release(&env.had);
	return done;
}
