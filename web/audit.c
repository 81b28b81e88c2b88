#include "audit.h"

int audit(struct web *w, const struct account *by, const struct app *a,
    const char *action, const char *detail, struct error *err)
{
	return store_event_add(w->store,
	    &(struct event_new){.account = by->id,
	        .app = a ? a->id : 0,
	        .app_name = a ? a->name : "",
	        .action = action,
	        .detail = detail},
	    err);
}
