#include "inputs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define LAYERS "<layers>" /* in a default: the folder of the layers */

enum kind { TEXT, TRUTH, NUMBER, FOLDER, LIST };

/* Platform APIs from..to know the flag; a program not named never does. */
#define SINCE(a, d, r, b, e, c, re)                                            \
	{                                                                      \
		a, d, r, b, e, c, re                                           \
	}
#define NO 0

static const struct row {
	const char *flag, *variable, *otherwise;
	enum kind kind;
	unsigned char since[PHASES]; /* minor version; 0: not at all */
	unsigned char until;         /* the last one; 0: it goes on */
	const char *help;
} rows[INPUTS] = {
    /*                       analyzer detector restorer builder exporter
                             creator rebaser */
    [IN_ANALYZED] = {"analyzed", "CNB_ANALYZED_PATH", LAYERS "/analyzed.toml",
        TEXT, SINCE(7, 10, 7, 12, 7, NO, NO), 0, "path of analyzed.toml"},
    [IN_APP] = {"app", "CNB_APP_DIR", "/workspace", FOLDER,
        SINCE(NO, 7, NO, 7, 7, 7, NO), 0, "folder of the app"},
    [IN_BUILD_CONFIG] = {"build-config", "CNB_BUILD_CONFIG_DIR",
        "/cnb/build-config", FOLDER, SINCE(NO, 11, NO, 11, NO, 11, NO), 0,
        "folder of the operator's environment"},
    [IN_BUILD_IMAGE] = {"build-image", "CNB_BUILD_IMAGE", "", TEXT,
        SINCE(NO, NO, 10, NO, NO, NO, NO), 0, "name of the build image"},
    [IN_BUILDPACKS] = {"buildpacks", "CNB_BUILDPACKS_DIR", "/cnb/buildpacks",
        FOLDER, SINCE(NO, 7, NO, 7, NO, 7, NO), 0, "folder of the buildpacks"},
    [IN_CACHE_DIR] = {"cache-dir", "CNB_CACHE_DIR", "", FOLDER,
        SINCE(NO, NO, 7, NO, 7, 7, NO), 0, "folder of the cache"},
    [IN_CACHE_IMAGE] = {"cache-image", "CNB_CACHE_IMAGE", "", TEXT,
        SINCE(7, NO, 7, NO, 7, 7, NO), 0, "name of the cache image"},
    [IN_DAEMON] = {"daemon", "CNB_USE_DAEMON", "", TRUTH,
        SINCE(7, NO, 12, NO, 7, 7, 7), 0, "images are a daemon's (refused)"},
    [IN_EXTENDED] = {"extended", "CNB_EXTENDED_DIR", LAYERS "/extended", TEXT,
        SINCE(NO, NO, NO, NO, 12, NO, NO), 0,
        "folder of layers that extensions made"},
    [IN_EXTENSIONS] = {"extensions", "CNB_EXTENSIONS_DIR", "/cnb/extensions",
        FOLDER, SINCE(NO, 10, NO, NO, NO, NO, NO), 0,
        "folder of the image extensions"},
    [IN_FORCE] = {"force", "CNB_FORCE_REBASE", "", TRUTH,
        SINCE(NO, NO, NO, NO, NO, NO, 12), 0, "rebase even where it is unsafe"},
    [IN_GENERATED] = {"generated", "CNB_GENERATED_DIR", LAYERS "/generated",
        TEXT, SINCE(NO, 10, 12, NO, NO, NO, NO), 0,
        "folder for what extensions generate"},
    [IN_GID] = {"gid", "CNB_GROUP_ID", "0", NUMBER,
        SINCE(7, NO, 7, NO, 7, 7, 7), 0, "group id of the build's user"},
    [IN_GROUP] = {"group", "CNB_GROUP_PATH", LAYERS "/group.toml", TEXT,
        SINCE(NO, 7, 7, 7, 7, NO, NO), 0, "path of group.toml"},
    [IN_IMAGE] = {"image", NULL, "", TEXT, SINCE(NO, NO, NO, NO, NO, NO, 7), 0,
        "deprecated: -run-image"},
    [IN_INSECURE] = {"insecure-registry", "CNB_INSECURE_REGISTRIES", "", TEXT,
        SINCE(13, NO, 13, NO, 13, 13, 13), 0, "registry without TLS"},
    [IN_LAUNCH_CACHE] = {"launch-cache", "CNB_LAUNCH_CACHE_DIR", "", FOLDER,
        SINCE(9, NO, NO, NO, 7, 7, NO), 0,
        "folder of the launch cache (a daemon's)"},
    [IN_LAUNCHER] = {"launcher", NULL, "/cnb/lifecycle/launcher", TEXT,
        SINCE(NO, NO, NO, NO, 7, 7, NO), 0, "path of the launcher"},
    [IN_LAUNCHER_SBOM] = {"launcher-sbom", NULL, "/cnb/lifecycle", FOLDER,
        SINCE(NO, NO, NO, NO, 11, 11, NO), 0,
        "folder of the launcher's bill of materials"},
    [IN_LAYERS] = {"layers", "CNB_LAYERS_DIR", "/layers", FOLDER,
        SINCE(7, 7, 7, 7, 7, 7, NO), 0, "folder of the layers"},
    [IN_LAYOUT] = {"layout", "CNB_USE_LAYOUT", "", TRUTH,
        SINCE(12, NO, 12, NO, 12, 12, 12), 0, "images are OCI layouts on disk"},
    [IN_LAYOUT_DIR] = {"layout-dir", "CNB_LAYOUT_DIR", "", FOLDER,
        SINCE(12, NO, 12, NO, 12, 12, 12), 0, "folder of the OCI layouts"},
    [IN_LOG_LEVEL] = {"log-level", "CNB_LOG_LEVEL", "info", TEXT,
        SINCE(7, 7, 7, 7, 7, 7, 7), 0, "debug, info, warn or error"},
    [IN_NO_COLOR] = {"no-color", "CNB_NO_COLOR", "", TRUTH,
        SINCE(7, 7, 7, 7, 7, 7, 7), 0, "there is no color anyway"},
    [IN_ORDER] = {"order", "CNB_ORDER_PATH", LAYERS "/order.toml", TEXT,
        SINCE(NO, 7, NO, NO, NO, 7, NO), 0, "path of order.toml"},
    [IN_PARALLEL] = {"parallel", "CNB_PARALLEL_EXPORT", "", TRUTH,
        SINCE(NO, NO, NO, NO, 7, 7, NO), 0,
        "image and cache at once (no difference here)"},
    [IN_PLAN] = {"plan", "CNB_PLAN_PATH", LAYERS "/plan.toml", TEXT,
        SINCE(NO, 7, NO, 7, NO, NO, NO), 0, "path of plan.toml"},
    [IN_PLATFORM] = {"platform", "CNB_PLATFORM_DIR", "/platform", FOLDER,
        SINCE(NO, 7, NO, 7, NO, 7, NO), 0, "folder of the platform"},
    [IN_PREVIOUS] = {"previous-image", "CNB_PREVIOUS_IMAGE", "", TEXT,
        SINCE(7, NO, NO, NO, NO, 7, 11), 0, "name of the previous image"},
    [IN_PROCESS_TYPE] = {"process-type", "CNB_PROCESS_TYPE", "", TEXT,
        SINCE(NO, NO, NO, NO, 7, 7, NO), 0, "default process type"},
    [IN_PROJECT] = {"project-metadata", "CNB_PROJECT_METADATA_PATH",
        LAYERS "/project-metadata.toml", TEXT, SINCE(NO, NO, NO, NO, 7, 7, NO),
        0, "path of project-metadata.toml"},
    [IN_REPORT] = {"report", "CNB_REPORT_PATH", LAYERS "/report.toml", TEXT,
        SINCE(NO, NO, NO, NO, 7, 7, 7), 0, "path of report.toml"},
    [IN_RUN] = {"run", "CNB_RUN_PATH", "/cnb/run.toml", TEXT,
        SINCE(12, 12, 14, NO, 12, 12, NO), 0, "path of run.toml"},
    [IN_RUN_IMAGE] = {"run-image", "CNB_RUN_IMAGE", "", TEXT,
        SINCE(7, NO, NO, NO, NO, 7, 7), 0, "name of the run image"},
    [IN_SKIP_LAYERS] = {"skip-layers", "CNB_SKIP_LAYERS", "", TRUTH,
        SINCE(9, NO, 7, NO, NO, NO, NO), 0,
        "restore nothing of an earlier image"},
    [IN_SKIP_RESTORE] = {"skip-restore", "CNB_SKIP_RESTORE", "", TRUTH,
        SINCE(NO, NO, NO, NO, NO, 7, NO), 0,
        "restore nothing of an earlier build"},
    [IN_STACK] = {"stack", "CNB_STACK_PATH", "/cnb/stack.toml", TEXT,
        SINCE(7, NO, NO, NO, 7, 7, NO), 11, "path of stack.toml"},
    [IN_SYSTEM] = {"system", "CNB_SYSTEM_PATH", "/cnb/system.toml", TEXT,
        SINCE(NO, 15, NO, NO, NO, 15, NO), 0, "path of system.toml"},
    [IN_TAG] = {"tag", NULL, "", LIST, SINCE(7, NO, NO, NO, NO, 7, NO), 0,
        "further name of the image"},
    [IN_UID] = {"uid", "CNB_USER_ID", "0", NUMBER, SINCE(7, NO, 7, NO, 7, 7, 7),
        0, "user id of the build's user"},
};

