#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "buildenv.h"
#include "convert.h"
#include "detect.h"
#include "image.h"
#include "launch.h"
#include "layers.h"
#include "sbom.h"
#include "tree.h"

#define WORKING_DIR_SINCE 8 /* Buildpack API */

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- running one ---------------------------------------------------------- */

/* Its part of the build plan as a file. */
static int write_plan(
    const json_t *entries, const char *path, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);

	convert_tables(&text, "entries", entries);
	if (text.bad)
		return error_set(err, ERR_LIMIT, "a build plan is too long");
	return convert_write(path, buf_str(&text), err);
}

static int run_build(struct building *b, const struct buildpack *bp,
    const char *layers, const char *plan, struct error *err)
{
	scoped_free char *program = xasprintf("%s/bin/build", bp->dir);
	char *argv[] = {program, (char *)layers, (char *)b->life->platform,
	    (char *)plan, NULL};
	struct env *env = buildenv_copy(b->env);
	int code;

	if (!bp->clear_env)
		buildenv_add_platform(b->life, env);
	buildenv_add_operator(b->life, env);
	detect_env(b->life, env, bp);
	env_set(env, STR("CNB_LAYERS_DIR"), str_z(layers));
	env_set(env, STR("CNB_BP_PLAN_PATH"), str_z(plan));
	code = run_wait(b->runner,
	    &(struct run){.argv = argv, .env = env->items, .dir = b->life->app},
	    err);
	buildenv_free(env);
	return code;
}

/* --- what it left --------------------------------------------------------- */

/* A TOML file in the buildpack's folder; an empty object when there is none. */
static json_t *own_file(int folder, const char *name, struct error *err)
{
	struct error why = {0};
	json_t *file = convert_file(folder, name, &why);

	if (!file && why.code == ERR_NOT_FOUND)
		return json_object();
	if (!file)
		*err = why;
	return file;
}

static bool has_name(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (strcmp(text_of(item, "name"), name) == 0)
			return true;
	}
	return false;
}

static int take_unmet(struct building *b, const struct buildpack *bp,
    const json_t *mine, const json_t *unmet, struct error *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(unmet, i, item)
	{
		if (!has_name(mine, text_of(item, "name")))
			return error_set(err, ERR_INVALID,
			    "build.toml of %s: unmet.name '%.60s' must match a "
			    "requested dependency",
			    bp->id, text_of(item, "name"));
	}
	plan_met(b->plan, bp->id, bp->version, unmet);
	return 0;
}

/* Rules of launch.toml that hang on the Buildpack API. */
static int check_launch(const struct life *l, const struct buildpack *bp,
    const json_t *launch, struct error *err)
{
	int defaults = 0;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(launch, "processes"), i, item)
	{
		defaults += json_is_true(json_object_get(item, "default"));
		if (bp->api < WORKING_DIR_SINCE &&
		    json_object_del(item, "working-dir") == 0)
			life_say(l, LEVEL_WARN,
			    "process working directory isn't supported in this "
			    "buildpack api version. Ignoring working directory "
			    "for process '%s'",
			    text_of(item, "type"));
	}
	if (defaults > 1)
		return error_set(err, ERR_INVALID,
		    "launch.toml of %s: multiple default process types aren't "
		    "allowed",
		    bp->id);
	return 0;
}

static int take_files(struct building *b, const struct buildpack *bp,
    int folder, const json_t *mine, struct error *err)
{
	json_t *launch = own_file(folder, "launch.toml", err);
	json_t *build = launch ? own_file(folder, "build.toml", err) : NULL;
	int done = -1;

	if (build &&
	    take_unmet(b, bp, mine, json_object_get(build, "unmet"), err) ==
	        0 &&
	    check_launch(b->life, bp, launch, err) == 0)
		done = launch_add(b->life, b->about, bp, launch, err);
	json_decref(launch);
	json_decref(build);
	return done;
}

