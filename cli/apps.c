/* apps - create, list, show, open and destroy apps. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "cli.h"
#include "exec.h"
#include "git.h"
#include "proc/spawn.h"
#include "show.h"
#include "term.h"

/* Say how to connect a repository, or do it when there is one. */
static int connect_repository(
    struct cli *c, const char *base, const char *app, struct error *err)
{
	const char *remote = c->remote ? c->remote : "paas";

	if (cli_option(c, "no-remote"))
		return 0;
	if (git_inside()) {
		struct error why = {0};

		if (git_connect(remote, base, app, &why) == 0)
			printf("\nDeploy with: git push %s main\n", remote);
		else
			fprintf(stderr, "warning: %s\n", why.msg);
		return 0;
	}
	printf("\nThis folder is no git repository. To deploy, in the app's:\n"
	       "  git init -b main && git add . && git commit -m 'First'\n"
	       "  paas git:remote --app %s\n"
	       "  git push %s main\n",
	    app, remote);
	return 0;
}

static int run_create(struct cli *c, struct error *err)
{
	scoped_api struct api *a = api_open(NULL, err);
	json_auto_t *app = NULL;
	json_t *body = json_object();

	if (c->argc)
		json_object_set_new(body, "name", json_string(c->argv[0]));
	if (!a || (c->remote && c->remote[0] == '-')) {
		json_decref(body);
		return a ? usage_error(c, err, "%s is no name for a git remote",
		               c->remote)
		         : -1;
	}
	if (api_call(a,
	        &(struct api_request){
	            .method = "POST", .path = api_path("apps"), .body = body},
	        &app, err) == -1)
		return -1;
	printf("Created %s\n", json_text(app, "name"));
	printf("  URL  %s\n", json_text(app, "web_url"));
	printf("  Git  %s/%s.git\n", api_url(a), json_text(app, "name"));
	return connect_repository(c, api_url(a), json_text(app, "name"), err);
}

static int run_git_remote(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *app = NULL;
	const char *remote = c->remote ? c->remote : "paas";
	const char *name;

	if (!c->app)
		return usage_error(
		    c, err, "name the app (paas git:remote --app APP)");
	if (remote[0] == '-')
		return usage_error(
		    c, err, "%s is no name for a git remote", remote);
	if (!git_inside())
		return usage_error(c, err,
		    "this folder is no git repository (git init -b main)");
	a = api_open(NULL, err);
	if (!a || api_get(a, &app, err, "apps", c->app) == -1)
		return -1;
	name = json_text(app, "name");
	if (git_connect(remote, api_url(a), name, err) == -1)
		return -1;
	printf("The git remote %s is %s/%s.git\n", remote, api_url(a), name);
	return 0;
}

static int run_apps(struct cli *c, struct error *err)
{
	scoped_api struct api *a = api_open(NULL, err);
	struct table t = TABLE("NAME", "URL", "RELEASED");
	json_auto_t *apps = NULL;
	char ago[32];
	json_t *app;
	size_t i;

	if (!a || api_get(a, &apps, err, "apps") == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(apps);
		return 0;
	}
	json_array_foreach(apps, i, app)
	{
		table_add(&t, json_text(app, "name"));
		table_add(&t, json_text(app, "web_url"));
		table_add(&t, show_ago(json_text(app, "released_at"), ago));
	}
	table_print(&t, "There are no apps yet (make one: paas create NAME)");
	return 0;
}

/* "2 web, 1 worker" of the formation. */
static void show_formation(const json_t *formation)
{
	char text[400] = "";
	size_t at = 0, i;
	json_t *f;

	json_array_foreach(formation, i, f)
	{
		if (at + 100 > sizeof(text))
			break;
		at += (size_t)snprintf(text + at, sizeof(text) - at,
		    "%s%lld %.60s", at ? ", " : "", json_number(f, "quantity"),
		    json_text(f, "type"));
	}
	show_fact("Processes", "%s", at ? text : "none yet");
}

static void show_domains(const json_t *domains)
{
	size_t i;
	json_t *d;

	json_array_foreach(domains, i, d)
	    show_fact("Domain", "%s", json_text(d, "hostname"));
}

static void show_release(const json_t *releases)
{
	const json_t *r = json_array_get(releases, 0);
	char ago[32];

	if (!r)
		return;
	show_fact("Release", "v%lld %s (%s%s%s)", json_number(r, "version"),
	    json_text(r, "description"), json_text(r, "status"),
	    json_text(r, "created_at")[0] ? ", " : "",
	    show_ago(json_text(r, "created_at"), ago));
}

