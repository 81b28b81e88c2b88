/* net - rules of egress, of an app and of all; links between apps. */
#include "net.h"

#include <stdio.h>

#include "api/handlers.h"
#include "ipc/msg.h"

struct rows {
	struct request *r;
	json_t *json;
};

/* --- egress --------------------------------------------------------------- */

static json_t *shape_rule(const struct egress_rule *e, const struct app *a)
{
	json_t *app = a && e->app ? json_pack("{s:s, s:s}", "id", a->uuid,
	                                "name", a->name)
	                          : json_null();

	return json_pack("{s:s, s:s, s:o, s:o}", "id", e->uuid, "rule", e->rule,
	    "app", app, "created_at", shape_time(e->created_at));
}

static void add_rule(void *arg, const struct egress_rule *e)
{
	struct rows *l = arg;

	(void)json_array_append_new(l->json, shape_rule(e, &l->r->app));
}

/* NULL for the routes about every app. */
static const struct app *app_of(const struct request *r)
{
	return r->app.id ? &r->app : NULL;
}

void on_egress(struct request *r)
{
	struct rows l = {r, json_array()};
	struct error err = {0};

	if ((r->app.id && store_egress_list(r->w->store, r->app.id, add_rule,
	                      &l, &err) == -1) ||
	    store_egress_list(r->w->store, 0, add_rule, &l, &err) == -1) {
		json_decref(l.json);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, l.json);
}

/* It opens the machine's own network, whoever's the app is. */
static bool may_open(struct request *r)
{
	if (r->actor.owner)
		return true;
	request_refuse(r, 403, "forbidden",
	    "The owner of the platform alone opens its networks to apps.");
	return false;
}

void on_egress_create(struct request *r)
{
	struct error err = {0};
	struct egress_rule e;
	struct str rule;

	if (!may_open(r))
		return;
	if (request_text(r, "rule", &rule, &err) == -1 ||
	    net_allow(r->w, &r->actor.account, app_of(r), rule, &e, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 201, shape_rule(&e, app_of(r)));
}

void on_egress_delete(struct request *r)
{
	struct str key = r->match.args[app_of(r) ? 1 : 0];
	struct error err = {0};
	struct egress_rule e;

	if (!may_open(r))
		return;
	if (net_find(r->w, app_of(r), key, &e, &err) == -1 ||
	    net_deny(r->w, &r->actor.account, app_of(r), &e, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_rule(&e, app_of(r)));
}

/* --- links ---------------------------------------------------------------- */

static json_t *shape_link(const struct app *a, const struct link *l)
{
	char variable[40], host[48], url[64];

	net_variable(l->name, variable);
	snprintf(host, sizeof(host), "%s.internal", l->name);
	snprintf(url, sizeof(url), "http://%s:%u", host,
	    msg_app_port((uint64_t)l->to));
	return json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:s, s:s, s:s, "
	                 "s:o}",
	    "id", l->uuid, "app", "id", a->uuid, "name", a->name, "to", "id",
	    l->to_uuid, "name", l->name, "hostname", host, "variable", variable,
	    "url", url, "created_at", shape_time(l->created_at));
}

static void add_link(void *arg, const struct link *k)
{
	struct rows *l = arg;

	(void)json_array_append_new(l->json, shape_link(&l->r->app, k));
}

void on_links(struct request *r)
{
	struct rows l = {r, json_array()};
	struct error err = {0};

	if (store_link_list(r->w->store, r->app.id, add_link, &l, &err) == -1) {
		json_decref(l.json);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, l.json);
}

void on_link_create(struct request *r)
{
	struct error err = {0};
	struct str name;
	struct app to;
	struct link l;

	if (request_text(r, "to", &name, &err) == -1) {
		request_error(r, &err);
		return;
	}
	if (name.len == 0) {
		request_refuse(r, 422, "invalid_params",
		    "\"to\" is the name of the app to link to.");
		return;
	}
	if (login_app(r->w, &r->actor, ACTION_APP_OWN, name, &to, &err) == -1 ||
	    net_link(r->w, &r->actor.account, &r->app, &to, &l, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 201, shape_link(&r->app, &l));
}

void on_link_delete(struct request *r)
{
	struct error err = {0};
	struct link l;

	if (store_link_find(
	        r->w->store, r->app.id, r->match.args[1], &l, &err) == -1 ||
	    net_unlink(r->w, &r->actor.account, &r->app, &l, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_link(&r->app, &l));
}
