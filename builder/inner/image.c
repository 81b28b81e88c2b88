#include "image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/mem.h"
#include "base/name.h"
#include "convert.h"
#include "pack.h"
#include "tree.h"

#define CREATED "1980-01-01T00:00:01Z" /* PACK_TIME, as every file */
#define PLATFORM_API "0.13"
#define IMAGE_PATH                                                             \
	"/cnb/process:/cnb/lifecycle:/usr/local/sbin:/usr/local/bin:/usr/"     \
	"sbin:/usr/bin:/sbin:/bin"

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

char *image_layer_path(const json_t *buildpack, const json_t *layer)
{
	return xasprintf("layers/%s/%s", text_of(buildpack, "folder"),
	    text_of(layer, "name"));
}

/* --- checking ------------------------------------------------------------- */

/* A string without a NUL in it. */
static bool is_text(const json_t *v)
{
	return json_is_string(v) &&
	       strlen(json_string_value(v)) == json_string_length(v);
}

static bool all_text(const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (!is_text(item))
			return false;
	}
	return json_is_array(list);
}

/* A name that can be a folder's in /layers, and hides none of ours. */
static bool is_folder(const char *name)
{
	return name_layer(str_z(name)) && name[0] != '.' &&
	       strcmp(name, "config") != 0;
}

static int check_layer(const json_t *layer, struct error *err)
{
	const char *name = text_of(layer, "name");

	if (!name_layer(str_z(name)) ||
	    !json_is_boolean(json_object_get(layer, "launch")) ||
	    !json_is_object(json_object_get(layer, "metadata")))
		return error_set(
		    err, ERR_INVALID, "layer \"%.60s\" is malformed", name);
	return 0;
}

static int check_buildpack(const json_t *bp, size_t *layers, struct error *err)
{
	static const char *const texts[] = {"id", "version", "api", "homepage"};
	json_t *layer;
	size_t i;

	for (size_t k = 0; k < NELEM(texts); k++)
		if (!is_text(json_object_get(bp, texts[k])))
			return error_set(err, ERR_INVALID,
			    "a buildpack has no %s", texts[k]);
	if (!is_folder(text_of(bp, "folder")) ||
	    strlen(text_of(bp, "id")) > 128)
		return error_set(err, ERR_INVALID,
		    "buildpack \"%.60s\" has a bad name", text_of(bp, "id"));
	json_array_foreach(json_object_get(bp, "layers"), i, layer)
	{
		if (check_layer(layer, err) == -1)
			return error_wrap(err, "%s", text_of(bp, "id"));
		*layers += json_is_true(json_object_get(layer, "launch"));
	}
	return 0;
}

static int check_process(const json_t *p, struct error *err)
{
	const json_t *args = json_object_get(p, "args"),
	             *dir = json_object_get(p, "working-dir");
	const char *type = text_of(p, "type");

	if (!name_ptype(str_z(type)))
		return error_set(err, ERR_INVALID,
		    "process type \"%.63s\" is not of letters, digits, - and _",
		    type);
	if (!all_text(json_object_get(p, "command")) ||
	    json_array_size(json_object_get(p, "command")) == 0 ||
	    (args && !all_text(args)) || (dir && !is_text(dir)))
		return error_set(err, ERR_INVALID,
		    "process type \"%s\" has no proper command", type);
	return 0;
}

static int check_processes(const json_t *list, struct error *err)
{
	scoped_buf struct buf commands = BUF_INIT(IMAGE_COMMANDS_MAX);
	json_t *item;
	size_t i;

	if (json_array_size(list) > IMAGE_PROCESSES_MAX)
		return error_set(err, ERR_LIMIT,
		    "%zu process types; the limit is %d", json_array_size(list),
		    IMAGE_PROCESSES_MAX);
	json_array_foreach(list, i, item)
	{
		if (check_process(item, err) == -1)
			return -1;
		image_command(item, &commands);
	}
	if (commands.bad)
		return error_set(err, ERR_LIMIT,
		    "the commands of all process types have more than %d "
		    "bytes; move long ones into scripts",
		    IMAGE_COMMANDS_MAX);
	return 0;
}

static int check_labels(const json_t *list, struct error *err)
{
	json_t *item;
	size_t i;

	if (json_array_size(list) > IMAGE_LABELS_MAX)
		return error_set(err, ERR_LIMIT, "%zu labels; the limit is %d",
		    json_array_size(list), IMAGE_LABELS_MAX);
	json_array_foreach(list, i, item)
	{
		if (!is_text(json_object_get(item, "key")) ||
		    !is_text(json_object_get(item, "value")))
			return error_set(err, ERR_INVALID,
			    "a label has no \"key\" or \"value\"");
	}
	return 0;
}