static bool knows(const struct inputs *in, const struct row *row)
{
	unsigned since = row->since[in->phase];

	return since && in->api >= since &&
	       (!row->until || in->api <= row->until);
}

/* --- values --------------------------------------------------------------- */

static void set(struct inputs *in, enum input which, const char *value)
{
	free(in->value[which]);
	in->value[which] = xstrdup(value);
}

bool inputs_true(const struct inputs *in, enum input which)
{
	static const char *const yes[] = {
	    "1", "t", "T", "true", "TRUE", "True"};

	for (size_t i = 0; i < NELEM(yes); i++)
		if (strcmp(in->value[which], yes[i]) == 0)
			return true;
	return false;
}

static int check_value(
    const struct row *row, const char *value, struct error *err)
{
	uint64_t n;

	if (row->kind == NUMBER && !str_u64(str_z(value), UINT32_MAX, &n))
		return error_set(err, ERR_INVALID,
		    "invalid value \"%.60s\" for flag -%s: a number is wanted",
		    value, row->flag);
	return 0;
}

static int add_tag(struct inputs *in, const char *value, struct error *err)
{
	if (in->ntags == TAGS_MAX)
		return error_set(err, ERR_LIMIT, "more than %d tags", TAGS_MAX);
	in->tags[in->ntags++] = xstrdup(value);
	return 0;
}

