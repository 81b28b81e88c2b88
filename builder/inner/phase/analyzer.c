/* analyzer: the run image and the previous one, for analyzed.toml. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "files.h"
#include "inner/image.h"
#include "layout.h"
#include "phases.h"
#include "sboms.h"

#define RUN_TOML_SINCE 12 /* Platform API: run.toml, before that stack.toml */

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- which run image ------------------------------------------------------ */

/* The image, or that mirror which is on the registry of the output. */
static const char *nearest(const struct session *s, const json_t *image)
{
	const char *name = text_of(image, "image");
	json_t *mirror;
	size_t i;

	if (layout_same_registry(name, s->in.args[0]))
		return name;
	json_array_foreach(json_object_get(image, "mirrors"), i, mirror)
	{
		const char *m = json_string_value(mirror);

		if (m && layout_same_registry(m, s->in.args[0]))
			return m;
	}
	return name;
}

/* The first of run.toml; or what stack.toml says. Freed by you. */
static char *default_run_image(struct session *s, struct error *err)
{
	bool run = s->life.api >= RUN_TOML_SINCE;
	json_t *file = files_read_some(
	    run ? "run" : "stack", s->in.value[run ? IN_RUN : IN_STACK], err);
	const json_t *image =
	    run ? json_array_get(json_object_get(file, "images"), 0)
	        : json_object_get(file, "run-image");
	char *name = NULL;

	if (file && text_of(image, "image")[0])
		name = xstrdup(nearest(s, image));
	else if (file)
		life_fail(&s->life, CODE_ARGUMENTS, err,
		    "resolve inputs: -run-image is required when there is no "
		    "run metadata available");
	json_decref(file);
	return name;
}

static char *run_image_name(struct session *s, struct error *err)
{
	if (s->in.value[IN_RUN_IMAGE][0])
		return xstrdup(s->in.value[IN_RUN_IMAGE]);
	return default_run_image(s, err);
}

/* --- what they say -------------------------------------------------------- */

static const char *label_of(const struct layout *l, const char *key)
{
	return text_of(
	    json_object_get(json_object_get(l->config, "config"), "Labels"),
	    key);
}

static json_t *target_of(const struct layout *l)
{
	json_t *t = json_pack("{s:s, s:s}", "os", text_of(l->config, "os"),
	    "arch", text_of(l->config, "architecture"));
	const char *name = label_of(l, "io.buildpacks.base.distro.name");
	const char *version = label_of(l, "io.buildpacks.base.distro.version");
	const char *id = label_of(l, "io.buildpacks.base.id");

	if (id[0])
		json_object_set_new(t, "id", json_string(id));
	if (text_of(l->config, "variant")[0])
		json_object_set_new(t, "arch-variant",
		    json_string(text_of(l->config, "variant")));
	if (name[0] || version[0])
		json_object_set_new(t, "distro",
		    json_pack("{s:s, s:s}", "name", name, "version", version));
	return t;
}

static int add_run_image(struct session *s, json_t *analyzed, struct error *err)
{
	scoped_free char *name = run_image_name(s, err);
	struct layout l = {0};
	json_t *run;

	if (!name ||
	    layout_open(s->in.value[IN_LAYOUT_DIR], name, &l, err) == -1)
		return -1;
	if (!l.found) {
		error_set(err, ERR_NOT_FOUND,
		    "run image %.80s does not exist in %.100s", name,
		    s->in.value[IN_LAYOUT_DIR]);
		layout_close(&l);
		return -1;
	}
	run = json_pack("{s:s}", "reference", l.reference);
	if (s->life.api >= RUN_TOML_SINCE) {
		json_object_set_new(run, "image", json_string(name));
		json_object_set_new(run, "target", target_of(&l));
	}
	json_object_set_new(analyzed, "run-image", run);
	layout_close(&l);
	return 0;
}

/* What the label says, in the words of analyzed.toml. */
static void add_metadata(json_t *analyzed, json_t *label)
{
	json_t *run = json_object_get(label, "runImage");

	if (json_is_object(run)) {
		json_object_set_new(label, "run-image",
		    json_pack("{s:s, s:s}", "top-layer",
		        text_of(run, "topLayer"), "reference",
		        text_of(run, "reference")));
		json_object_del(label, "runImage");
	}
	json_object_del(label, "stack");
	json_object_set(analyzed, "metadata", label);
}

static int add_previous(
    struct session *s, json_t *analyzed, const char *name, struct error *err)
{
	struct layout l = {0};
	json_t *label;
	int done = 0;

	if (layout_open(s->in.value[IN_LAYOUT_DIR], name, &l, err) == -1)
		return -1;
	if (!l.found)
		life_say(&s->life, LEVEL_INFO,
		    "Image with name \"%s\" not found", name);
	json_object_set_new(analyzed, "image",
	    json_pack("{s:s}", "reference", l.found ? l.reference : ""));
	label = l.found ? layout_label(&l, IMAGE_LABEL_LIFECYCLE) : NULL;
	if (json_is_object(label)) {
		if (!inputs_true(&s->in, IN_SKIP_LAYERS) &&
		    !inputs_true(&s->in, IN_SKIP_RESTORE))
			done = sboms_from_image(&s->life, &l,
			    text_of(json_object_get(label, "sbom"), "sha"),
			    err);
		add_metadata(analyzed, label);
	}
	json_decref(label);
	layout_close(&l);
	return done;
}

json_t *analyze_phase(struct session *s, struct error *err)
{
	const char *previous = s->in.value[IN_PREVIOUS];
	json_t *analyzed = json_object();

	if (!previous[0])
		previous = s->in.args[0];
	if (add_previous(s, analyzed, previous, err) == 0 &&
	    add_run_image(s, analyzed, err) == 0)
		return analyzed;
	json_decref(analyzed);
	error_wrap(err, "analyze");
	return NULL;
}

int run_analyzer(struct session *s)
{
	struct error err = {0};
	json_t *analyzed = analyze_phase(s, &err);
	int done = -1;

	if (analyzed)
		done = files_write(
		    "analyzed", s->in.value[IN_ANALYZED], analyzed, &err);
	json_decref(analyzed);
	return done == -1 ? session_fail(s, CODE_ANALYZE, &err) : 0;
}
