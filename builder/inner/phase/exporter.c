/* exporter: what a build left becomes an image, its cache and a report. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cache.h"
#include "export.h"
#include "files.h"
#include "inner/image.h"
#include "phases.h"
#include "sboms.h"

#define OWN_SBOM_SINCE 11 /* Platform API */

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- report.toml ---------------------------------------------------------- */

static int write_report(struct session *s, const struct exporting *x,
    json_t *tags, struct error *err)
{
	json_t *report = json_pack("{s:{s:O, s:o, s:I}}", "image", "tags", tags,
	    "digest", json_sprintf("sha256:%s", x->digest), "manifest-size",
	    (json_int_t)x->size);
	int done = files_write("report", s->in.value[IN_REPORT], report, err);

	json_decref(report);
	return done;
}

/* --- one name ------------------------------------------------------------- */

static int export_to(
    struct session *s, struct exporting *x, const char *name, struct error *err)
{
	scoped_free char *path =
	    layout_path(s->in.value[IN_LAYOUT_DIR], name, err);
	int done = -1;

	if (!path)
		return -1;
	life_say(&s->life, LEVEL_INFO, "Saving %s...", path);
	x->out = layout_create(path, err);
	if (x->out)
		done = export_image(x, err);
	layout_drop(x->out);
	x->out = NULL;
	if (done == 0)
		life_say(&s->life, LEVEL_INFO,
		    "*** Images (sha256:%s):\n      %s", x->digest, path);
	return done;
}

static void forget(struct exporting *x)
{
	json_decref(x->layers);
	json_decref(x->label);
	x->layers = x->label = NULL;
}

/* All names; each is an image of its own on disk. */
static int export_all(struct session *s, struct exporting *x,
    const json_t *names, struct error *err)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		forget(x);
		if (export_to(s, x, json_string_value(name), err) == -1)
			return -1;
	}
	return 0;
}

/* --- reading -------------------------------------------------------------- */

static int open_images(struct session *s, struct exporting *x,
    const json_t *analyzed, struct error *err)
{
	const char *dir = s->in.value[IN_LAYOUT_DIR];
	const json_t *run = json_object_get(analyzed, "run-image");
	const char *previous =
	    text_of(json_object_get(analyzed, "image"), "reference");

	x->run_name = text_of(run, "image");
	if (!text_of(run, "reference")[0])
		return error_set(err, ERR_INVALID,
		    "run image not found in analyzed metadata");
	if (layout_open(dir, text_of(run, "reference"), &x->run, err) == -1)
		return -1;
	if (!x->run.found)
		return error_set(err, ERR_NOT_FOUND,
		    "run image %.100s does not exist",
		    text_of(run, "reference"));
	x->before = json_object_get(analyzed, "metadata");
	return previous[0] ? layout_open(dir, previous, &x->previous, err) : 0;
}

static int export_with(struct session *s, const json_t *analyzed,
    const json_t *group, const json_t *names, struct error *err)
{
	struct exporting x = {.s = s};
	json_t *project =
	    files_read_some("project metadata", s->in.value[IN_PROJECT], err);
	int done = -1;

	x.project = project;
	if (project && s->life.api >= OWN_SBOM_SINCE &&
	    sboms_add_own(&s->life, s->in.value[IN_LAUNCHER_SBOM], err) == -1) {
		json_decref(project);
		return -1;
	}
	x.about =
	    project ? image_read(&s->life, json_object_get(group, "group"), err)
	            : NULL;
	if (x.about && open_images(s, &x, analyzed, err) == 0 &&
	    export_all(s, &x, names, err) == 0 &&
	    write_report(s, &x, (json_t *)names, err) == 0)
		done = 0;
	if (done == 0 && s->in.value[IN_CACHE_DIR][0])
		done = cache_save(s, x.about, err);
	forget(&x);
	json_decref(x.about);
	json_decref(project);
	layout_close(&x.run);
	layout_close(&x.previous);
	return done;
}

int export_phase(struct session *s, const json_t *analyzed, const json_t *group,
    const json_t *names, struct error *err)
{
	if (!s->in.value[IN_CACHE_DIR][0])
		life_say(&s->life, LEVEL_WARN,
		    "No cached data will be used, no cache specified.");
	if (export_with(s, analyzed, group, names, err) == 0)
		return 0;
	error_wrap(err, "export");
	return CODE_EXPORT;
}

static json_t *names_of(const struct session *s)
{
	json_t *names = json_array();

	for (int i = 0; i < s->in.nargs; i++)
		json_array_append_new(names, json_string(s->in.args[i]));
	return names;
}

int run_exporter(struct session *s)
{
	struct error err = {0};
	json_t *names = names_of(s), *analyzed = NULL, *group = NULL;
	int code = CODE_EXPORT;

	if (s->in.given[IN_RUN_IMAGE] || s->in.given[IN_IMAGE]) {
		(void)life_fail(&s->life, CODE_ARGUMENTS, &err,
		    "resolve inputs: -run-image and -image are unsupported; "
		    "the run image stands in analyzed.toml");
	} else {
		analyzed =
		    files_read("analyzed", s->in.value[IN_ANALYZED], &err);
		group = analyzed ? files_group(s, &err) : NULL;
	}
	if (group)
		code = export_phase(s, analyzed, group, names, &err);
	json_decref(names);
	json_decref(analyzed);
	json_decref(group);
	return code ? session_fail(s, code, &err) : 0;
}
