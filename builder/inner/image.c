#include "image.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "buildpack.h"
#include "convert.h"
#include "layers.h"
#include "tree.h"

#define DEFAULT_TYPE "buildpack-default-process-type"
#define WORDS_SINCE 10 /* Platform API: a command is a list of words */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static json_t *sha(const char *digest)
{
	return json_sprintf("sha256:%s", digest);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

char *image_layer_path(const json_t *buildpack, const json_t *layer)
{
	scoped_free char *folder = buildpack_folder(text_of(buildpack, "id"));

	return xasprintf("%s/%s", folder, text_of(layer, "name"));
}

char *image_layer_by(const json_t *buildpack, const char *name)
{
	return xasprintf("Layer: '%s', Created by buildpack: %s@%s", name,
	    text_of(buildpack, "id"), text_of(buildpack, "version"));
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

static int check_layer(const json_t *layer, struct error *err)
{
	const char *name = text_of(layer, "name");

	if (!name_layer(str_z(name)) ||
	    !json_is_boolean(json_object_get(layer, "launch")) ||
	    (!json_is_object(json_object_get(layer, "metadata")) &&
	        !json_is_null(json_object_get(layer, "metadata"))))
		return error_set(
		    err, ERR_INVALID, "layer \"%.60s\" is malformed", name);
	return 0;
}

static int check_buildpack(const json_t *bp, size_t *layers, struct error *err)
{
	static const char *const texts[] = {"id", "version", "api"};
	scoped_free char *folder = NULL;
	json_t *layer;
	size_t i;

	for (size_t k = 0; k < NELEM(texts); k++)
		if (!is_text(json_object_get(bp, texts[k])))
			return error_set(err, ERR_INVALID,
			    "a buildpack has no %s", texts[k]);
	folder = buildpack_folder(text_of(bp, "id"));
	if (!folder)
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

/* --- reading -------------------------------------------------------------- */

/* Layers and store of one buildpack, from its folder. */
static int read_layers(int layers, json_t *bp, struct error *err)
{
	scoped_free char *name = buildpack_folder(text_of(bp, "id"));
	scoped_fd int folder = -1;
	json_t *list = json_array(), *store = NULL;
	struct error why = {0};
	int done = 0;

	if (name)
		folder = openat(layers, name, OPEN_DIR);
	if (folder != -1) {
		json_decref(list);
		list = NULL;
		done = layers_collect(folder, false, &list, err);
		store = convert_file(folder, "store.toml", &why);
	}
	if (list)
		json_object_set_new(bp, "layers", list);
	if (store)
		json_object_set_new(bp, "store", store);
	return done == -1 ? error_wrap(err, "layers of %s", text_of(bp, "id"))
	                  : 0;
}

/* A command that is one word, as older platforms have it, is a list too. */
static void take_words(json_t *about)
{
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(about, "processes"), i, p)
	{
		if (json_is_string(json_object_get(p, "command")))
			json_object_set_new(p, "command",
			    json_pack("[O]", json_object_get(p, "command")));
	}
}

static int read_all(int layers, json_t *about, struct error *err)
{
	json_t *bp;
	size_t i;

	take_words(about);

	json_array_foreach(json_object_get(about, "buildpacks"), i, bp)
	{
		if (read_layers(layers, bp, err) == -1)
			return -1;
	}
	return image_check(about, err);
}

json_t *image_read(const struct life *l, const json_t *group, struct error *err)
{
	scoped_fd int layers = open(l->layers, OPEN_DIR);
	json_t *about;

	if (layers == -1)
		return error_sys(err, "open %s", l->layers), NULL;
	about = convert_file(layers, IMAGE_METADATA, err);
	if (!about)
		return NULL;
	if (group)
		json_object_set_new(about, "buildpacks", json_deep_copy(group));
	if (read_all(layers, about, err) == 0)
		return about;
	json_decref(about);
	return NULL;
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

	if (json_is_false(json_object_get(process, "direct")) &&
	    json_array_size(args) == 0) {
		buf_addz(out, json_string_value(json_array_get(command, 0)));
		return;
	}
	if (json_array_size(command) == 3 && json_array_size(args) == 0 &&
	    is_word(command, 0, "bash") && is_word(command, 1, "-c")) {
		buf_addz(out, json_string_value(json_array_get(command, 2)));
		return;
	}
	add_words(out, command, &between);
	add_words(out, args, &between);
}

/* --- metadata.toml, previous.json ----------------------------------------- */

json_t *image_only(const json_t *object, const char *const *keys, size_t nkeys)
{
	json_t *made = json_object();

	for (size_t k = 0; k < nkeys; k++)
		if (json_object_get(object, keys[k]))
			json_object_set(
			    made, keys[k], json_object_get(object, keys[k]));
	return made;
}

static void add_modules(struct buf *out, const char *name, const json_t *list)
{
	static const char *const keys[] = {"id", "version", "api", "homepage"};
	json_t *all = json_array(), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		json_array_append_new(all, image_only(item, keys, NELEM(keys)));
	}
	convert_tables(out, name, all);
	json_decref(all);
}

/* Before Platform API 0.10 a command was one word, the rest arguments. */
static json_t *for_platform(const struct life *l, const json_t *process)
{
	json_t *p = json_deep_copy(process), *words, *args;

	if (l->api >= WORDS_SINCE)
		return p;
	words = json_incref(json_object_get(p, "command"));
	args = json_deep_copy(words);
	json_object_set(p, "command", json_array_get(words, 0));
	json_array_remove(args, 0);
	json_array_extend(args, json_object_get(p, "args"));
	json_object_set_new(p, "args", args);
	json_decref(words);
	return p;
}

json_t *image_processes(const struct life *l, const json_t *about)
{
	json_t *all = json_array(), *item;
	size_t i;

	json_array_foreach(json_object_get(about, "processes"), i, item)
	{
		json_array_append_new(all, for_platform(l, item));
	}
	return all;
}

void image_metadata(const struct life *l, const json_t *about, struct buf *out)
{
	static const char *const lists[] = {"labels", "slices"};
	const char *type = text_of(about, DEFAULT_TYPE);
	json_t *processes = image_processes(l, about);

	if (type[0]) {
		buf_addz(out, DEFAULT_TYPE " = ");
		toml_add_string(out, str_z(type));
		buf_addz(out, "\n\n");
	}
	add_modules(out, "buildpacks", json_object_get(about, "buildpacks"));
	add_modules(out, "extensions", json_object_get(about, "extensions"));
	for (size_t i = 0; i < NELEM(lists); i++)
		convert_tables(out, lists[i], json_object_get(about, lists[i]));
	convert_tables(out, "processes", processes);
	json_decref(processes);
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

json_t *image_label_buildpacks(const json_t *about)
{
	json_t *all = json_array(), *bp, *one;
	size_t i;

	json_array_foreach(json_object_get(about, "buildpacks"), i, bp)
	{
		const json_t *store =
		    json_object_get(json_object_get(bp, "store"), "metadata");

		one = json_pack("{s:s, s:s, s:o}", "key", text_of(bp, "id"),
		    "version", text_of(bp, "version"), "layers",
		    label_layers(bp));
		if (store)
			json_object_set_new(one, "store",
			    json_pack("{s:O}", "metadata", store));
		json_array_append_new(all, one);
	}
	return all;
}

char *image_previous(const json_t *about)
{
	json_t *root =
	    json_pack("{s:o}", "buildpacks", image_label_buildpacks(about));
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(root);
	return text;
}
