#include "layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "convert.h"
#include "image.h"
#include "tree.h"

#define CACHE_DIR "/cache"
#define LAYERS_MAX 256 /* of one buildpack */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* TOML files in a buildpack's folder that describe no layer. */
static const char *const reserved[] = {"build", "launch", "store"};

static int open_folder(
    const struct life *l, const char *name, struct error *err)
{
	scoped_fd int layers = open(l->layers, OPEN_DIR);
	int folder;

	if (layers == -1)
		return error_sys(err, "open %s", l->layers);
	if (fd_mkdir(layers, name, 0755, err) == -1)
		return -1;
	folder = openat(layers, name, OPEN_DIR);
	return folder == -1 ? error_sys(err, "open %s/%s", l->layers, name)
	                    : folder;
}

/* The buildpack's folder of cached layers, made when it is new; -1. */
static int open_cache(const char *folder, struct error *err)
{
	scoped_fd int cache = open(CACHE_DIR, OPEN_DIR);
	scoped_free char *in = xasprintf("layers/%s/x", folder);
	const char *unused;

	if (cache == -1)
		return error_sys(err, "open %s", CACHE_DIR);
	return tree_open_parent(cache, in, true, &unused, err);
}

/* --- previous ------------------------------------------------------------- */

json_t *layers_previous(void)
{
	scoped_buf struct buf text = BUF_INIT(IMAGE_PREVIOUS_MAX);
	struct error err;
	json_t *json = NULL;

	if (tree_read(AT_FDCWD, IMAGE_PREVIOUS, &text, &err) == 0)
		json = json_loadb(text.p, text.len, JSON_ALLOW_NUL, NULL);
	return json_is_object(json) ? json : json_object();
}

const json_t *layers_previous_of(const json_t *previous, const char *id)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(previous, "buildpacks"), i, item)
	{
		const char *its =
		    json_string_value(json_object_get(item, "key"));

		if (its && strcmp(its, id) == 0)
			return item;
	}
	return NULL;
}

static bool is_of(const json_t *group, const char *folder)
{
	json_t *item;
	size_t i;

	json_array_foreach(group, i, item)
	{
		const char *id = json_string_value(json_object_get(item, "id"));
		scoped_free char *its = id ? buildpack_folder(id) : NULL;

		if (its && strcmp(its, folder) == 0)
			return true;
	}
	return false;
}

