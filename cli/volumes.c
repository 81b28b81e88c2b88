/* volumes - the persistent folders of an app. */
#include <string.h>

#include "api.h"
#include "cli.h"
#include "git.h"
#include "show.h"
#include "term.h"

static void add_bytes(struct table *t, const json_t *v, const char *key)
{
	long long bytes = json_number(v, key);

	if (bytes >= 1LL << 30)
		table_addf(t, "%.1f GiB", (double)bytes / (1LL << 30));
	else
		table_addf(t, "%.1f MiB", (double)bytes / (1LL << 20));
}

static int run_list(struct cli *c, struct error *err)
{
	struct table t = TABLE("NAME", "SIZE", "PATH", "SHARED", "CREATED");
	json_auto_t *volumes = NULL;
	scoped_api struct api *a = NULL;
	struct target target;
	char ago[32];
	json_t *v;
	size_t i;

	if (target_open(c, &target, &a, err) == -1 ||
	    api_get(a, &volumes, err, "apps", target.app, "volumes") == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(volumes);
		return 0;
	}
	json_array_foreach(volumes, i, v)
	{
		table_add(&t, json_text(v, "name"));
		add_bytes(&t, v, "size");
		table_add(&t, json_text(v, "path"));
		table_add(&t, json_is_true(json_object_get(v, "exclusive"))
		                  ? "no"
		                  : "yes");
		table_add(&t, show_ago(json_text(v, "created_at"), ago));
	}
	table_print(&t, "There are no volumes (make one: paas volumes:create "
	                "data --size 1G --path /data)");
	return 0;
}

static void show_bytes(const char *name, const json_t *v, const char *key)
{
	show_fact(name, "%.1f MiB", (double)json_number(v, key) / (1LL << 20));
}

static void show_volume(const json_t *v)
{
	show_fact("Name", "%s", json_text(v, "name"));
	show_fact("Path", "%s", json_text(v, "path"));
	show_bytes("Size", v, "size");
	if (json_is_integer(json_object_get(v, "used"))) {
		show_bytes("Used", v, "used");
		show_fact("Files", "%lld", json_number(v, "files"));
	}
	show_fact("Shared", "%s",
	    json_is_true(json_object_get(v, "exclusive"))
	        ? "no: a deploy stops the old release first"
	        : "yes, by all processes");
	show_fact("Created", "%s", json_text(v, "created_at"));
}

static int run_info(struct cli *c, struct error *err)
{
	json_auto_t *v = NULL;
	scoped_api struct api *a = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_get(a, &v, err, "apps", t.app, "volumes", c->argv[0]) == -1)
		return -1;
	if (cli_option(c, "json"))
		show_json(v);
	else
		show_volume(v);
	return 0;
}

static int run_create(struct cli *c, struct error *err)
{
	const char *size = cli_option(c, "size"), *path = cli_option(c, "path");
	json_auto_t *v = NULL;
	scoped_api struct api *a = NULL;
	struct target t;

	if (!size || !path)
		return usage_error(c, err,
		    "say how large it is and where, as in: paas "
		    "volumes:create data --size 1G --path /data");
	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "POST",
	            .path = api_path("apps", t.app, "volumes"),
	            .body = json_pack("{s:s, s:s, s:s, s:b}", "name",
	                c->argv[0], "size", size, "path", path, "exclusive",
	                cli_option(c, "exclusive") != NULL)},
	        &v, err) == -1)
		return -1;
	printf("Created volume %s of %s at %s; the processes restart to get "
	       "it\n",
	    json_text(v, "name"), t.app, json_text(v, "path"));
	return 0;
}

static int run_resize(struct cli *c, struct error *err)
{
	const char *size = cli_option(c, "size");
	json_auto_t *v = NULL;
	scoped_api struct api *a = NULL;
	struct target t;

	if (!size)
		return usage_error(c, err,
		    "say how large, as in: paas volumes:resize data --size 2G");
	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "PATCH",
	            .path = api_path("apps", t.app, "volumes", c->argv[0]),
	            .body = json_pack("{s:s}", "size", size)},
	        &v, err) == -1)
		return -1;
	show_volume(v);
	return 0;
}

/* The app's name, given with --confirm or typed, as for the app itself. */
static int confirm(
    struct cli *c, const char *app, const char *volume, struct error *err)
{
	const char *given = cli_option(c, "confirm");
	char question[320], typed[128] = "";

	snprintf(question, sizeof(question),
	    "This destroys the volume %s of %s with all it holds. Type the "
	    "app's name to go on: ",
	    volume, app);
	if (!given && !term_ask(question, typed, sizeof(typed)))
		return usage_error(c, err,
		    "to destroy %s say so: paas volumes:destroy %s --confirm "
		    "%s",
		    volume, volume, app);
	if (strcmp(given ? given : typed, app) != 0)
		return usage_error(c, err,
		    "%s is not destroyed: the name given is another one (give "
		    "--confirm %s)",
		    volume, app);
	return 0;
}

static int run_destroy(struct cli *c, struct error *err)
{
	const char *name = c->argv[0];
	scoped_api struct api *a = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    confirm(c, t.app, name, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "DELETE",
	            .path = api_path("apps", t.app, "volumes", name)},
	        NULL, err) == -1)
		return -1;
	printf("Destroyed volume %s of %s; the processes restart without it\n",
	    name, t.app);
	return 0;
}

const struct command volume_commands[] = {
    {"volumes", "volumes", "list the app's volumes", run_list, CMD_APP, 0, 0,
        {{0, "json", NULL, "print the API's answer"}}, NULL},
    {"volumes:create", "volumes:create NAME --size SIZE --path PATH",
        "make a folder that outlives releases and restarts", run_create,
        CMD_APP, 1, 1,
        {{'s', "size", "SIZE", "the most it may hold, as in 512M or 10G"},
            {'p', "path", "PATH", "where processes see it, as in /data"},
            {0, "exclusive", NULL,
                "never two releases at a time: a deploy stops the old one "
                "first"}},
        "Every process of the app has it: web, workers, one-off commands and "
        "the release\nphase, and it belongs to the user they run as. A full "
        "one fills nothing else."},
    {"volumes:info", "volumes:info NAME", "show one, and what is used of it",
        run_info, CMD_APP, 1, 1, {{0, "json", NULL, "print the API's answer"}},
        NULL},
    {"volumes:resize", "volumes:resize NAME --size SIZE", "make it larger",
        run_resize, CMD_APP, 1, 1, {{'s', "size", "SIZE", "its new size"}},
        NULL},
    {"volumes:destroy", "volumes:destroy NAME",
        "remove it with all it holds, for good", run_destroy, CMD_APP, 1, 1,
        {{0, "confirm", "APP", "the app's name, instead of the question"}},
        NULL},
    {0},
};