/* Variables and defaults, before the flags. */
static void set_defaults(struct inputs *in)
{
	for (size_t i = 0; i < INPUTS; i++) {
		const char *value =
		    rows[i].variable ? getenv(rows[i].variable) : NULL;

		if (value && rows[i].kind == NUMBER &&
		    check_value(&rows[i], value, NULL) == -1)
			value = NULL;
		set(in, (enum input)i,
		    value && value[0] ? value : rows[i].otherwise);
	}
}

/* --- flags ---------------------------------------------------------------- */

static const struct row *find(const struct inputs *in, struct str name)
{
	for (size_t i = 0; i < INPUTS; i++)
		if (str_eqz(name, rows[i].flag) && knows(in, &rows[i]))
			return &rows[i];
	return NULL;
}

/*
 * One flag "-name", "--name", "-name=value" or "-name" "value". Returns how
 * many words it took.
 */
static int take_flag(struct inputs *in, char **words, int n, struct error *err)
{
	struct str rest = str_z(words[0] + 1), name;
	const struct row *row;
	const char *value;

	if (rest.len && rest.p[0] == '-')
		rest = str_sub(rest, 1, rest.len);
	(void)str_split(&rest, '=', &name);
	if (str_eqz(name, "h") || str_eqz(name, "help"))
		return in->help = true, 1;
	if (str_eqz(name, "version"))
		return in->version = true, 1;
	row = find(in, name);
	if (!row)
		return error_set(err, ERR_INVALID,
		    "flag provided but not defined: -" STR_FMT
		    " (%s -help tells those of Platform API 0.%u)",
		    STR_ARG(str_sub(name, 0, 60)), in->name, in->api);
	value = rest.p ? rest.p : row->kind == TRUTH ? "true" : words[1];
	if (!rest.p && row->kind != TRUTH && n < 2)
		return error_set(
		    err, ERR_INVALID, "flag needs an argument: -%s", row->flag);
	if (check_value(row, value, err) == -1 ||
	    (row->kind == LIST && add_tag(in, value, err) == -1))
		return -1;
	set(in, (enum input)(row - rows), value);
	in->given[row - rows] = true;
	return rest.p || row->kind == TRUTH ? 1 : 2;
}

