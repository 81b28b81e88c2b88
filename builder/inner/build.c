/*
 * The build: source, detect, restore, and the buildpacks one by one.
 *
 * Runs as the build's user, PID 1 of a container that is the app's alone.
 * What buildpacks leave behind is checked by the export, which they can't
 * reach; here a malformed file ends the build with a text that names it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "appjson.h"
#include "base/fd.h"
#include "base/mem.h"
#include "buildenv.h"
#include "convert.h"
#include "detect.h"
#include "image.h"
#include "jobs.h"
#include "launch.h"
#include "layers.h"
#include "say.h"
#include "tree.h"
#include "unpack.h"
#include "wrong.h"

#define APP_DIR "/app"
#define CONFIG_FD 3

struct build {
	struct report *report;
	struct runner runner;
	struct buildpacks all;
	struct detection found;
	struct env *env;
	json_t *about; /* the description, as image.h has it */
	char tmp[32];  /* folder of the plan files */
};

static int wrong(
    struct build *b, const struct error *err, const char *otherwise)
{
	report_error(b->report, wrong_kind(err, otherwise), err->msg);
	return -1;
}

/* --- source --------------------------------------------------------------- */

/* Nothing of ours is for the buildpacks; their input is empty. */
static int shield(struct error *err)
{
	scoped_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1)
		return error_sys(err, "open /dev/null");
	close(CONFIG_FD);
	return 0;
}

/* A broken app.json costs no build; the export reads it for good. */
static int check_appjson(int app, struct error *err)
{
	json_t *used;

	if (appjson_read(app, &used, err) == -1)
		return -1;
	json_decref(used);
	return 0;
}

static int take_source(
    struct build *b, const struct options *o, struct error *err)
{
	scoped_fd int app = open(APP_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unpack_limits limits = {.files = o->files, .bytes = o->bytes};

	if (app == -1)
		return error_sys(err, "open %s", APP_DIR);
	if (buildenv_receive(CONFIG_FD, err) == -1 ||
	    unpack(STDIN_FILENO, app, &limits, err) == -1 ||
	    check_appjson(app, err) == -1)
		return -1;
	report_stage(b->report, "receive", false);
	return shield(err);
}

/* --- restore -------------------------------------------------------------- */

static int restore(struct build *b, struct error *err)
{
	const struct buildpack *group[GROUP_MAX];
	json_t *previous = layers_previous();
	int n = 0, done;

	for (int i = 0; i < b->found.n; i++)
		if (b->found.of[i].bp)
			group[n++] = b->found.of[i].bp;
	done = layers_clean(group, n, err);
	for (int i = 0; i < n && done == 0; i++)
		done = layers_restore(group[i], previous, err);
	report_stage(b->report, "restore", json_object_size(previous) != 0);
	json_decref(previous);
	return done;
}

/* --- one buildpack -------------------------------------------------------- */

/* Its part of the build plan as a file. */
static int write_plan(
    struct build *b, size_t i, const char *path, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);
	json_t *plan =
	    json_pack("{s:o}", "entries", plan_of(b->found.entries, i));

	convert_table(&text, "", plan);
	json_decref(plan);
	if (text.bad)
		return error_set(err, ERR_LIMIT, "a build plan is too long");
	return tree_write(AT_FDCWD, path, buf_str(&text), 0644, err);
}

static int run_build(struct build *b, const struct buildpack *bp,
    const char *layers, const char *plan, struct error *err)
{
	scoped_free char *program = xasprintf("%s/bin/build", bp->dir);
	char *argv[] = {
	    program, (char *)layers, (char *)PLATFORM_DIR, (char *)plan, NULL};
	struct env *env = buildenv_copy(b->env);
	int code;

	if (!bp->clear_env)
		buildenv_add_platform(env);
	detect_env(env, bp);
	env_set(env, STR("CNB_LAYERS_DIR"), str_z(layers));
	env_set(env, STR("CNB_BP_PLAN_PATH"), str_z(plan));
	code = run_wait(&b->runner,
	    &(struct run){.argv = argv, .env = env->items, .dir = APP_DIR},
	    err);
	buildenv_free(env);
	return code;
}

/* A TOML file in the buildpack's folder; an empty object when there is none. */
static json_t *own_file(
    const struct buildpack *bp, const char *name, struct error *err)
{
	scoped_free char *path = xasprintf("layers/%s/%s", bp->folder, name);
	struct error why = {0};
	json_t *file = convert_file(AT_FDCWD, path, &why);

	if (!file && why.code == ERR_NOT_FOUND)
		return json_object();
	if (!file)
		*err = why;
	return file;
}

static int take_files(
    struct build *b, size_t i, json_t *about_bp, struct error *err)
{
	const struct buildpack *bp = b->found.of[i].bp;
	json_t *launch = own_file(bp, "launch.toml", err);
	json_t *build = launch ? own_file(bp, "build.toml", err) : NULL;
	json_t *store = build ? own_file(bp, "store.toml", err) : NULL;
	int done = -1;