int image_check(const json_t *about, struct error *err)
{
	json_t *bp;
	size_t i, layers = 3; /* base, config, app */

	json_array_foreach(json_object_get(about, "buildpacks"), i, bp)
	{
		if (check_buildpack(bp, &layers, err) == -1)
			return -1;
	}
	if (layers > IMAGE_LAYERS_MAX)
		return error_set(err, ERR_LIMIT,
		    "the image has %zu layers; the limit is %d", layers,
		    IMAGE_LAYERS_MAX);
	if (check_processes(json_object_get(about, "processes"), err) == -1)
		return -1;
	return check_labels(json_object_get(about, "labels"), err);
}

json_t *image_read(struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(IMAGE_BUILT_MAX);
	json_t *about;

	if (tree_read(AT_FDCWD, IMAGE_BUILT, &text, err) == -1)
		return NULL;
	about = json_loadb(text.p, text.len, JSON_ALLOW_NUL, NULL);
	if (!about)
		error_set(err, ERR_INVALID, "%s is no JSON", IMAGE_BUILT);
	if (about && image_check(about, err) == -1) {
		json_decref(about);
		about = NULL;
	}
	return about;
}

/* --- processes as text ---------------------------------------------------- */

static void add_word(struct buf *out, const char *word)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "_@%+=:,./-";

	if (word[0] && word[strspn(word, plain)] == '\0') {
		buf_addz(out, word);
		return;
	}
	buf_addc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_addz(out, "'\\''");
		else
			buf_addc(out, *word);
	}
	buf_addc(out, '\'');
}

static void add_words(
    struct buf *out, const json_t *words, const char **between)
{
	json_t *word;
	size_t i;

	json_array_foreach(words, i, word)
	{
		buf_addz(out, *between);
		add_word(out, json_string_value(word));
		*between = " ";
	}
}

static bool is_word(const json_t *words, size_t i, const char *want)
{
	const char *s = json_string_value(json_array_get(words, i));

	return s && strcmp(s, want) == 0;
}

void image_command(const json_t *process, struct buf *out)
{
	const json_t *command = json_object_get(process, "command"),
	             *args = json_object_get(process, "args");
	const char *between = "";

	if (json_array_size(command) == 3 && json_array_size(args) == 0 &&
	    is_word(command, 0, "bash") && is_word(command, 1, "-c")) {
		buf_addz(out, json_string_value(json_array_get(command, 2)));
		return;
	}
	add_words(out, command, &between);
	add_words(out, args, &between);
}

/* --- metadata.toml, previous.json ----------------------------------------- */

void image_metadata(const json_t *about, struct buf *out)
{
	static const char *const keys[] = {"id", "version", "api", "homepage"};
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(about, "buildpacks"), i, item)
	{
		buf_addz(out, "[[buildpacks]]\n");
		for (size_t k = 0; k < NELEM(keys); k++) {
			const char *value = text_of(item, keys[k]);

			if (!value[0])
				continue;
			buf_addf(out, "%s = ", keys[k]);
			toml_add_string(out, str_z(value));
			buf_addc(out, '\n');
		}
		buf_addc(out, '\n');
	}
	json_array_foreach(json_object_get(about, "processes"), i, item)
	{
		buf_addz(out, "[[processes]]\n");
		convert_table(out, "", item);
		buf_addc(out, '\n');
	}
}

/* What the next build asks of a layer. */
static json_t *previous_layer(const json_t *layer)
{
	return json_pack("{s:s, s:O, s:O}", "name", text_of(layer, "name"),
	    "metadata", json_object_get(layer, "metadata"), "digest",
	    json_object_get(layer, "digest"));
}

char *image_previous(const json_t *about)
{
	json_t *all = json_array(), *bp, *layer;
	json_t *root = json_pack("{s:o}", "buildpacks", all);
	char *text;
	size_t i, k;

	json_array_foreach(json_object_get(about, "buildpacks"), i, bp)
	{
		json_t *layers = json_array();
		json_t *store = json_object_get(bp, "store");

		json_array_foreach(json_object_get(bp, "layers"), k, layer)
		{
			if (json_object_get(layer, "digest"))
				json_array_append_new(
				    layers, previous_layer(layer));
		}
		json_array_append_new(
		    all, json_pack("{s:s, s:o, s:o}", "id", text_of(bp, "id"),
		             "layers", layers, "store",
		             json_is_object(store) ? json_incref(store)
		                                   : json_object()));
	}
	text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(root);
	return text;
}

/* --- the OCI config ------------------------------------------------------- */

json_t *image_layers(const json_t *about, const struct image_parts *parts)
{
	json_t *list = json_pack("[s]", parts->base), *bp, *layer;
	size_t i, k;

	json_array_foreach(json_object_get(about, "buildpacks"), i, bp)
	{
		json_array_foreach(json_object_get(bp, "layers"), k, layer)
		{
			json_t *digest = json_object_get(layer, "digest");

			if (digest)
				json_array_append(list, digest);
		}
	}
	json_array_append_new(list, json_string(parts->config));
	json_array_append_new(list, json_string(parts->app));
	return list;
}

