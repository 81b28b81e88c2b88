/*
 * rebaser: an image on a newer run image. Its layers up to the old run
 * image's top one are exchanged; nothing is built, no layer is read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "files.h"
#include "inner/image.h"
#include "layout.h"

struct rebasing {
	struct session *s;
	struct layout app, run;
	json_t *label; /* io.buildpacks.lifecycle.metadata of the app */
	size_t top;    /* layers of the old run image */
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static const char *label_of(const struct layout *l, const char *key)
{
	return text_of(
	    json_object_get(json_object_get(l->config, "config"), "Labels"),
	    key);
}

/* --- may it be done? ------------------------------------------------------ */

static bool differs(const struct rebasing *r, const char *key)
{
	const char *app = text_of(r->app.config, key),
	           *run = text_of(r->run.config, key);

	return app[0] && run[0] && strcmp(app, run) != 0;
}

static int check_safe(struct rebasing *r, struct error *err)
{
	static const char *const keys[] = {"os", "architecture", "variant"};

	if (inputs_true(&r->s->in, IN_FORCE))
		return 0;
	if (strcmp(label_of(&r->app, "io.buildpacks.rebasable"), "false") == 0)
		return error_set(err, ERR_INVALID,
		    "app image is not marked as rebasable; -force rebases it "
		    "all the same");
	for (size_t i = 0; i < NELEM(keys); i++)
		if (differs(r, keys[i]))
			return error_set(err, ERR_INVALID,
			    "%s of the new run image is %.40s, the app's is "
			    "%.40s; -force rebases all the same",
			    keys[i], text_of(r->run.config, keys[i]),
			    text_of(r->app.config, keys[i]));
	return 0;
}

static int find_top(struct rebasing *r, struct error *err)
{
	const char *top =
	    text_of(json_object_get(r->label, "runImage"), "topLayer");
	int at = layout_find(&r->app, top);

	if (at == -1)
		return error_set(err, ERR_INVALID,
		    "the image does not tell the top layer of its run image: "
		    "it was not built by buildpacks");
	r->top = (size_t)at + 1;
	return 0;
}

/* --- images --------------------------------------------------------------- */

static const char *run_name(const struct rebasing *r)
{
	const json_t *run = json_object_get(r->label, "runImage");
	const json_t *stack =
	    json_object_get(json_object_get(r->label, "stack"), "runImage");
	const struct inputs *in = &r->s->in;

	if (in->value[IN_RUN_IMAGE][0])
		return in->value[IN_RUN_IMAGE];
	if (in->value[IN_IMAGE][0])
		return in->value[IN_IMAGE];
	return text_of(run, "image")[0] ? text_of(run, "image")
	                                : text_of(stack, "image");
}

static int open_images(struct rebasing *r, struct error *err)
{
	const struct inputs *in = &r->s->in;
	const char *name =
	    in->value[IN_PREVIOUS][0] ? in->value[IN_PREVIOUS] : in->args[0];

	if (layout_open(in->value[IN_LAYOUT_DIR], name, &r->app, err) == -1)
		return -1;
	if (!r->app.found)
		return error_set(err, ERR_NOT_FOUND,
		    "app image %.100s does not exist", name);
	r->label = layout_label(&r->app, IMAGE_LABEL_LIFECYCLE);
	if (!json_is_object(r->label))
		return error_set(err, ERR_INVALID,
		    "app image %.100s has no label " IMAGE_LABEL_LIFECYCLE,
		    name);
	if (!run_name(r)[0])
		return error_set(err, ERR_INVALID,
		    "-run-image is required when the app image tells none");
	if (layout_open(in->value[IN_LAYOUT_DIR], run_name(r), &r->run, err) ==
	    -1)
		return -1;
	if (!r->run.found)
		return error_set(err, ERR_NOT_FOUND,
		    "run image %.100s does not exist", run_name(r));
	return 0;
}

/* --- the new one ---------------------------------------------------------- */

static json_t *list_of(json_t *object, const char *in, const char *key)
{
	return json_object_get(
	    in[0] ? json_object_get(object, in) : object, key);
}

/* Put what is above top of list behind all of base. */
static json_t *joined(const json_t *base, const json_t *list, size_t top)
{
	json_t *all = json_array();

	json_array_extend(all, (json_t *)base);
	for (size_t i = top; i < json_array_size(list); i++)
		json_array_append(all, json_array_get(list, i));
	return all;
}

