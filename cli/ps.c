/* ps - an app's processes: list, scale, restart, stop. */
#include "ps.h"

#include <string.h>

#include "api.h"
#include "cli.h"
#include "git.h"
#include "show.h"

/* "crashed, next try in 12s" */
static void add_state(struct table *t, const json_t *d)
{
	char in[32];

	if (show_in(json_text(d, "next_try_at"), in)[0])
		table_addf(t, "%s, next try in %s", json_text(d, "state"), in);
	else
		table_add(t, json_text(d, "state"));
}

static int run_ps(struct cli *c, struct error *err)
{
	struct table t =
	    TABLE("NAME", "STATE", "SIZE", "RELEASE", "SINCE", "COMMAND");
	scoped_api struct api *a = NULL;
	json_auto_t *dynos = NULL;
	struct target target;
	char ago[32];
	json_t *d;
	size_t i;

	if (target_open(c, &target, &a, err) == -1 ||
	    api_get(a, &dynos, err, "apps", target.app, "dynos") == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(dynos);
		return 0;
	}
	json_array_foreach(dynos, i, d)
	{
		table_add(&t, json_text(d, "name"));
		add_state(&t, d);
		table_add(&t, json_text(d, "size"));
		table_addf(&t, "v%lld", json_number(d, "release.version"));
		table_add(&t, show_ago(json_text(d, "updated_at"), ago));
		table_addf(&t, "%.200s", json_text(d, "command"));
	}
	table_print(&t,
	    "Nothing runs (deploy: git push paas main; or scale: paas "
	    "ps:scale web=1)");
	return 0;
}

void ps_print_formation(const json_t *formation)
{
	struct table t = TABLE("TYPE", "QUANTITY", "SIZE", "COMMAND");
	size_t i;
	json_t *f;

	json_array_foreach(formation, i, f)
	{
		table_add(&t, json_text(f, "type"));
		table_addf(&t, "%lld", json_number(f, "quantity"));
		table_add(&t, json_text(f, "size"));
		table_addf(&t, "%.200s", json_text(f, "command"));
	}
	table_print(&t, "There are no process types yet (they come with the "
	                "first deploy)");
}

/* Take "TYPE=N[:SIZE]", "TYPE+N" or "TYPE-N" into updates. */
static int add_update(
    struct cli *c, json_t *updates, const char *arg, struct error *err)
{
	size_t digits, type = strcspn(arg, "=");
	const char *number;
	char quantity[16];
	json_t *u;

	/* A type may have a '-' in it, so the change is the last one. */
	if (!arg[type]) {
		const char *plus = strrchr(arg, '+');
		const char *sign = plus ? plus : strrchr(arg, '-');

		type = sign ? (size_t)(sign - arg) : 0;
	}
	number = arg + type +
	         (arg[type] == '=' || arg[type] == '+' || arg[type] == '-');
	digits = strspn(number, "0123456789");
	if (!type || !digits || digits > 6 ||
	    (number[digits] && number[digits] != ':'))
		return usage_error(c, err,
		    "%.60s is not TYPE=N (as in: paas ps:scale web=2 worker+1)",
		    arg);
	snprintf(quantity, sizeof(quantity), "%.*s%.*s",
	    arg[type] == '=' ? 0 : 1, arg + type, (int)digits, number);
	u = json_pack("{s:o, s:s}", "type", json_stringn(arg, type), "quantity",
	    quantity);
	if (number[digits] == ':')
		json_object_set_new(
		    u, "size", json_string(number + digits + 1));
	json_array_append_new(updates, u);
	return 0;
}

static int run_scale(struct cli *c, struct error *err)
{
	json_auto_t *formation = NULL, *updates = json_array();
	scoped_api struct api *a = NULL;
	struct target t;

	for (int i = 0; i < c->argc; i++)
		if (add_update(c, updates, c->argv[i], err) == -1)
			return -1;
	if (target_open(c, &t, &a, err) == -1)
		return -1;
	if (!c->argc) {
		if (api_get(a, &formation, err, "apps", t.app, "formation") ==
		    -1)
			return -1;
		ps_print_formation(formation);
		return 0;
	}
	if (api_call(a,
	        &(struct api_request){.method = "PATCH",
	            .path = api_path("apps", t.app, "formation"),
	            .body = json_pack("{s:O}", "updates", updates)},
	        &formation, err) == -1)
		return -1;
	ps_print_formation(formation);
	return 0;
}

static int run_restart(struct cli *c, struct error *err)
{
	const char *what = c->argc ? c->argv[0] : NULL;
	scoped_api struct api *a = NULL;
	struct target t;
	char *path;

	if (target_open(c, &t, &a, err) == -1)
		return -1;
	if (!what)
		path = api_path("apps", t.app, "dynos");
	else if (strchr(what, '.'))
		path = api_path("apps", t.app, "dynos", what);
	else
		path = api_path("apps", t.app, "formations", what);
	if (api_call(a, &(struct api_request){.method = "DELETE", .path = path},
	        NULL, err) == -1)
		return -1;
	printf("Restarting %s of %s\n", what ? what : "all processes", t.app);
	return 0;
}

static int run_stop(struct cli *c, struct error *err)
{
	const char *dyno = c->argv[0];
	scoped_api struct api *a = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "POST",
	            .path = strchr(dyno, '.')
	                        ? api_path("apps", t.app, "dynos", dyno,
	                              "actions", "stop")
	                        : api_path("apps", t.app, "formations", dyno,
	                              "actions", "stop")},
	        NULL, err) == -1)
		return -1;
	printf("Stopping %s of %s\n", dyno, t.app);
	return 0;
}

const struct command ps_commands[] = {
    {"ps", "ps", "list what runs", run_ps, CMD_APP, 0, 0,
        {{0, "json", NULL, "print the API's answer"}}, NULL},
    {"ps:scale", "ps:scale [TYPE=N...]",
        "set how many of a type run, or list it", run_scale, CMD_APP, 0, -1,
        {{0}},
        "TYPE=N sets the number, TYPE+N and TYPE-N change it, TYPE=N:SIZE "
        "sets the size too."},
    {"ps:type", "ps:type [TYPE=SIZE... | SIZE]",
        "set how large a type's processes are, or list it", ps_type, CMD_APP, 0,
        -1, {{0, "sizes", NULL, "list the sizes there are"}},
        "SIZE alone sets that of every type. A new size replaces processes one "
        "by one,\nas a new release does."},
    {"ps:restart", "ps:restart [NAME | TYPE]",
        "restart all, one process (web.1) or a type (web)", run_restart,
        CMD_APP, 0, 1, {{0}}, NULL},
    {"ps:stop", "ps:stop NAME | TYPE",
        "stop one or a type; what the formation has is started again", run_stop,
        CMD_APP, 1, 1, {{0}}, NULL},
    {"ps:kill", "ps:kill NAME | TYPE", "the same", run_stop, CMD_APP, 1, 1,
        {{0}}, NULL},
    {0},
};