/* Layers for later buildpacks, the cache and the image. */
static int take_result(struct building *b, const struct buildpack *bp,
    const char *folder, const json_t *mine, struct error *err)
{
	scoped_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_t *layers = NULL;
	int done = -1;

	if (fd == -1)
		return error_sys(err, "open %s", folder);
	if (layers_collect(fd, true, &layers, err) == -1)
		return error_wrap(err, "layers of %s", bp->id);
	if ((!b->settle || b->settle(b->arg, bp, layers, err) == 0) &&
	    take_files(b, bp, fd, mine, err) == 0) {
		buildenv_add_layers(b->env, folder, layers);
		json_array_append(b->layers, layers);
		done = 0;
	}
	json_decref(layers);
	return done;
}

static enum built build_one(
    struct building *b, const struct buildpack *bp, struct error *err)
{
	scoped_free char *folder =
	    xasprintf("%s/%s", b->life->layers, bp->folder);
	scoped_free char *plan = xasprintf("%s/%s.toml", b->tmp, bp->folder);
	json_t *mine = plan_of(b->plan, bp->id, bp->version);
	enum built got = BUILD_ERROR;
	int code = -1;

	if (mkdir(folder, 0777) == -1 && errno != EEXIST)
		error_sys(err, "make %s", folder);
	else if (write_plan(mine, plan, err) == 0)
		code = run_build(b, bp, folder, plan, err);
	if (code > 0 && b->runner->stop) {
		error_set(err, ERR_UNAVAILABLE, "the build was stopped");
		got = BUILD_REFUSED;
	} else if (code > 0) {
		error_set(err, ERR_INVALID,
		    "buildpack %s failed with exit status %d, see above",
		    bp->id, code);
		got = BUILD_REFUSED;
	} else if (code == 0) {
		got = take_result(b, bp, folder, mine, err) == -1 ? BUILD_ERROR
		                                                  : BUILT;
	}
	json_decref(mine);
	return got;
}

/* --- all of them ---------------------------------------------------------- */

int build_write_metadata(
    const struct life *l, const json_t *about, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);
	scoped_fd int layers =
	    open(l->layers, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (layers == -1)
		return error_sys(err, "open %s", l->layers);
	image_metadata(l, about, &text);
	if (text.bad)
		return error_set(err, ERR_LIMIT,
		    "the image's metadata has more than %u bytes",
		    TOML_BYTES_MAX);
	return tree_write(
	    layers, "config/metadata.toml", buf_str(&text), 0644, err);
}

static json_t *start_about(const struct building *b)
{
	json_t *about = json_pack("{s:o, s:[], s:[], s:[]}", "buildpacks",
	    json_deep_copy(b->group), "processes", "labels", "slices");

	if (json_array_size(b->extensions))
		json_object_set_new(
		    about, "extensions", json_deep_copy(b->extensions));
	return about;
}

static struct buildpack *find(
    struct building *b, const json_t *item, struct error *err)
{
	return buildpacks_find(
	    b->all, text_of(item, "id"), text_of(item, "version"), false, err);
}

/* Bills of materials are none of the buildpacks' while they run. */
static int take_sboms(struct building *b, struct error *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(b->group, i, item)
	{
		if (sbom_take(b->life, find(b, item, err),
		        json_array_get(b->layers, i), err) == -1)
			return -1;
	}
	return 0;
}

static enum built build_each(struct building *b, struct error *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(b->group, i, item)
	{
		struct buildpack *bp = find(b, item, err);
		enum built got;

		if (!bp || buildpack_check_api(b->life, bp, err) == -1)
			return BUILD_ERROR;
		got = build_one(b, bp, err);
		if (got != BUILT)
			return got;
	}
	if (take_sboms(b, err) == -1 ||
	    build_write_metadata(b->life, b->about, err) == -1)
		return BUILD_ERROR;
	return BUILT;
}

enum built build_group(struct building *b, struct error *err)
{
	enum built got;

	str_copy(STR("/tmp/build-XXXXXX"), b->tmp, sizeof(b->tmp));
	if (!mkdtemp(b->tmp)) {
		error_sys(err, "make a folder in /tmp");
		return BUILD_ERROR;
	}
	b->about = start_about(b);
	b->layers = json_array();
	got = build_each(b, err);
	json_decref(b->layers);
	(void)tree_remove(AT_FDCWD, b->tmp, NULL);
	return got;
}
