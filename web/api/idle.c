/* idle - apps that may rest while nobody asks for them. */
#include "api/handlers.h"
#include "apps.h"
#include "dynos.h"
#include "want.h"

static const char *state_name(enum app_rest rest)
{
	switch (rest) {
	case REST_FROZEN:
		return "frozen";
	case REST_STOPPED:
		return "stopped";
	default:
		return "awake";
	}
}

static json_t *seconds(uint64_t n)
{
	return n ? json_integer((json_int_t)n) : json_null();
}

void on_idle(struct request *r)
{
	struct error err = {0};
	struct idle i;

	if (store_idle_get(r->w->store, r->app.id, &i, &err) == -1) {
		request_error(r, &err);
		return;
	}
	request_json(r, 200,
	    json_pack("{s:o, s:o, s:b, s:s}", "freeze_after",
	        seconds(i.freeze_seconds), "stop_after",
	        seconds(i.stop_seconds), "linked",
	        want_is_linked(r->w, r->app.id), "state",
	        state_name(dynos_rest(r->w, (uint64_t)r->app.id))));
}

/* Seconds, or null for never; what is absent stays. */
static int read_seconds(
    const struct request *r, const char *name, uint64_t *ret, struct error *err)
{
	const json_t *value = json_object_get(r->json, name);

	if (!value)
		return 0;
	if (json_is_null(value)) {
		*ret = 0;
		return 0;
	}
	if (!json_is_integer(value) || json_integer_value(value) < 1 ||
	    json_integer_value(value) > IDLE_SECONDS_MAX)
		return error_set(err, ERR_INVALID,
		    "\"%s\" must be a number of seconds from 1 to %d, or null "
		    "for never.",
		    name, IDLE_SECONDS_MAX);
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

void on_idle_change(struct request *r)
{
	struct error err = {0};
	struct idle i;

	if (store_idle_get(r->w->store, r->app.id, &i, &err) == -1 ||
	    read_seconds(r, "freeze_after", &i.freeze_seconds, &err) == -1 ||
	    read_seconds(r, "stop_after", &i.stop_seconds, &err) == -1 ||
	    apps_set_idle(r->w, &r->actor.account, &r->app, &i, &err) == -1)
		request_error(r, &err);
	else
		on_idle(r);
}