	if (store) {
		plan_met(b->found.entries, i, json_object_get(build, "unmet"));
		json_object_set(about_bp, "store",
		    json_object_get(store, "metadata")
		        ? json_object_get(store, "metadata")
		        : json_null());
		done = launch_add(b->about, bp, launch, err);
	}
	json_decref(launch);
	json_decref(build);
	json_decref(store);
	return done;
}

/* What it left: layers for later buildpacks, the cache and the image. */
static int take_result(
    struct build *b, size_t i, const char *folder, struct error *err)
{
	const struct buildpack *bp = b->found.of[i].bp;
	json_t *layers = NULL, *about_bp;

	if (layers_collect(bp, &layers, err) == -1)
		return -1;
	about_bp = json_pack("{s:s, s:s, s:o, s:s, s:s, s:o}", "id", bp->id,
	    "version", bp->version, "api", json_sprintf("0.%u", bp->api),
	    "homepage", bp->homepage, "folder", bp->folder, "layers", layers);
	json_array_append_new(
	    json_object_get(b->about, "buildpacks"), about_bp);
	if (layers_settle(bp, layers, err) == -1 ||
	    layers_save(bp, layers, err) == -1 ||
	    take_files(b, i, about_bp, err) == -1)
		return -1;
	buildenv_add_layers(b->env, folder, layers);
	return 0;
}

static int build_one(struct build *b, size_t i)
{
	const struct buildpack *bp = b->found.of[i].bp;
	scoped_free char *folder = xasprintf("%s/%s", LAYERS_DIR, bp->folder);
	scoped_free char *plan = xasprintf("%s/%s.toml", b->tmp, bp->folder);
	struct error err = {0};
	int code;

	if (write_plan(b, i, plan + 1, &err) == -1)
		return wrong(b, &err, WRONG_INTERNAL);
	code = run_build(b, bp, folder, plan, &err);
	if (code == -1)
		return wrong(b, &err, WRONG_INTERNAL);
	if (b->runner.stop)
		error_set(&err, ERR_UNAVAILABLE, "the build was stopped");
	else if (code != 0)
		error_set(&err, ERR_INVALID,
		    "buildpack %s failed with exit status %d, see above",
		    bp->id, code);
	if (err.code || take_result(b, i, folder, &err) == -1)
		return wrong(b, &err, WRONG_BUILDPACK);
	return 0;
}

/* --- all of them ---------------------------------------------------------- */

static int write_about(struct build *b, struct error *err)
{
	scoped_free char *text = json_dumps(b->about, JSON_COMPACT);

	if (!text || strlen(text) > IMAGE_BUILT_MAX)
		return error_set(err, ERR_LIMIT,
		    "the layers' metadata has more than %u bytes",
		    IMAGE_BUILT_MAX);
	if (image_check(b->about, err) == -1)
		return -1;
	return tree_write(AT_FDCWD, IMAGE_BUILT, str_z(text), 0644, err);
}

static int build_all(struct build *b)
{
	struct error err = {0};

	b->about = json_pack(
	    "{s:[], s:[], s:[]}", "buildpacks", "processes", "labels");
	for (int i = 0; i < b->found.n; i++)
		if (b->found.of[i].bp && build_one(b, (size_t)i) == -1)
			return -1;
	if (write_about(b, &err) == -1)
		return wrong(b, &err, WRONG_BUILDPACK);
	report_stage(b->report, "build", false);
	return 0;
}

static int find_buildpacks(struct build *b)
{
	struct error err = {0};
	int done;

	if (buildpacks_load(&b->all, &err) == -1)
		return wrong(b, &err, WRONG_INTERNAL);
	done = detect(&b->runner, &b->all, b->env, &b->found, &err);
	report_stage(b->report, "detect", false);
	return done == -1 ? wrong(b, &err, WRONG_DETECT) : 0;
}

static int steps(struct build *b, const struct options *o)
{
	struct error err = {0};

	if (take_source(b, o, &err) == -1)
		return wrong(b, &err, WRONG_SOURCE);
	if (find_buildpacks(b) == -1)
		return -1;
	if (restore(b, &err) == -1)
		return wrong(b, &err, WRONG_INTERNAL);
	return build_all(b);
}

int job_build(const struct options *o, struct report *r)
{
	struct build b = {.report = r, .tmp = "/tmp/build-XXXXXX"};
	struct error err = {0};
	int done;

	if (runner_open(&b.runner, &err) == -1)
		return wrong(&b, &err, WRONG_INTERNAL);
	if (!mkdtemp(b.tmp)) {
		error_sys(&err, "make a folder in /tmp");
		return wrong(&b, &err, WRONG_INTERNAL);
	}
	b.env = buildenv_new();
	done = steps(&b, o);
	(void)tree_remove(AT_FDCWD, b.tmp, NULL);
	detection_release(&b.found);
	buildpacks_release(&b.all);
	buildenv_free(b.env);
	json_decref(b.about);
	fd_close(&b.runner.signals);
	return done;
}
