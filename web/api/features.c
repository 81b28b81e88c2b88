/* features - what an app has switched on. */
#include "api/handlers.h"
#include "meta.h"
#include "want.h"

static json_t *shape_feature(struct request *r)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:o, s:o}",
	    "id", "01234567-89ab-4cde-8f01-23456789abcd", "name",
	    FEATURE_METADATA, "display_name", "Dyno metadata", "description",
	    "Variables about app, release and dyno (HEROKU_RELEASE_VERSION "
	    "and others) in the environment",
	    "doc_url", "", "enabled",
	    (int)store_feature(r->w->store, r->app.id, FEATURE_METADATA),
	    "state", "general", "feedback_email", "", "created_at",
	    shape_time(r->app.created_at), "updated_at",
	    shape_time(r->app.updated_at));
}

void on_features(struct request *r)
{
	json_t *list = json_array();

	(void)json_array_append_new(list, shape_feature(r));
	request_json(r, 200, list);
}

/* Is it the one that there is? If not, the request is refused. */
static bool is_known(struct request *r)
{
	if (str_eqz(r->match.args[1], FEATURE_METADATA))
		return true;
	request_refuse(r, 404, "not_found",
	    "There is no such feature. See `paas features`.");
	return false;
}

void on_feature_info(struct request *r)
{
	if (is_known(r))
		request_json(r, 200, shape_feature(r));
}

void on_feature_change(struct request *r)
{
	json_t *enabled = json_object_get(r->json, "enabled");
	struct error err = {0};

	if (!is_known(r))
		return;
	if (!json_is_boolean(enabled)) {
		request_refuse(
		    r, 422, "invalid_params", "\"enabled\" is true or false.");
		return;
	}
	if (store_feature_set(r->w->store, r->app.id, FEATURE_METADATA,
	        json_is_true(enabled), &err) == -1) {
		request_error(r, &err);
		return;
	}
	want_again(r->w, r->app.id); /* for what is started from now on */
	request_json(r, 200, shape_feature(r));
}