/* --- places --------------------------------------------------------------- */

static char *absolute(const char *path)
{
	char here[PATH_MAX];
	char *real = realpath(path, NULL);

	if (real)
		return real;
	if (path[0] == '/' || !getcwd(here, sizeof(here)))
		return xstrdup(path);
	return xasprintf("%s/%s", here, path);
}

/* Folders become absolute; defaults below the layers' folder get it. */
static void resolve(struct inputs *in)
{
	for (size_t i = 0; i < INPUTS; i++) {
		scoped_free char *path = NULL;

		if (rows[i].kind != FOLDER || !in->value[i][0])
			continue;
		path = absolute(in->value[i]);
		set(in, (enum input)i, path);
	}
	for (size_t i = 0; i < INPUTS; i++) {
		const char *layers =
		    in->phase == REBASER ? "." : in->value[IN_LAYERS];
		scoped_free char *path = NULL;

		if (strncmp(in->value[i], LAYERS, strlen(LAYERS)) != 0)
			continue;
		path = xasprintf("%s%s", layers, in->value[i] + strlen(LAYERS));
		set(in, (enum input)i, path);
	}
	if (!in->given[IN_ORDER] && !getenv(rows[IN_ORDER].variable) &&
	    access(in->value[IN_ORDER], F_OK) == -1)
		set(in, IN_ORDER, "/cnb/order.toml");
}

int inputs_read(struct inputs *in, int argc, char **argv, struct error *err)
{
	int at = 1;

	set_defaults(in);
	while (at < argc && argv[at][0] == '-' && argv[at][1]) {
		int took;

		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		took = take_flag(in, argv + at, argc - at, err);
		if (took == -1)
			return -1;
		at += took;
	}
	in->args = argv + at;
	in->nargs = argc - at;
	resolve(in);
	return 0;
}

void inputs_release(struct inputs *in)
{
	for (size_t i = 0; i < INPUTS; i++)
		free(in->value[i]);
	while (in->ntags > 0)
		free(in->tags[--in->ntags]);
}

void inputs_help(const struct inputs *in)
{
	printf("Usage: %s [FLAG...]%s\n\n"
	       "Cloud Native Buildpacks lifecycle, Platform API 0.%u (set "
	       "CNB_PLATFORM_API to 0.%d ... 0.%d).\n\nFlags:\n",
	    in->name,
	    in->phase == DETECTOR || in->phase == RESTORER ||
	            in->phase == BUILDER
	        ? ""
	        : " IMAGE",
	    in->api, API_OLDEST, PLATFORM_API_NEWEST);
	for (size_t i = 0; i < INPUTS; i++)
		if (knows(in, &rows[i]))
			printf("  -%-18s %s%s%s\n", rows[i].flag, rows[i].help,
			    rows[i].variable ? "; " : "",
			    rows[i].variable ? rows[i].variable : "");
	printf("  -%-18s %s\n  -%-18s %s\n", "version", "print the version",
	    "help", "print this");
}
