/* network - what apps may reach: egress beside the internet, linked apps. */
#include "api.h"
#include "cli.h"
#include "git.h"
#include "show.h"

/* The app may be named first, as in `paas egress:allow APP RULE`. */
static void take_app(struct cli *c, int others)
{
	if (c->argc <= others || cli_option(c, "platform"))
		return;
	c->app = c->argv[0];
	c->argv++;
	c->argc--;
}

struct place {
	bool all; /* of every app */
	struct target target;
	struct api *api;
};

static void place_close(struct place *p)
{
	api_free(p->api);
}
#define scoped_place __attribute__((cleanup(place_close)))

static int place_open(
    struct cli *c, int others, struct place *p, struct error *err)
{
	take_app(c, others);
	if (c->argc != others)
		return usage_error(c, err,
		    "that is one argument too many (usage: paas %s)",
		    c->cmd->usage);
	p->all = cli_option(c, "platform") != NULL;
	if (p->all && (c->app || c->remote))
		return usage_error(c, err,
		    "--platform is about every app: name none beside it");
	if (!p->all)
		return target_open(c, &p->target, &p->api, err);
	p->api = api_open(NULL, err);
	return p->api ? 0 : -1;
}

static char *egress_path(const struct place *p, const char *rule)
{
	if (p->all)
		return rule ? api_path("platform", "egress", rule)
		            : api_path("platform", "egress");
	return rule ? api_path("apps", p->target.app, "egress", rule)
	            : api_path("apps", p->target.app, "egress");
}

static const char *place_name(const struct place *p)
{
	return p->all ? "every app" : p->target.app;
}

/* --- egress --------------------------------------------------------------- */

static int run_egress(struct cli *c, struct error *err)
{
	struct table t = TABLE("RULE", "OF", "SINCE");
	scoped_place struct place p = {0};
	json_auto_t *rules = NULL;
	json_t *r;
	size_t i;

	if (place_open(c, 0, &p, err) == -1 ||
	    api_call(p.api,
	        &(struct api_request){.path = egress_path(&p, NULL)}, &rules,
	        err) == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(rules);
		return 0;
	}
	json_array_foreach(rules, i, r)
	{
		const char *app = json_text(r, "app.name");
		char ago[32];

		table_add(&t, json_text(r, "rule"));
		table_add(&t, app[0] ? app : "every app");
		table_add(&t, show_ago(json_text(r, "created_at"), ago));
	}
	table_print(&t, "The internet alone: there are no rules");
	return 0;
}

static int run_allow(struct cli *c, struct error *err)
{
	scoped_place struct place p = {0};
	json_auto_t *rule = NULL;

	if (place_open(c, 1, &p, err) == -1 ||
	    api_call(p.api,
	        &(struct api_request){.method = "POST",
	            .path = egress_path(&p, NULL),
	            .body = json_pack("{s:s}", "rule", c->argv[0])},
	        &rule, err) == -1)
		return -1;
	printf("Allowed %s for %s\n", json_text(rule, "rule"), place_name(&p));
	return 0;
}

static int run_deny(struct cli *c, struct error *err)
{
	scoped_place struct place p = {0};
	json_auto_t *rule = NULL;

	if (place_open(c, 1, &p, err) == -1 ||
	    api_call(p.api,
	        &(struct api_request){
	            .method = "DELETE", .path = egress_path(&p, c->argv[0])},
	        &rule, err) == -1)
		return -1;
	printf("Removed %s from %s\n", json_text(rule, "rule"), place_name(&p));
	return 0;
}

/* --- links ---------------------------------------------------------------- */

static int run_links(struct cli *c, struct error *err)
{
	struct table t = TABLE("TO", "NAME INSIDE", "VARIABLE", "URL");
	scoped_place struct place p = {0};
	json_auto_t *links = NULL;
	json_t *l;
	size_t i;

	if (place_open(c, 0, &p, err) == -1 ||
	    api_get(p.api, &links, err, "apps", p.target.app, "links") == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(links);
		return 0;
	}
	json_array_foreach(links, i, l)
	{
		table_add(&t, json_text(l, "to.name"));
		table_add(&t, json_text(l, "hostname"));
		table_add(&t, json_text(l, "variable"));
		table_add(&t, json_text(l, "url"));
	}
	table_print(&t, "There are no links");
	return 0;
}

