/*
 * The platform's build: source, detect, restore, and the buildpacks.
 *
 * Runs as the build's user, PID 1 of a container that is the app's alone.
 * What buildpacks leave behind is checked by the export, which they can't
 * reach.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appjson.h"
#include "base/fd.h"
#include "base/mem.h"
#include "build.h"
#include "buildenv.h"
#include "convert.h"
#include "detect.h"
#include "image.h"
#include "jobs.h"
#include "layers.h"
#include "project.h"
#include "report.h"
#include "say.h"
#include "tree.h"
#include "unpack.h"
#include "wrong.h"

#define CONFIG_FD 3

struct build {
	struct report *report;
	struct life life;
	struct runner runner;
	struct buildpacks all;
	struct detection found;
	struct env *env;
	json_t *project; /* project.toml; NULL */
	char tmp[32];    /* folder of its scripts */
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
	scoped_fd int app =
	    open(b->life.app, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unpack_limits limits = {.files = o->files, .bytes = o->bytes};

	if (app == -1)
		return error_sys(err, "open %s", b->life.app);
	if (buildenv_receive(b->life.platform, CONFIG_FD, err) == -1 ||
	    unpack(STDIN_FILENO, app, &limits, err) == -1 ||
	    check_appjson(app, err) == -1 ||
	    project_read(app, &b->project, err) == -1 ||
	    project_filter(app, b->project, err) == -1 ||
	    project_env(b->life.platform, b->project, err) == -1)
		return -1;
	report_stage(b->report, "receive", false);
	return shield(err);
}

/* --- nobody takes it ------------------------------------------------------ */