static json_t *sha(const char *digest)
{
	return json_sprintf("sha256:%s", digest);
}

/* {"NAME": {"sha", "data", "launch", "build", "cache"}} */
static json_t *label_layers(const json_t *bp)
{
	json_t *all = json_object(), *layer;
	size_t k;

	json_array_foreach(json_object_get(bp, "layers"), k, layer)
	{
		if (json_object_get(layer, "digest"))
			json_object_set_new(all, text_of(layer, "name"),
			    json_pack("{s:o, s:O, s:O, s:O, s:O}", "sha",
			        sha(text_of(layer, "digest")), "data",
			        json_object_get(layer, "metadata"), "launch",
			        json_object_get(layer, "launch"), "build",
			        json_object_get(layer, "build"), "cache",
			        json_object_get(layer, "cache")));
	}
	return all;
}

/* Label io.buildpacks.lifecycle.metadata. */
static json_t *label_lifecycle(
    const json_t *about, const struct image_parts *parts)
{
	json_t *all = json_array(), *bp;
	size_t i;

	json_array_foreach(json_object_get(about, "buildpacks"), i, bp)
	{
		json_array_append_new(
		    all, json_pack("{s:s, s:s, s:o}", "key", text_of(bp, "id"),
		             "version", text_of(bp, "version"), "layers",
		             label_layers(bp)));
	}
	return json_pack("{s:[{s:o}], s:{s:o}, s:o, s:{s:o}}", "app", "sha",
	    sha(parts->app), "config", "sha", sha(parts->config), "buildpacks",
	    all, "runImage", "topLayer", sha(parts->base));
}

/* Label io.buildpacks.build.metadata. */
static json_t *label_build(const json_t *about)
{
	json_t *all = json_array(), *bp;
	size_t i;

	json_array_foreach(json_object_get(about, "buildpacks"), i, bp)
	{
		json_array_append_new(
		    all, json_pack("{s:s, s:s, s:s}", "id", text_of(bp, "id"),
		             "version", text_of(bp, "version"), "homepage",
		             text_of(bp, "homepage")));
	}
	return json_pack("{s:o, s:O}", "buildpacks", all, "processes",
	    json_object_get(about, "processes"));
}

/* value (taken over) as text: labels have no other form. */
static void add_label(json_t *labels, const char *key, json_t *value)
{
	scoped_free char *text =
	    json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	json_object_set_new(labels, key, json_string(text));
	json_decref(value);
}

static json_t *labels_of(const json_t *about, const struct image_parts *parts)
{
	json_t *labels = json_object(), *label;
	size_t i;

	json_array_foreach(json_object_get(about, "labels"), i, label)
	{
		json_object_set(labels, text_of(label, "key"),
		    json_object_get(label, "value"));
	}
	add_label(labels, "io.buildpacks.lifecycle.metadata",
	    label_lifecycle(about, parts));
	add_label(labels, "io.buildpacks.build.metadata", label_build(about));
	return labels;
}

/* [type] of the process marked as default; nothing without one. */
static json_t *default_type(const json_t *about)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(about, "processes"), i, item)
	{
		if (json_is_true(json_object_get(item, "default")))
			return json_pack("[s]", text_of(item, "type"));
	}
	return json_array();
}

static const char *architecture(void)
{
	static struct utsname host;

	if (uname(&host) == -1 || strcmp(host.machine, "x86_64") == 0)
		return "amd64";
	return strcmp(host.machine, "aarch64") == 0 ? "arm64" : host.machine;
}

static json_t *diff_ids(const json_t *about, const struct image_parts *parts)
{
	json_t *layers = image_layers(about, parts), *all = json_array(), *item;
	size_t i;

	json_array_foreach(layers, i, item)
	{
		json_array_append_new(all, sha(json_string_value(item)));
	}
	json_decref(layers);
	return all;
}

char *image_config(const json_t *about, const struct image_parts *parts)
{
	json_t *config =
	    json_pack("{s:s, s:s, s:[s], s:o, s:o, s:[s, s, s, s, s]}", "User",
	        "1000:1000", "WorkingDir", "/app", "Entrypoint",
	        "/cnb/lifecycle/launcher", "Cmd", default_type(about), "Labels",
	        labels_of(about, parts), "Env", "PATH=" IMAGE_PATH,
	        "CNB_LAYERS_DIR=/layers", "CNB_APP_DIR=/app",
	        "CNB_PLATFORM_API=" PLATFORM_API, "CNB_DEPRECATION_MODE=quiet");
	json_t *root = json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:o}}",
	    "architecture", architecture(), "os", "linux", "created", CREATED,
	    "config", config, "rootfs", "type", "layers", "diff_ids",
	    diff_ids(about, parts));
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(root);
	return text;
}
