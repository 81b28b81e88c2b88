/* strategy - how a release takes the place of the one before. */
#include "api/handlers.h"
#include "apps.h"

#define ROLLING "rolling"
#define STOP_FIRST "stop-first"

void on_strategy(struct request *r)
{
	struct error err = {0};
	bool stop_first;

	if (store_stop_first_get(r->w->store, r->app.id, &stop_first, &err) ==
	    -1)
		request_error(r, &err);
	else
		request_json(r, 200,
		    json_pack("{s:s}", "strategy",
		        stop_first ? STOP_FIRST : ROLLING));
}

void on_strategy_change(struct request *r)
{
	const char *value =
	    json_string_value(json_object_get(r->json, "strategy"));
	struct str word = str_z(value);
	struct error err = {0};

	if (!str_eqz(word, ROLLING) && !str_eqz(word, STOP_FIRST)) {
		(void)error_set(&err, ERR_INVALID,
		    "\"strategy\" is " ROLLING " or " STOP_FIRST ".");
		request_error(r, &err);
		return;
	}
	if (apps_set_stop_first(r->w, &r->actor.account, &r->app,
	        str_eqz(word, STOP_FIRST), &err) == -1)
		request_error(r, &err);
	else
		on_strategy(r);
}
