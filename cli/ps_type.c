/* ps_type - the sizes of an app's processes. */
#include <string.h>

#include "api.h"
#include "cli.h"
#include "git.h"
#include "ps.h"
#include "show.h"

static int print_sizes(struct api *a, struct error *err)
{
	struct table t = TABLE("SIZE", "MEMORY", "CPU", "PIDS", "DISK");
	json_auto_t *sizes = NULL;
	json_t *s;
	size_t i;

	if (api_get(a, &sizes, err, "dyno-sizes") == -1)
		return -1;
	json_array_foreach(sizes, i, s)
	{
		long long disk = json_number(s, "limits.disk");
		long long max = json_number(s, "limits.cpu_max");

		table_add(&t, json_text(s, "name"));
		table_addf(
		    &t, "%lld MiB", json_number(s, "limits.memory") >> 20);
		if (max)
			table_addf(&t, "weight %lld, at most %lld %%",
			    json_number(s, "limits.cpu"), max);
		else
			table_addf(
			    &t, "weight %lld", json_number(s, "limits.cpu"));
		table_addf(&t, "%lld", json_number(s, "limits.pids"));
		if (disk)
			table_addf(&t, "%lld MiB", disk >> 20);
		else
			table_add(&t, "in memory");
	}
	table_print(&t, "There are no sizes");
	return 0;
}

/* Take "TYPE=SIZE", or SIZE for each type of formation, into updates. */
static int add_sizes(struct cli *c, const json_t *formation, json_t *updates,
    const char *arg, struct error *err)
{
	size_t type = strcspn(arg, "="), i;
	const json_t *f;

	if (arg[type] && type && arg[type + 1]) {
		json_array_append_new(updates,
		    json_pack("{s:o, s:s}", "type", json_stringn(arg, type),
		        "size", arg + type + 1));
		return 0;
	}
	if (arg[type] || c->argc > 1)
		return usage_error(c, err,
		    "%.60s is not TYPE=SIZE (as in: paas ps:type "
		    "web=standard-2x)",
		    arg);
	json_array_foreach(formation, i, f) json_array_append_new(updates,
	    json_pack("{s:s, s:s}", "type", json_text(f, "type"), "size", arg));
	return 0;
}

static int change(struct cli *c, struct api *a, const char *app,
    json_t **formation, struct error *err)
{
	json_auto_t *updates = json_array();
	json_t *answer = NULL;

	for (int i = 0; i < c->argc; i++)
		if (add_sizes(c, *formation, updates, c->argv[i], err) == -1)
			return -1;
	if (json_array_size(updates) == 0)
		return error_set(err, ERR_INVALID,
		    "%s has no process types yet: they come with the first "
		    "deploy",
		    app);
	if (api_call(a,
	        &(struct api_request){.method = "PATCH",
	            .path = api_path("apps", app, "formation"),
	            .body = json_pack("{s:O}", "updates", updates)},
	        &answer, err) == -1)
		return -1;
	json_decref(*formation);
	*formation = answer;
	return 0;
}

int ps_type(struct cli *c, struct error *err)
{
	json_auto_t *formation = NULL;
	scoped_api struct api *a = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1)
		return -1;
	if (cli_option(c, "sizes"))
		return print_sizes(a, err);
	if (api_get(a, &formation, err, "apps", t.app, "formation") == -1 ||
	    (c->argc && change(c, a, t.app, &formation, err) == -1))
		return -1;
	ps_print_formation(formation);
	return 0;
}
