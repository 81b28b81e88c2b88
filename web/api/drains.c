/* drains - the addresses that an app's log is sent to. */
#include "drains.h"
#include "api/handlers.h"

struct rows {
	struct request *r;
	json_t *json;
};

static json_t *shape_drain(const struct request *r, const struct log_drain *d)
{
	return json_pack("{s:n, s:s, s:s, s:s, s:o, s:o, s:{s:s, s:s}}",
	    "addon", "id", d->uuid, "token", d->token, "url", d->url,
	    "created_at", shape_time(d->created_at), "updated_at",
	    shape_time(d->created_at), "app", "id", r->app.uuid, "name",
	    r->app.name);
}

static void add_row(void *arg, const struct log_drain *d)
{
	struct rows *l = arg;

	(void)json_array_append_new(l->json, shape_drain(l->r, d));
}

void on_drains(struct request *r)
{
	struct rows l = {r, json_array()};
	struct error err = {0};

	if (store_drain_list(r->w->store, r->app.id, add_row, &l, &err) == -1) {
		json_decref(l.json);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, l.json);
}

void on_drain_info(struct request *r)
{
	struct error err = {0};
	struct log_drain d;

	if (drains_find(r->w, &r->app, r->match.args[1], &d, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_drain(r, &d));
}

void on_drain_create(struct request *r)
{
	struct error err = {0};
	struct log_drain d;
	struct str url;

	if (request_text(r, "url", &url, &err) == -1 ||
	    drains_add(r->w, &r->actor.account, &r->app, url, &d, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 201, shape_drain(r, &d));
}

void on_drain_delete(struct request *r)
{
	struct error err = {0};
	struct log_drain d;

	if (drains_find(r->w, &r->app, r->match.args[1], &d, &err) == -1 ||
	    drains_del(r->w, &r->actor.account, &r->app, &d, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_drain(r, &d));
}