/* How much of a history is of the first n layers. */
static size_t history_of(const json_t *history, size_t n)
{
	json_t *item;
	size_t i, seen = 0;

	json_array_foreach(history, i, item)
	{
		if (json_is_true(json_object_get(item, "empty_layer")))
			continue;
		if (seen++ == n)
			return i;
	}
	return json_array_size(history);
}

/* Labels of the run image are the new one's, where it has them. */
static void take_labels(struct rebasing *r, json_t *labels)
{
	static const char prefix[] = "io.buildpacks.base.";
	const char *key;
	json_t *value;
	json_t *from =
	    json_object_get(json_object_get(r->run.config, "config"), "Labels");

	json_object_foreach(from, key, value)
	{
		if (strncmp(key, prefix, strlen(prefix)) == 0 ||
		    strcmp(key, "io.buildpacks.stack.id") == 0)
			json_object_set(labels, key, value);
	}
}

static char *config_of(struct rebasing *r)
{
	json_t *root = json_deep_copy(r->app.config),
	       *run = json_object_get(r->label, "runImage");
	json_t *base_ids = list_of(r->run.config, "rootfs", "diff_ids");
	json_t *labels =
	    json_object_get(json_object_get(root, "config"), "Labels");
	json_t *history = json_object_get(root, "history");
	scoped_free char *text = NULL;
	char *config;

	json_object_set(run, "topLayer",
	    json_array_get(base_ids, json_array_size(base_ids) - 1));
	json_object_set_new(run, "reference", json_string(r->run.reference));
	text = json_dumps(r->label, JSON_COMPACT | JSON_SORT_KEYS);
	json_object_set_new(labels, IMAGE_LABEL_LIFECYCLE, json_string(text));
	take_labels(r, labels);
	json_object_set_new(json_object_get(root, "rootfs"), "diff_ids",
	    joined(base_ids, list_of(root, "rootfs", "diff_ids"), r->top));
	if (history)
		json_object_set_new(root, "history",
		    joined(json_object_get(r->run.config, "history"), history,
		        history_of(history, r->top)));
	config = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(root);
	return config;
}

static int write_to(struct rebasing *r, const char *config, const char *name,
    char digest[DIGEST_HEX], size_t *size, struct error *err)
{
	scoped_free char *path =
	    layout_path(r->s->in.value[IN_LAYOUT_DIR], name, err);
	struct layout_out *out = path ? layout_create(path, err) : NULL;
	size_t base = json_array_size(list_of(r->run.manifest, "", "layers"));
	size_t app = json_array_size(list_of(r->app.manifest, "", "layers"));
	int done = out ? 0 : -1;

	for (size_t i = 0; i < base && done == 0; i++)
		done = layout_take(out, &r->run, i, err);
	for (size_t i = r->top; i < app && done == 0; i++)
		done = layout_take(out, &r->app, i, err);
	if (done == 0)
		done = layout_finish(out, config, digest, size, err);
	layout_drop(out);
	if (done == 0)
		life_say(&r->s->life, LEVEL_INFO,
		    "*** Images (sha256:%s):\n      %s", digest, path);
	return done;
}

static int rebase(struct rebasing *r, struct error *err)
{
	scoped_free char *config = NULL;
	char digest[DIGEST_HEX] = "";
	json_t *tags, *report;
	size_t size = 0;
	int done = 0;

	if (open_images(r, err) == -1 || find_top(r, err) == -1 ||
	    check_safe(r, err) == -1)
		return -1;
	config = config_of(r);
	tags = json_array();
	for (int i = 0; i < r->s->in.nargs && done == 0; i++) {
		json_array_append_new(tags, json_string(r->s->in.args[i]));
		done =
		    write_to(r, config, r->s->in.args[i], digest, &size, err);
	}
	report = json_pack("{s:{s:o, s:o, s:I}}", "image", "tags", tags,
	    "digest", json_sprintf("sha256:%s", digest), "manifest-size",
	    (json_int_t)size);
	if (done == 0)
		done = files_write(
		    "report", r->s->in.value[IN_REPORT], report, err);
	json_decref(report);
	return done;
}

int run_rebaser(struct session *s)
{
	struct rebasing r = {.s = s};
	struct error err = {0};
	int done = rebase(&r, &err);

	layout_close(&r.app);
	layout_close(&r.run);
	json_decref(r.label);
	if (done == 0)
		return 0;
	error_wrap(&err, "rebase");
	return session_fail(s, CODE_REBASE, &err);
}
