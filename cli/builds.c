/* builds - an app's builds: list, output, cancel. */
#include <unistd.h>

#include "api.h"
#include "base/fd.h"
#include "cli.h"
#include "git.h"
#include "show.h"

static int list(struct api *a, const char *app, json_t **ret, struct error *err)
{
	if (api_call(a,
	        &(struct api_request){.path = api_path("apps", app, "builds"),
	            .range = "created_at ..; max=15, order=desc"},
	        ret, err) == -1)
		return -1;
	json_newest_first(*ret, "created_at");
	return 0;
}

static int run_builds(struct cli *c, struct error *err)
{
	struct table t = TABLE("ID", "STATUS", "COMMIT", "BY", "WHEN");
	scoped_api struct api *a = NULL;
	json_auto_t *builds = NULL;
	struct target target;
	char ago[32];
	json_t *b;
	size_t i;

	if (target_open(c, &target, &a, err) == -1 ||
	    list(a, target.app, &builds, err) == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(builds);
		return 0;
	}
	json_array_foreach(builds, i, b)
	{
		table_add(&t, json_text(b, "id"));
		table_add(&t, json_text(b, "status"));
		table_addf(&t, "%.8s", json_text(b, "source_blob.version"));
		table_add(&t, json_text(b, "user.email"));
		table_add(&t, show_ago(json_text(b, "created_at"), ago));
	}
	table_print(&t, "There are no builds yet (deploy: git push paas main)");
	return 0;
}

/* The build named by the first argument, else the newest. */
static int find(struct cli *c, struct api *a, const char *app, json_t **ret,
    struct error *err)
{
	json_auto_t *builds = NULL;

	if (c->argc)
		return api_get(a, ret, err, "apps", app, "builds", c->argv[0]);
	if (list(a, app, &builds, err) == -1)
		return -1;
	if (!json_array_size(builds))
		return error_set(err, ERR_NOT_FOUND,
		    "%s has no builds yet (deploy: git push paas main)", app);
	*ret = json_incref(json_array_get(builds, 0));
	return 0;
}

/* A NUL is the server's sign of life. */
static int print_output(void *arg, struct str bytes)
{
	struct str part;

	while (str_split(&bytes, '\0', &part))
		if (fd_write_all(STDOUT_FILENO, part, NULL) == -1)
			return -1;
	return 0;
}

static int run_output(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *build = NULL;
	struct api_stream s = {.sink = print_output};
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    find(c, a, t.app, &build, err) == -1)
		return -1;
	s.url = json_text(build, "output_stream_url");
	if (!*s.url)
		return error_set(err, ERR_NOT_FOUND,
		    "the output of build %s is not kept",
		    json_text(build, "id"));
	return api_stream(a, &s, err);
}

static int run_cancel(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *build = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    find(c, a, t.app, &build, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "DELETE",
	            .path = api_path(
	                "apps", t.app, "builds", json_text(build, "id"))},
	        NULL, err) == -1)
		return -1;
	printf("Cancelled build %s of %s\n", json_text(build, "id"), t.app);
	return 0;
}

const struct command build_commands[] = {
    {"builds", "builds", "list the builds, newest first", run_builds, CMD_APP,
        0, 0, {{0, "json", NULL, "print the API's answer"}}, NULL},
    {"builds:output", "builds:output [ID]",
        "print a build's output, the newest's without ID", run_output, CMD_APP,
        0, 1, {{0}}, NULL},
    {"builds:cancel", "builds:cancel [ID]", "stop a build that runs",
        run_cancel, CMD_APP, 0, 1, {{0}}, NULL},
    {0},
};
