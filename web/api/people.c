/* people - who may reach an app: domains for visitors, collaborators. */
#include "api/handlers.h"
#include "apps.h"
#include "routes.h"

struct rows {
	struct request *r;
	json_t *json;
};

/* --- domains -------------------------------------------------------------- */

static void add_domain(void *arg, const struct domain *d)
{
	struct rows *l = arg;

	(void)json_array_append_new(
	    l->json, shape_domain(l->r->w, &l->r->app, d));
}

/* The one that every app has; its id is the app's. */
static struct domain own_domain(struct request *r)
{
	struct domain d = {.created_at = r->app.created_at};
	char host[288];

	routes_host(r->w, r->app.name, host);
	memcpy(d.uuid, r->app.uuid, sizeof(d.uuid));
	memcpy(d.hostname, host, sizeof(d.hostname) - 1);
	return d;
}

void on_domains(struct request *r)
{
	struct rows l = {r, json_array()};
	struct domain own = own_domain(r);
	struct error err = {0};

	add_domain(&l, &own);
	if (store_domain_list(r->w->store, r->app.id, add_domain, &l, &err) ==
	    -1) {
		json_decref(l.json);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, l.json);
}

/* The domain of the path, by name or id. */
static int find_domain(struct request *r, struct domain *ret, struct error *err)
{
	*ret = own_domain(r);
	if (str_eqz(r->match.args[1], ret->hostname))
		return 0;
	if (store_domain_find(r->w->store, r->match.args[1], ret, err) == -1)
		return -1;
	if (ret->app != r->app.id)
		return error_set(
		    err, ERR_NOT_FOUND, "The app has no such domain.");
	return 0;
}

void on_domain_info(struct request *r)
{
	struct error err = {0};
	struct domain d;

	if (find_domain(r, &d, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_domain(r->w, &r->app, &d));
}

void on_domain_create(struct request *r)
{
	struct error err = {0};
	struct domain d;
	struct str host;

	if (request_text(r, "hostname", &host, &err) == -1 ||
	    apps_add_domain(r->w, &r->actor.account, &r->app, host, &err) ==
	        -1 ||
	    store_domain_find(r->w->store, host, &d, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 201, shape_domain(r->w, &r->app, &d));
}

void on_domain_delete(struct request *r)
{
	struct error err = {0};
	struct domain d;

	if (find_domain(r, &d, &err) == -1) {
		request_error(r, &err);
		return;
	}
	if (!d.id) {
		request_refuse(r, 422, "invalid_params",
		    "%s is the app's own name and stays.", d.hostname);
		return;
	}
	if (apps_del_domain(r->w, &r->actor.account, &r->app, str_z(d.hostname),
	        &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_domain(r->w, &r->app, &d));
}

/* --- collaborators -------------------------------------------------------- */

static void add_collaborator(void *arg, const struct collaborator *c)
{
	struct rows *l = arg;

	(void)json_array_append_new(
	    l->json, shape_collaborator(&l->r->app, &c->account, c->uuid,
	                 c->created_at, false));
}

void on_collaborators(struct request *r)
{
	struct rows l = {r, json_array()};
	struct error err = {0};
	struct account owner;

	if (store_account_get(r->w->store, r->app.owner, &owner, &err) == -1 ||
	    store_collaborator_list(
	        r->w->store, r->app.id, add_collaborator, &l, &err) == -1) {
		json_decref(l.json);
		request_error(r, &err);
		return;
	}
	(void)json_array_insert_new(l.json, 0,
	    shape_collaborator(
	        &r->app, &owner, r->app.uuid, r->app.created_at, true));
	request_json(r, 200, l.json);
}

void on_collaborator_create(struct request *r)
{
	const json_t *user = json_object_get(r->json, "user");
	const json_t *name =
	    json_is_object(user) ? json_object_get(user, "email") : user;
	struct error err = {0};
	struct account who;

	if (!json_is_string(name)) {
		request_refuse(r, 422, "invalid_params",
		    "\"user\" is the e-mail address of an account.");
		return;
	}
	if (store_account_by_email(r->w->store, str_z(json_string_value(name)),
	        &who, &err) == -1 ||
	    apps_add_collaborator(
	        r->w, &r->actor.account, &r->app, &who, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 201,
		    shape_collaborator(
		        &r->app, &who, who.uuid, shape_now(), false));
}

void on_collaborator_delete(struct request *r)
{
	struct error err = {0};
	struct account who;

	if (store_account_by_email(r->w->store, r->match.args[1], &who, &err) ==
	        -1 ||
	    apps_del_collaborator(
	        r->w, &r->actor.account, &r->app, &who, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200,
		    shape_collaborator(
		        &r->app, &who, who.uuid, shape_now(), false));
}