int layers_clean(const struct layers_of *of, struct error *err)
{
	scoped_fd int layers = open(of->life->layers, OPEN_DIR);
	scoped_names struct tree_names names = {0};

	if (layers == -1)
		return error_sys(err, "open %s", of->life->layers);
	if (tree_names(layers, &names, err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (strcmp(names.v[i], "config") != 0 &&
		    !is_of(of->group, names.v[i]) &&
		    tree_remove(layers, names.v[i], err) == -1)
			return error_wrap(err, "%s", of->life->layers);
	return 0;
}

/* --- restore -------------------------------------------------------------- */

int layers_write_metadata(
    int folder, const char *name, const json_t *metadata, struct error *err)
{
	scoped_free char *file = xasprintf("%s.toml", name);
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);

	if (json_object_size(metadata))
		convert_table(&text, "metadata", metadata);
	if (text.bad)
		return error_set(err, ERR_LIMIT, "metadata of %s", name);
	return tree_write(folder, file, buf_str(&text), 0644, err);
}

/* Keep the entries that are launch layers of the previous image. */
static int restore_image(int folder, const json_t *before, struct error *err)
{
	scoped_names struct tree_names names = {0};

	if (tree_names(folder, &names, err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		const json_t *known = json_object_get(
		    json_object_get(before, "layers"), names.v[i]);
		struct stat st;

		if (known &&
		    fstatat(folder, names.v[i], &st, AT_SYMLINK_NOFOLLOW) ==
		        0 &&
		    S_ISDIR(st.st_mode)) {
			if (layers_write_metadata(folder, names.v[i],
			        json_object_get(known, "data"), err) == -1)
				return -1;
		} else if (tree_remove(folder, names.v[i], err) == -1) {
			return -1;
		}
	}
	return 0;
}

/* Link the layers that were kept in the cache. */
static int restore_cache(const char *in, int folder, struct error *err)
{
	struct error none;
	scoped_fd int cache = open_cache(in, &none);
	scoped_names struct tree_names names = {0};

	if (cache == -1) /* a platform without a cache */
		return 0;
	if (tree_names(cache, &names, err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		scoped_free char *target =
		    xasprintf("%s/layers/%s/%s", CACHE_DIR, in, names.v[i]);
		scoped_free char *file = xasprintf("%s.toml", names.v[i]);
		json_t *saved = convert_file(cache, file, &none);
		json_t *metadata = json_object_get(saved, "metadata");
		int done = 0;

		if (saved && symlinkat(target, folder, names.v[i]) == 0)
			done = layers_write_metadata(
			    folder, names.v[i], metadata, err);
		json_decref(saved);
		if (done == -1)
			return -1;
	}
	return 0;
}

int layers_write_store(int folder, const json_t *before, struct error *err)
{
	const json_t *store =
	    json_object_get(json_object_get(before, "store"), "metadata");
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);

	if (!json_object_size(store))
		return 0;
	convert_table(&text, "metadata", store);
	return tree_write(folder, "store.toml", buf_str(&text), 0644, err);
}

int layers_restore(const struct life *l, const char *id, const json_t *previous,
    struct error *err)
{
	const json_t *before = layers_previous_of(previous, id);
	scoped_free char *name = buildpack_folder(id);
	scoped_fd int folder =
	    name ? open_folder(l, name, err)
	         : error_set(err, ERR_INVALID, "%.64s is no id", id);

	if (folder == -1 || restore_image(folder, before, err) == -1 ||
	    restore_cache(name, folder, err) == -1 ||
	    layers_write_store(folder, before, err) == -1)
		return error_wrap(err, "restore the layers of %s", id);
	return 0;
}

/* --- collect -------------------------------------------------------------- */

static bool flag(const json_t *file, const char *key)
{
	return json_is_true(
	    json_object_get(json_object_get(file, "types"), key));
}

static json_t *describe(const char *name, const json_t *file)
{
	json_t *metadata = json_object_get(file, "metadata");

	return json_pack("{s:s, s:b, s:b, s:b, s:o}", "name", name, "launch",
	    flag(file, "launch"), "build", flag(file, "build"), "cache",
	    flag(file, "cache"), "metadata",
	    json_is_object(metadata) ? json_incref(metadata) : json_null());
}

/*
 * Out of the way of later buildpacks, as CNB has it. A folder that comes from
 * the previous image can't be renamed on an overlay, so that goes.
 */
static int ignore(int folder, const char *name, struct error *err)
{
	scoped_free char *away = xasprintf("%s.ignore", name);

	if (renameat(folder, name, folder, away) == 0 || errno == ENOENT)
		return 0;
	return tree_remove(folder, name, err);
}

/* The layer that the file NAME.toml tells of; name is cut there. */
static int collect_one(
    int folder, char *file_name, bool rename, json_t *into, struct error *err)
{
	json_t *file = convert_file(folder, file_name, err), *layer;

	if (!file)
		return -1;
	file_name[strlen(file_name) - strlen(".toml")] = '\0';
	layer = describe(file_name, file);
	json_decref(file);
	if (!name_layer(str_z(file_name)) ||
	    json_array_size(into) == LAYERS_MAX) {
		json_decref(layer);
		return error_set(err, ERR_INVALID,
		    "too many layers, or a bad name: %.60s", file_name);
	}
	if (json_is_false(json_object_get(layer, "launch")) &&
	    json_is_false(json_object_get(layer, "build")) &&
	    json_is_false(json_object_get(layer, "cache"))) {
		json_decref(layer);
		return rename ? ignore(folder, file_name, err) : 0;
	}
	return json_array_append_new(into, layer);
}

static bool is_layer_file(const char *name)
{
	struct str s = str_z(name);

	if (s.len <= 5 || !str_ends(s, STR(".toml")))
		return false;
	for (size_t i = 0; i < NELEM(reserved); i++)
		if (str_eqz(str_sub(s, 0, s.len - 5), reserved[i]))
			return false;
	return true;
}

int layers_collect(int folder, bool rename, json_t **ret, struct error *err)
{
	scoped_names struct tree_names names = {0};
	json_t *layers = NULL;
	int done = 0;

	if (tree_names(folder, &names, err) == -1)
		return -1;
	layers = json_array();
	for (size_t i = 0; i < names.n && done == 0; i++)
		if (is_layer_file(names.v[i]))
			done = collect_one(
			    folder, names.v[i], rename, layers, err);
	if (done == -1) {
		json_decref(layers);
		return -1;
	}
	*ret = layers;
	return 0;
}

/* --- settle --------------------------------------------------------------- */

static int settle_one(
    int folder, int cache, const char *name, struct error *err)
{
	scoped_fd int from = openat(cache, name, OPEN_DIR);
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISLNK(st.st_mode))
		return 0;
	if (from == -1)
		return error_sys(err, "open cached %s", name);
	if (tree_remove(folder, name, err) == -1)
		return -1;
	return tree_copy(from, folder, name, err);
}

int layers_settle(const struct life *l, const struct buildpack *bp,
    const json_t *layers, struct error *err)
{
	scoped_fd int folder = open_folder(l, bp->folder, err);
	scoped_fd int cache = -1;
	struct error none;
	json_t *one;
	size_t i;

	if (folder == -1)
		return -1;
	cache = open_cache(bp->folder, &none);
	json_array_foreach(layers, i, one)
	{
		const char *name =
		    json_string_value(json_object_get(one, "name"));

		if (cache != -1 &&
		    json_is_true(json_object_get(one, "launch")) &&
		    settle_one(folder, cache, name, err) == -1)
			return error_wrap(err, "layer %s of %s", name, bp->id);
	}
	return 0;
}

/* --- save ----------------------------------------------------------------- */

static int save_one(
    int folder, int cache, const json_t *layer, struct error *err)
{
	const char *name = json_string_value(json_object_get(layer, "name"));
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0; /* described, but not made */
	if (S_ISDIR(st.st_mode)) {
		scoped_fd int from = openat(folder, name, OPEN_DIR);

		if (from == -1)
			return error_sys(err, "open %s", name);
		if (tree_remove(cache, name, err) == -1 ||
		    tree_copy(from, cache, name, err) == -1)
			return -1;
	}
	return layers_write_metadata(
	    cache, name, json_object_get(layer, "metadata"), err);
}

static bool is_named(const json_t *layers, struct str name)
{
	json_t *one;
	size_t i;

	json_array_foreach(layers, i, one)
	{
		if (json_is_true(json_object_get(one, "cache")) &&
		    json_is_false(json_object_get(one, "launch")) &&
		    str_eqz(
		        name, json_string_value(json_object_get(one, "name"))))
			return true;
	}
	return false;
}

/* Entries of the cache that no layer of this build stands for. */
static int drop_stale(int cache, const json_t *layers, struct error *err)
{
	scoped_names struct tree_names names = {0};

	if (tree_names(cache, &names, err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		struct str name = str_z(names.v[i]);

		if (str_ends(name, STR(".toml")))
			name.len -= 5;
		if (!is_named(layers, name) &&
		    tree_remove(cache, names.v[i], err) == -1)
			return -1;
	}
	return 0;
}

int layers_save(const struct life *l, const struct buildpack *bp,
    const json_t *layers, struct error *err)
{
	scoped_fd int folder = open_folder(l, bp->folder, err);
	scoped_fd int cache = -1;
	struct error none;
	json_t *one;
	size_t i;

	if (folder == -1)
		return -1;
	cache = open_cache(bp->folder, &none);
	if (cache == -1)
		return 0;
	if (drop_stale(cache, layers, err) == -1)
		return error_wrap(err, "cache of %s", bp->id);
	json_array_foreach(layers, i, one)
	{
		const char *name =
		    json_string_value(json_object_get(one, "name"));

		if (is_named(layers, str_z(name)) &&
		    save_one(folder, cache, one, err) == -1)
			return error_wrap(err, "cache of %s", bp->id);
	}
	return 0;
}