static int run_info(struct cli *c, struct error *err)
{
	json_auto_t *app = NULL, *formation = NULL, *releases = NULL;
	json_auto_t *domains = NULL;
	scoped_api struct api *a = NULL;
	struct target t;

	if (c->argc)
		c->app = c->argv[0];
	if (target_open(c, &t, &a, err) == -1 ||
	    api_get(a, &app, err, "apps", t.app) == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(app);
		return 0;
	}
	if (api_get(a, &formation, err, "apps", t.app, "formation") == -1 ||
	    api_call(a,
	        &(struct api_request){
	            .path = api_path("apps", t.app, "releases"),
	            .range = "version ..; max=1, order=desc"},
	        &releases, err) == -1)
		return -1;
	json_newest_first(releases, "version");
	(void)api_get(a, &domains, NULL, "apps", t.app, "domains");
	show_fact("Name", "%s", json_text(app, "name"));
	show_fact("URL", "%s", json_text(app, "web_url"));
	show_fact("Git", "%s/%s.git", api_url(a), json_text(app, "name"));
	show_release(releases);
	show_formation(formation);
	show_domains(domains);
	if (json_text(app, "stack.name")[0])
		show_fact("Stack", "%s", json_text(app, "stack.name"));
	if (json_text(app, "buildpack_provided_description")[0])
		show_fact("Language", "%s",
		    json_text(app, "buildpack_provided_description"));
	show_fact("Owner", "%s", json_text(app, "owner.email"));
	show_fact("Created", "%s", json_text(app, "created_at"));
	return 0;
}

/* The name given with --confirm or typed must be the app's. */
static int confirm(struct cli *c, const char *app, struct error *err)
{
	const char *given = cli_option(c, "confirm");
	char question[256], typed[128] = "";

	snprintf(question, sizeof(question),
	    "This destroys %s, its releases, config and code. Type its name "
	    "to go on: ",
	    app);
	if (!given && !term_ask(question, typed, sizeof(typed)))
		return usage_error(c, err,
		    "to destroy %s say so: paas destroy %s --confirm %s", app,
		    app, app);
	if (strcmp(given ? given : typed, app) != 0)
		return usage_error(c, err,
		    "%s is not destroyed: the name given is another one (give "
		    "--confirm %s)",
		    app, app);
	return 0;
}

static int run_destroy(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	struct target t;

	if (c->argc)
		c->app = c->argv[0];
	if (target_open(c, &t, &a, err) == -1 ||
	    api_get(a, NULL, err, "apps", t.app) == -1 ||
	    confirm(c, t.app, err) == -1 ||
	    api_call(a,
	        &(struct api_request){
	            .method = "DELETE", .path = api_path("apps", t.app)},
	        NULL, err) == -1)
		return -1;
	git_disconnect(api_url(a), t.app);
	printf("Destroyed %s\n", t.app);
	return 0;
}

/* Hand url to the desktop, where there is one. */
static bool open_in_browser(const char *url)
{
	const char *argv[] = {"xdg-open", url, NULL};

	if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
		return false;
	return exec_capture(argv, NULL) == 0;
}

static int run_open(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *app = NULL;
	const char *url;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_get(a, &app, err, "apps", t.app) == -1)
		return -1;
	url = json_text(app, "web_url");
	if (strncmp(url, "http", 4) != 0)
		return error_set(err, ERR_INVALID, "%s has no URL", t.app);
	if (!open_in_browser(url))
		puts(url);
	return 0;
}

const struct command apps_commands[] = {
    {"create", "create [NAME]", "make an app, and a git remote for it",
        run_create, 0, 0, 1,
        {{'r', "remote", "NAME", "name of the git remote (paas)"},
            {0, "no-remote", NULL, "leave the git repository as it is"}},
        "Without a NAME one is made up. In a git repository the remote is "
        "added, and\ngit asks this program for the token, in this repository "
        "only."},
    {"apps", "apps", "list your apps", run_apps, 0, 0, 0,
        {{0, "json", NULL, "print the API's answer"}}, NULL},
    {"info", "info [APP]", "show all about an app", run_info, CMD_APP, 0, 1,
        {{0, "json", NULL, "print the API's answer"}}, NULL},
    {"open", "open", "open the app in a browser, or print its URL", run_open,
        CMD_APP, 0, 0, {{0}}, NULL},
    {"destroy", "destroy [APP]", "remove an app for good", run_destroy, CMD_APP,
        0, 1,
        {{0, "confirm", "APP", "the app's name, instead of the question"}},
        NULL},
    {"git:remote", "git:remote --app APP",
        "add the git remote of an app to this repository", run_git_remote,
        CMD_APP, 0, 0, {{0}}, NULL},
    {0},
};
