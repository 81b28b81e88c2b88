/* config - an app's config vars: list, get, set, unset. */
#include <string.h>

#include "api.h"
#include "base/mem.h"
#include "base/name.h"
#include "cli.h"
#include "git.h"
#include "show.h"

static int get_vars(
    struct cli *c, json_t **ret, struct target *t, struct error *err)
{
	scoped_api struct api *a = NULL;

	if (target_open(c, t, &a, err) == -1)
		return -1;
	return api_get(a, ret, err, "apps", t->app, "config-vars");
}

/* KEY='value' as a shell reads it. */
static void print_shell(const char *key, const char *value)
{
	printf("%s='", key);
	for (; *value; value++)
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	puts("'");
}

static int run_config(struct cli *c, struct error *err)
{
	struct table t = TABLE("KEY", "VALUE");
	json_auto_t *vars = NULL;
	struct target target;
	const char *key;
	json_t *value;

	if (get_vars(c, &vars, &target, err) == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(vars);
		return 0;
	}
	json_object_foreach(vars, key, value)
	{
		if (cli_option(c, "shell")) {
			print_shell(key, json_value_text(value));
			continue;
		}
		table_add(&t, key);
		table_add(&t, json_value_text(value));
	}
	if (!cli_option(c, "shell"))
		table_print(&t, "There are no config vars");
	return 0;
}

static int run_get(struct cli *c, struct error *err)
{
	json_auto_t *vars = NULL;
	struct target t;
	json_t *value;

	if (get_vars(c, &vars, &t, err) == -1)
		return -1;
	value = json_object_get(vars, c->argv[0]);
	if (!value)
		return error_set(err, ERR_NOT_FOUND,
		    "%s has no config var %.100s (see: paas config)", t.app,
		    c->argv[0]);
	puts(json_value_text(value));
	return 0;
}

/* The newest release's number, 0 when it can't be told. */
static long long newest(struct api *a, const char *app)
{
	json_auto_t *releases = NULL;

	if (api_call(a,
	        &(struct api_request){.path = api_path("apps", app, "releases"),
	            .range = "version ..; max=1, order=desc"},
	        &releases, NULL) == -1)
		return 0;
	json_newest_first(releases, "version");
	return json_number(json_array_get(releases, 0), "version");
}

/* Send the changes; say what was done and which release it made. */
static int patch(
    struct cli *c, json_t *changes, const char *did, struct error *err)
{
	json_auto_t *body = changes;
	scoped_api struct api *a = NULL;
	long long before, after;
	struct target t;
	const char *key;
	json_t *value;
	int n = 0;

	if (target_open(c, &t, &a, err) == -1)
		return -1;
	before = newest(a, t.app);
	if (api_call(a,
	        &(struct api_request){.method = "PATCH",
	            .path = api_path("apps", t.app, "config-vars"),
	            .body = json_incref(body)},
	        NULL, err) == -1)
		return -1;
	after = newest(a, t.app);
	printf("%s ", did);
	json_object_foreach(body, key, value)
	    printf("%s%s", n++ ? ", " : "", key);
	if (after == before)
		printf(" of %s: nothing changed, still v%lld\n", t.app, after);
	else
		printf(" of %s: v%lld\n", t.app, after);
	return 0;
}

/* Take "KEY=VALUE" into vars. */
static int add_pair(
    struct cli *c, json_t *vars, const char *pair, struct error *err)
{
	const char *eq = strchr(pair, '=');
	scoped_free char *key =
	    str_dup(str_make(pair, eq ? (size_t)(eq - pair) : strlen(pair)));
	json_t *value = eq ? json_string(eq + 1) : NULL;

	if (eq && value && name_config_key(str_z(key))) {
		json_object_set_new(vars, key, value);
		return 0;
	}
	json_decref(value);
	if (eq && !value)
		return usage_error(c, err,
		    "the value of %.60s is not UTF-8 "
		    "(config vars are text)",
		    key);
	return usage_error(c, err,
	    "%.60s is not KEY=VALUE (a key has letters, digits and _, and "
	    "starts with no digit)",
	    pair);
}

static int run_set(struct cli *c, struct error *err)
{
	json_t *vars = json_object();

	for (int i = 0; i < c->argc; i++)
		if (add_pair(c, vars, c->argv[i], err) == -1) {
			json_decref(vars);
			return -1;
		}
	return patch(c, vars, "Set", err);
}

static int run_unset(struct cli *c, struct error *err)
{
	json_t *vars = json_object();

	for (int i = 0; i < c->argc; i++)
		json_object_set_new(vars, c->argv[i], json_null());
	return patch(c, vars, "Removed", err);
}

const struct command config_commands[] = {
    {"config", "config", "list the config vars", run_config, CMD_APP, 0, 0,
        {{'s', "shell", NULL, "print KEY='value' lines for a shell"},
            {0, "json", NULL, "print the API's answer"}},
        NULL},
    {"config:get", "config:get KEY", "print the value of one", run_get, CMD_APP,
        1, 1, {{0}}, NULL},
    {"config:set", "config:set KEY=VALUE...", "set some, as one new release",
        run_set, CMD_APP, 1, -1, {{0}},
        "The app restarts with them without losing a request."},
    {"config:unset", "config:unset KEY...", "remove some, as one new release",
        run_unset, CMD_APP, 1, -1, {{0}}, NULL},
    {0},
};
