/* sizes - what sizes of processes there are: a part of the settings. */
#include "api/handlers.h"
#include "apps.h"

void on_sizes(struct request *r)
{
	const struct sizes *sizes = &r->w->settings.sizes;
	json_t *list = json_array();

	for (uint64_t i = 0; i < sizes->n; i++)
		(void)json_array_append_new(
		    list, shape_size(r->w, &sizes->v[i]));
	request_json(r, 200, list);
}

void on_size_info(struct request *r)
{
	struct error err = {0};
	const struct size *size = apps_size(r->w, r->match.args[0], &err);

	if (size)
		request_json(r, 200, shape_size(r->w, size));
	else
		request_refuse(r, 404, "not_found", "%s", err.msg);
}
