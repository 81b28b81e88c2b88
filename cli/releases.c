/* releases - an app's history: list, show, go back. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/mem.h"
#include "cli.h"
#include "git.h"
#include "show.h"

/* "v12" or "12" as the API's path wants it; NULL when it is neither. */
static const char *version_of(const char *arg)
{
	const char *digits = arg + (*arg == 'v');
	size_t n = strspn(digits, "0123456789");

	return n && n <= 9 && !digits[n] ? digits : NULL;
}

static int list(struct api *a, const char *app, const char *range, json_t **ret,
    struct error *err)
{
	if (api_call(a,
	        &(struct api_request){
	            .path = api_path("apps", app, "releases"), .range = range},
	        ret, err) == -1)
		return -1;
	json_newest_first(*ret, "version");
	return 0;
}

static int run_releases(struct cli *c, struct error *err)
{
	struct table t = TABLE("VERSION", "WHAT", "STATUS", "BY", "WHEN");
	const char *n = cli_option(c, "num");
	scoped_api struct api *a = NULL;
	json_auto_t *releases = NULL;
	struct target target;
	char range[64], ago[32];
	uint64_t max = 15;
	json_t *r;
	size_t i;

	if (n && (!str_u64(str_z(n), 1000, &max) || !max))
		return usage_error(c, err, "-n takes a number from 1 to 1000");
	snprintf(range, sizeof(range), "version ..; max=%llu, order=desc",
	    (unsigned long long)max);
	if (target_open(c, &target, &a, err) == -1 ||
	    list(a, target.app, range, &releases, err) == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(releases);
		return 0;
	}
	json_array_foreach(releases, i, r)
	{
		table_addf(&t, "v%lld", json_number(r, "version"));
		if (json_text(r, "failure")[0])
			table_addf(&t, "%.100s (%.200s)",
			    json_text(r, "description"),
			    json_text(r, "failure"));
		else
			table_addf(&t, "%.100s", json_text(r, "description"));
		table_add(&t, json_is_true(json_object_get(r, "current"))
		                  ? "current"
		                  : json_text(r, "status"));
		table_add(&t, json_text(r, "user.email"));
		table_add(&t, show_ago(json_text(r, "created_at"), ago));
	}
	table_print(&t, "There are no releases yet");
	return 0;
}

/* The release named by the first argument, else the newest. */
static int find(struct cli *c, struct api *a, const char *app, json_t **ret,
    struct error *err)
{
	json_auto_t *releases = NULL;

	if (c->argc) {
		const char *version = version_of(c->argv[0]);

		if (!version)
			return usage_error(c, err,
			    "%.40s is no release (they look like v12; see: "
			    "paas releases)",
			    c->argv[0]);
		return api_get(a, ret, err, "apps", app, "releases", version);
	}
	if (list(a, app, "version ..; max=1, order=desc", &releases, err) == -1)
		return -1;
	if (!json_array_size(releases))
		return error_set(
		    err, ERR_NOT_FOUND, "%s has no releases yet", app);
	*ret = json_incref(json_array_get(releases, 0));
	return 0;
}

static int run_info(struct cli *c, struct error *err)
{
	json_auto_t *r = NULL, *vars = NULL;
	scoped_api struct api *a = NULL;
	struct target t;
	char version[24];
	const char *key;
	json_t *value;

	if (target_open(c, &t, &a, err) == -1 ||
	    find(c, a, t.app, &r, err) == -1)
		return -1;
	snprintf(version, sizeof(version), "%lld", json_number(r, "version"));
	if (api_get(a, &vars, err, "apps", t.app, "releases", version,
	        "config-vars") == -1)
		return -1;
	show_fact("Release", "v%s of %s", version, t.app);
	show_fact("What", "%s", json_text(r, "description"));
	show_fact("Status", "%s%s", json_text(r, "status"),
	    json_is_true(json_object_get(r, "current")) ? ", current" : "");
	if (json_text(r, "failure")[0])
		show_fact("Why", "%s", json_text(r, "failure"));
	show_fact("By", "%s", json_text(r, "user.email"));
	show_fact("When", "%s", json_text(r, "created_at"));
	if (json_text(r, "image")[0])
		show_fact("Image", "%s", json_text(r, "image"));
	json_object_foreach(vars, key, value)
	    show_fact("Config", "%s=%s", key, json_value_text(value));
	return 0;
}

/* The release to go back to when none is named: the second eligible one. */
static int previous(
    struct api *a, const char *app, json_t **ret, struct error *err)
{
	json_auto_t *releases = NULL;
	int eligible = 0;
	json_t *r;
	size_t i;

	if (list(a, app, "version ..; max=100, order=desc", &releases, err) ==
	    -1)
		return -1;
	json_array_foreach(releases, i, r)
	{
		if (!json_is_true(
		        json_object_get(r, "eligible_for_rollback")) ||
		    ++eligible < 2)
			continue;
		*ret = json_incref(r);
		return 0;
	}
	return error_set(err, ERR_NOT_FOUND,
	    "%s has no earlier release to go back to (see: paas releases)",
	    app);
}

static int run_rollback(struct cli *c, struct error *err)
{
	json_auto_t *to = NULL, *made = NULL;
	scoped_api struct api *a = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    (c->argc ? find(c, a, t.app, &to, err)
	             : previous(a, t.app, &to, err)) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "POST",
	            .path = api_path("apps", t.app, "releases"),
	            .body = json_pack("{s:s}", "release", json_text(to, "id"))},
	        &made, err) == -1)
		return -1;
	printf("Rolled %s back to v%lld, code and config: v%lld\n", t.app,
	    json_number(to, "version"), json_number(made, "version"));
	return 0;
}

const struct command release_commands[] = {
    {"releases", "releases", "list the releases, newest first", run_releases,
        CMD_APP, 0, 0,
        {{'n', "num", "N", "how many (15)"},
            {0, "json", NULL, "print the API's answer"}},
        NULL},
    {"releases:info", "releases:info [vN]",
        "show one: what, who, when, its config", run_info, CMD_APP, 0, 1, {{0}},
        NULL},
    {"rollback", "rollback [vN]",
        "go back to an earlier release, config included", run_rollback, CMD_APP,
        0, 1, {{0}},
        "Without vN to the one before. It is a new release with old content."},
    {0},
};
