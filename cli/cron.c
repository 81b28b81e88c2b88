/* cron - an app's jobs, and its features. */
#include <string.h>

#include "api.h"
#include "cli.h"
#include "git.h"
#include "show.h"

/* --- jobs ----------------------------------------------------------------- */

static void print_jobs(const json_t *jobs)
{
	struct table t = TABLE(
	    "ID", "SCHEDULE", "LAST RUN", "STATUS", "NEXT RUN", "COMMAND");
	char ago[32];
	size_t i;
	json_t *j;

	json_array_foreach(jobs, i, j)
	{
		const char *last = json_text(j, "last_run_at");
		const char *next = json_text(j, "next_run_at");

		table_addf(&t, "%lld", json_number(j, "id"));
		table_add(&t, json_text(j, "schedule"));
		table_add(&t, *last ? show_ago(last, ago) : "never");
		if (json_is_integer(json_object_get(j, "last_status")))
			table_addf(&t, "%lld", json_number(j, "last_status"));
		else
			table_add(&t, "-");
		table_add(&t, *next ? next : "suspended");
		table_addf(&t, "%.200s", json_text(j, "command"));
	}
	table_print(&t, "There are no cron jobs (they come with a deploy whose "
	                "app.json has \"cron\")");
}

static int run_cron(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *jobs = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_get(a, &jobs, err, "apps", t.app, "crons") == -1)
		return -1;
	if (cli_option(c, "json"))
		show_json(jobs);
	else
		print_jobs(jobs);
	return 0;
}

static int run_now(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *run = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "POST",
	            .path = api_path(
	                "apps", t.app, "crons", c->argv[0], "actions", "run")},
	        &run, err) == -1)
		return -1;
	printf("Runs as %s of %s (see: paas logs --app %s -p %s)\n",
	    json_text(run, "name"), t.app, t.app, json_text(run, "name"));
	return 0;
}

static int suspend(struct cli *c, bool yes, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *jobs = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "PATCH",
	            .path = api_path("apps", t.app, "crons", c->argv[0]),
	            .body = json_pack("{s:b}", "suspended", (int)yes)},
	        &jobs, err) == -1)
		return -1;
	print_jobs(jobs);
	return 0;
}

static int run_suspend(struct cli *c, struct error *err)
{
	return suspend(c, true, err);
}

static int run_resume(struct cli *c, struct error *err)
{
	return suspend(c, false, err);
}

/* --- features ------------------------------------------------------------- */

static int run_features(struct cli *c, struct error *err)
{
	struct table t = TABLE("NAME", "ENABLED", "DESCRIPTION");
	scoped_api struct api *a = NULL;
	json_auto_t *features = NULL;
	struct target target;
	json_t *f;
	size_t i;

	if (target_open(c, &target, &a, err) == -1 ||
	    api_get(a, &features, err, "apps", target.app, "features") == -1)
		return -1;
	json_array_foreach(features, i, f)
	{
		table_add(&t, json_text(f, "name"));
		table_add(&t,
		    json_is_true(json_object_get(f, "enabled")) ? "yes" : "no");
		table_add(&t, json_text(f, "description"));
	}
	table_print(&t, "There are no features");
	return 0;
}

static int enable(struct cli *c, bool yes, struct error *err)
{
	scoped_api struct api *a = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "PATCH",
	            .path = api_path("apps", t.app, "features", c->argv[0]),
	            .body = json_pack("{s:b}", "enabled", (int)yes)},
	        NULL, err) == -1)
		return -1;
	printf("%s is %s for what %s starts from now on (see: paas "
	       "ps:restart)\n",
	    c->argv[0], yes ? "on" : "off", t.app);
	return 0;
}

static int run_enable(struct cli *c, struct error *err)
{
	return enable(c, true, err);
}

static int run_disable(struct cli *c, struct error *err)
{
	return enable(c, false, err);
}

const struct command cron_commands[] = {
    {"cron", "cron", "list the jobs of app.json: last and next run", run_cron,
        CMD_APP, 0, 0, {{0, "json", NULL, "print the API's answer"}},
        "app.json: {\"cron\": [{\"command\": \"bin/clean\", \"schedule\": "
        "\"0 3 * * *\"}]}\nThe five fields are minute, hour, day, month and "
        "weekday, in UTC."},
    {"cron:run", "cron:run ID", "start a job now", run_now, CMD_APP, 1, 1,
        {{0}}, NULL},
    {"cron:suspend", "cron:suspend ID", "let a job rest", run_suspend, CMD_APP,
        1, 1, {{0}}, NULL},
    {"cron:resume", "cron:resume ID", "let it run again, from now on",
        run_resume, CMD_APP, 1, 1, {{0}}, NULL},
    {"features", "features", "list what can be switched on", run_features,
        CMD_APP, 0, 0, {{0}}, NULL},
    {"features:enable", "features:enable NAME", "switch a feature on",
        run_enable, CMD_APP, 1, 1, {{0}}, NULL},
    {"features:disable", "features:disable NAME", "switch a feature off",
        run_disable, CMD_APP, 1, 1, {{0}}, NULL},
    {0},
};