static void say_seen(void)
{
	scoped_fd int app = open("/app", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_names struct tree_names names = {0};
	scoped_buf struct buf list = BUF_INIT(400);
	struct error err;

	if (app == -1 || tree_names(app, &names, &err) == -1 || names.n == 0) {
		say_wrong("The commit has no files at its top.");
		return;
	}
	for (size_t i = 0; i < names.n && !list.bad; i++) {
		struct stat st;
		bool dir =
		    fstatat(app, names.v[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode);

		for (char *c = names.v[i]; *c; c++)
			*c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
		buf_addf(
		    &list, "%s%s%s", i ? ", " : "", names.v[i], dir ? "/" : "");
	}
	say_wrong("Files at the top of the commit: " STR_FMT "%s",
	    STR_ARG(buf_str(&list)), list.bad ? ", ..." : "");
}

/* "package.json" or "index.html, public/index.html" of what bp looks for. */
static void say_wanted(const struct buildpack *bp)
{
	scoped_buf struct buf list = BUF_INIT(400);
	const json_t *files = json_object_get(
	    json_object_get(bp->file, "metadata"), "fast-detect");
	json_t *file;
	size_t i;

	json_array_foreach(files, i, file)
	{
		if (json_is_string(file))
			buf_addf(&list, "%s%s", i ? " or " : "",
			    json_string_value(file));
	}
	if (list.len)
		say_wrong("  %-14s %s", bp->name[0] ? bp->name : bp->id,
		    buf_z(&list));
	else
		say_wrong("  %s", bp->name[0] ? bp->name : bp->id);
}

static void say_none(const struct buildpacks *all)
{
	say_wrong("No buildpack takes this app.");
	say_seen();
	say_wrong("Add what one of these looks for at the top, commit, push "
	          "again:");
	for (int i = 0; i < all->n; i++)
		say_wanted(all->v[i]);
}

/* --- detect --------------------------------------------------------------- */

static void say_chosen(struct build *b)
{
	json_t *item;
	size_t i;

	json_array_foreach(b->found.group, i, item)
	{
		const char *reason =
		    json_string_value(json_array_get(b->found.reasons, i));
		struct error err;
		const struct buildpack *bp = buildpacks_find(&b->all,
		    json_string_value(json_object_get(item, "id")),
		    json_string_value(json_object_get(item, "version")), false,
		    &err);

		say_step("Detected: %s (%s %s)%s%s",
		    bp->name[0] ? bp->name : bp->id, bp->id, bp->version,
		    reason[0] ? ": " : "", reason);
	}
}

static int choose(struct build *b, const json_t *order, struct error *err)
{
	switch (detect(&b->runner, &b->all, order, b->env, &b->found, err)) {
	case DETECT_FOUND:
		say_chosen(b);
		return 0;
	case DETECT_ERROR:
		return -1;
	case DETECT_BROKEN:
		say_none(&b->all);
		return error_set(err, ERR_INTERNAL,
		    "a buildpack's bin/detect failed and no other takes the "
		    "app");
	default:
		say_none(&b->all);
		return error_set(err, ERR_NOT_FOUND,
		    "no buildpack takes this app: there is none of the files "
		    "that they look for");
	}
}

/* What project.toml says of the buildpacks. */
static int own_order(struct build *b, json_t *order, struct error *err)
{
	if (!b->project)
		return 0;
	str_copy(STR("/tmp/project-XXXXXX"), b->tmp, sizeof(b->tmp));
	if (!mkdtemp(b->tmp))
		return error_sys(err, "make a folder in /tmp");
	return project_order(&b->all, b->tmp, b->project, order, err);
}

static int find_buildpacks(struct build *b)
{
	scoped_free char *path = xasprintf("%s/order.toml", b->life.buildpacks);
	struct error err = {0};
	json_t *order = order_read(path, &err);
	int done;

	if (!order)
		return wrong(b, &err, WRONG_INTERNAL);
	done = own_order(b, order, &err);
	if (done == 0)
		done = choose(b, order, &err);
	json_decref(order);
	report_stage(b->report, "detect", false);
	return done == -1 ? wrong(b, &err, WRONG_DETECT) : 0;
}

/* --- restore -------------------------------------------------------------- */

static int restore(struct build *b, struct error *err)
{
	struct layers_of of = {&b->life, b->found.group};
	json_t *previous = layers_previous(), *item;
	int done = layers_clean(&of, err);
	size_t i;

	json_array_foreach(b->found.group, i, item)
	{
		if (done == 0)
			done = layers_restore(&b->life,
			    json_string_value(json_object_get(item, "id")),
			    previous, err);
	}
	report_stage(b->report, "restore", json_object_size(previous) != 0);
	json_decref(previous);
	return done;
}

/* --- build ---------------------------------------------------------------- */

static int settle(void *arg, const struct buildpack *bp, const json_t *layers,
    struct error *err)
{
	const struct life *l = arg;

	if (layers_settle(l, bp, layers, err) == -1)
		return -1;
	return layers_save(l, bp, layers, err);
}

static int check(struct build *b, struct error *err)
{
	json_t *about = image_read(&b->life, NULL, err);

	(void)b;
	json_decref(about);
	return about ? 0 : -1;
}

static int run_buildpacks(struct build *b)
{
	struct building all = {.life = &b->life,
	    .runner = &b->runner,
	    .all = &b->all,
	    .env = b->env,
	    .group = b->found.group,
	    .plan = b->found.plan,
	    .settle = settle,
	    .arg = &b->life};
	struct error err = {0};
	enum built got = build_group(&all, &err);

	json_decref(all.about);
	/* its form is looked at while the people who wrote it look at the log
	 */
	if (got == BUILT && check(b, &err) == -1)
		got = BUILD_ERROR;
	if (got != BUILT)
		return wrong(b, &err, WRONG_BUILDPACK);
	report_stage(b->report, "build", false);
	return 0;
}

/* -------------------------------------------------------------------------- */

static int steps(struct build *b, const struct options *o)
{
	struct error err = {0};

	if (take_source(b, o, &err) == -1)
		return wrong(b, &err, WRONG_SOURCE);
	if (find_buildpacks(b) == -1)
		return -1;
	if (restore(b, &err) == -1)
		return wrong(b, &err, WRONG_INTERNAL);
	return run_buildpacks(b);
}

int job_build(const struct options *o, struct report *r)
{
	struct build b = {.report = r, .life = job_life()};
	struct error err = {0};
	int done;

	if (runner_open(&b.runner, &err) == -1)
		return wrong(&b, &err, WRONG_INTERNAL);
	b.all.life = &b.life;
	b.env = buildenv_new(&b.life);
	done = steps(&b, o);
	if (b.tmp[0])
		(void)tree_remove(AT_FDCWD, b.tmp, NULL);
	json_decref(b.project);
	detection_release(&b.found);
	buildpacks_release(&b.all);
	buildenv_free(b.env);
	fd_close(&b.runner.signals);
	return done;
}