static int need_to(struct cli *c, const char **ret, struct error *err)
{
	*ret = cli_option(c, "to");
	if (*ret)
		return 0;
	return usage_error(c, err,
	    "name the other app with --to (usage: paas %s)", c->cmd->usage);
}

static int run_link(struct cli *c, struct error *err)
{
	scoped_place struct place p = {0};
	json_auto_t *link = NULL;
	const char *to;

	if (need_to(c, &to, err) == -1 || place_open(c, 0, &p, err) == -1 ||
	    api_call(p.api,
	        &(struct api_request){.method = "POST",
	            .path = api_path("apps", p.target.app, "links"),
	            .body = json_pack("{s:s}", "to", to)},
	        &link, err) == -1)
		return -1;
	printf("Linked %s to %s: %s reaches it as %s\n", p.target.app,
	    json_text(link, "to.name"), p.target.app,
	    json_text(link, "hostname"));
	printf("%s=%s is set for what starts from now on (paas ps:restart)\n",
	    json_text(link, "variable"), json_text(link, "url"));
	return 0;
}

static int run_unlink(struct cli *c, struct error *err)
{
	scoped_place struct place p = {0};
	json_auto_t *link = NULL;
	const char *to;

	if (need_to(c, &to, err) == -1 || place_open(c, 0, &p, err) == -1 ||
	    api_call(p.api,
	        &(struct api_request){.method = "DELETE",
	            .path = api_path("apps", p.target.app, "links", to)},
	        &link, err) == -1)
		return -1;
	printf("Removed the link from %s to %s\n", p.target.app,
	    json_text(link, "to.name"));
	return 0;
}

#define JSON_OPTION                                                            \
	{                                                                      \
		0, "json", NULL, "print the API's answer"                      \
	}
#define ALL_OPTION                                                             \
	{                                                                      \
		0, "platform", NULL, "about every app (for the owner)"         \
	}
#define TO_OPTION                                                              \
	{                                                                      \
		0, "to", "APP", "the app to be reached"                        \
	}

static const char about_rules[] =
    "Apps reach the internet. A rule opens more: HOST:PORT (a name is followed "
    "as its\naddresses change), a network as 10.1.0.0/16 or 10.1.0.0/16:5432, "
    "[fd00::/8]:5432,\nor host.internal:PORT, which is a service of this "
    "machine that listens on all\naddresses. It holds for what runs at once; "
    "connections that are open stay open\nwhen it is removed.";
static const char about_links[] =
    "APP reaches the other app's processes as NAME.internal (its web "
    "processes) and\nTYPE.NAME.internal, at the ports they listen on (their "
    "$PORT is the same in all),\nunless they listen on 127.0.0.1 alone. "
    "NAME_URL leads to its web processes.";

const struct command network_commands[] = {
    {"egress", "egress [APP]", "list what apps reach beside the internet",
        run_egress, CMD_APP, 0, 1, {JSON_OPTION, ALL_OPTION}, about_rules},
    {"egress:allow", "egress:allow [APP] HOST:PORT|CIDR[:PORT]",
        "open a host or network to it", run_allow, CMD_APP, 1, 2, {ALL_OPTION},
        about_rules},
    {"egress:deny", "egress:deny [APP] RULE", "remove such a rule", run_deny,
        CMD_APP, 1, 2, {ALL_OPTION}, about_rules},
    {"links", "links [APP]", "list the apps that it reaches", run_links,
        CMD_APP, 0, 1, {JSON_OPTION}, about_links},
    {"links:add", "links:add [APP] --to OTHER", "let it reach another app",
        run_link, CMD_APP, 0, 1, {TO_OPTION}, about_links},
    {"links:remove", "links:remove [APP] --to OTHER", "stop that", run_unlink,
        CMD_APP, 0, 1, {TO_OPTION}, about_links},
    {0},
};
