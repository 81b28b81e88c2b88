/* idle - let an app rest while nobody asks for it. */
#include <inttypes.h>

#include "api.h"
#include "cli.h"
#include "git.h"
#include "show.h"

#define SECONDS_MAX (30 * 86400)
#define FREEZE_DEFAULT 300
#define STOP_DEFAULT 3600

static void show(const char *app, const json_t *i)
{
	json_int_t freeze = json_number(i, "freeze_after");
	json_int_t stop = json_number(i, "stop_after");

	if (freeze == 0) {
		printf("%s never rests (paas idle:on lets it)\n", app);
		return;
	}
	if (json_is_true(json_object_get(i, "linked"))) {
		printf(
		    "%s stays awake while other apps are linked to it\n", app);
		return;
	}
	printf("%s is %s. Without a request it is frozen after %lld s", app,
	    json_text(i, "state"), (long long)freeze);
	if (stop)
		printf(", and stopped %lld s later", (long long)stop);
	printf("; the next request wakes it.\n");
}

static int change(struct cli *c, json_t *body, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *idle = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1) {
		json_decref(body);
		return -1;
	}
	if (api_call(a,
	        &(struct api_request){.method = "PATCH",
	            .path = api_path("apps", t.app, "idle"),
	            .body = body},
	        &idle, err) == -1)
		return -1;
	show(t.app, idle);
	return 0;
}

static int run_idle(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *idle = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_get(a, &idle, err, "apps", t.app, "idle") == -1)
		return -1;
	if (cli_option(c, "json"))
		show_json(idle);
	else
		show(t.app, idle);
	return 0;
}

static int read_seconds(
    struct cli *c, const char *name, uint64_t *ret, struct error *err)
{
	const char *text = cli_option(c, name);

	if (text && !str_u64(str_z(text), SECONDS_MAX, ret))
		return usage_error(c, err,
		    "--%s takes a number of seconds, at most %d", name,
		    SECONDS_MAX);
	return 0;
}

static json_t *number_or_never(uint64_t n)
{
	return n ? json_integer((json_int_t)n) : json_null();
}

static int run_on(struct cli *c, struct error *err)
{
	uint64_t freeze = FREEZE_DEFAULT, stop = STOP_DEFAULT;

	if (read_seconds(c, "freeze-after", &freeze, err) == -1 ||
	    read_seconds(c, "stop-after", &stop, err) == -1)
		return -1;
	if (freeze == 0)
		return usage_error(c, err,
		    "--freeze-after takes at least 1 second (to turn it off: "
		    "paas idle:off)");
	return change(c,
	    json_pack("{s:o, s:o}", "freeze_after", number_or_never(freeze),
	        "stop_after", number_or_never(stop)),
	    err);
}

static int run_off(struct cli *c, struct error *err)
{
	return change(
	    c, json_pack("{s:n, s:n}", "freeze_after", "stop_after"), err);
}

const struct command idle_commands[] = {
    {"idle", "idle", "does it rest while nobody asks for it?", run_idle,
        CMD_APP, 0, 0, {{0, "json", NULL, "print the API's answer"}}, NULL},
    {"idle:on", "idle:on", "let its web processes rest", run_on, CMD_APP, 0, 0,
        {{0, "freeze-after", "SECONDS", "without a request (300)"},
            {0, "stop-after", "SECONDS",
                "more, until it is stopped (3600; 0: never)"}},
        "A frozen app keeps its memory (in swap, where there is some) and goes "
        "on within\nmilliseconds; a stopped one boots. It never rests with an "
        "open connection, and\nworkers never do."},
    {"idle:off", "idle:off", "keep it running", run_off, CMD_APP, 0, 0, {{0}},
        NULL},
    {0},
};
