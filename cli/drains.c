/* drains - addresses that the app's log is sent to. */
#include <string.h>

#include "api.h"
#include "cli.h"
#include "git.h"
#include "show.h"
#include "wire/drain.h"

/* An address as a terminal may show it: without its password. */
static void add_masked(struct table *t, const char *url)
{
	scoped_buf struct buf out = BUF_INIT(DRAIN_URL_MAX + 64);
	struct drain_url parts;

	if (drain_parse(str_z(url), &parts, NULL) == 0)
		drain_masked(&out, &parts);
	table_add(t, buf_z(&out));
}

static int run_drains(struct cli *c, struct error *err)
{
	struct table t = TABLE("URL", "TOKEN");
	scoped_api struct api *a = NULL;
	json_auto_t *drains = NULL;
	struct target target;
	json_t *d;
	size_t i;

	if (target_open(c, &target, &a, err) == -1 ||
	    api_get(a, &drains, err, "apps", target.app, "log-drains") == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(drains);
		return 0;
	}
	json_array_foreach(drains, i, d)
	{
		add_masked(&t, json_text(d, "url"));
		table_add(&t, json_text(d, "token"));
	}
	table_print(&t, "There are no drains");
	return 0;
}

static int run_add(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *drain = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "POST",
	            .path = api_path("apps", t.app, "log-drains"),
	            .body = json_pack("{s:s}", "url", c->argv[0])},
	        &drain, err) == -1)
		return -1;
	printf("Added drain %s to %s\n", json_text(drain, "token"), t.app);
	return 0;
}

static int run_remove(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *drain = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "DELETE",
	            .path = api_path("apps", t.app, "log-drains", c->argv[0])},
	        &drain, err) == -1)
		return -1;
	printf("Removed drain %s from %s\n", json_text(drain, "token"), t.app);
	return 0;
}

const struct command drain_commands[] = {
    {"drains", "drains", "list where the log is sent to", run_drains, CMD_APP,
        0, 0, {{0, "json", NULL, "print the API's answer, passwords and all"}},
        NULL},
    {"drains:add", "drains:add URL", "send the log there, too", run_add,
        CMD_APP, 1, 1, {{0}},
        "URL is syslog://HOST:PORT, syslog+tls://HOST:PORT or\n"
        "https://USER:PASSWORD@HOST/PATH, which gets POSTs as of Heroku's "
        "Logplex.\n"
        "Lines are sent until they have arrived; what was removed before "
        "that is told\nas an L10 line. The log says so (L13, L14) when a "
        "drain fails."},
    {"drains:remove", "drains:remove URL|TOKEN|ID", "stop that", run_remove,
        CMD_APP, 1, 1, {{0}}, NULL},
    {0},
};
