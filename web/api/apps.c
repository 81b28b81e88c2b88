/* apps - make, list, show, change, destroy; and lists that every client asks
 * for. */
#include "apps.h"

#include "api/handlers.h"

static void add_app(void *arg, const struct app *a)
{
	struct {
		struct web *w;
		json_t *list;
	} *to = arg;

	(void)json_array_append_new(to->list, shape_app(to->w, a));
}

void on_apps(struct request *r)
{
	struct {
		struct web *w;
		json_t *list;
	} to = {r->w, json_array()};
	struct error err = {0};

	if (store_app_list(
	        r->w->store, r->actor.account.id, add_app, &to, &err) == -1) {
		json_decref(to.list);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, to.list);
}

void on_app_create(struct request *r)
{
	struct error err = {0};
	struct str name;
	struct app a;

	if (request_text(r, "name", &name, &err) == -1) {
		request_error(r, &err);
		return;
	}
	if (name.p && name.len == 0) {
		request_refuse(r, 422, "invalid_params",
		    "The name is empty. Leave it out to have one made up.");
		return;
	}
	if (apps_create(r->w, &r->actor.account, name, &a, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 201, shape_app(r->w, &a));
}

void on_app_info(struct request *r)
{
	request_json(r, 200, shape_app(r->w, &r->app));
}

static int change(struct request *r, struct error *err)
{
	const json_t *on = json_object_get(r->json, "maintenance");
	const json_t *stack = json_object_get(r->json, "build_stack");
	struct str name;

	if (on && !json_is_boolean(on))
		return error_set(
		    err, ERR_INVALID, "\"maintenance\" is true or false.");
	if (json_is_object(stack))
		stack = json_object_get(stack, "name");
	if (stack && !(json_is_string(stack) &&
	                 str_eqz(str_z(WEB_STACK), json_string_value(stack))))
		return error_set(
		    err, ERR_INVALID, "There is one stack: " WEB_STACK ".");
	if (request_text(r, "name", &name, err) == -1)
		return -1;
	if (name.p &&
	    apps_rename(r->w, &r->actor.account, &r->app, name, err) == -1)
		return -1;
	if (on && apps_maintain(r->w, &r->actor.account, &r->app,
	              json_is_true(on), err) == -1)
		return -1;
	return 0;
}

void on_app_change(struct request *r)
{
	struct error err = {0};

	if (change(r, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_app(r->w, &r->app));
}

void on_app_delete(struct request *r)
{
	json_t *shape = shape_app(r->w, &r->app);
	struct error err = {0};

	if (apps_destroy(r->w, &r->actor.account, &r->app, &err) == 0) {
		request_json(r, 200, shape);
		return;
	}
	json_decref(shape);
	request_error(r, &err);
}

void on_regions(struct request *r)
{
	request_json(r, 200, json_pack("[o]", shape_region()));
}

void on_stacks(struct request *r)
{
	request_json(r, 200, json_pack("[o]", shape_stack()));
}

void on_nothing(struct request *r)
{
	request_json(r, 200, json_array());
}
