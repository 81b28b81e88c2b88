/*
 * restorer: layers of the last build, as far as their buildpacks can use
 * them. Metadata alone for layers of the image; for cached ones metadata and
 * content, both or neither.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "cache.h"
#include "files.h"
#include "inner/layers.h"
#include "inner/tree.h"
#include "phases.h"
#include "sboms.h"

#define SBOM_SINCE 8 /* Platform API */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct restoring {
	struct session *s;
	const json_t *image; /* what the previous image says */
	json_t *cache;       /* what the cache says */
	int layers;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static bool is_true(const json_t *layer, const char *key)
{
	return json_is_true(json_object_get(layer, key));
}

static const json_t *layer_of(
    const json_t *metadata, const char *id, const char *name)
{
	return json_object_get(
	    json_object_get(layers_previous_of(metadata, id), "layers"), name);
}

/* --- layers of the image -------------------------------------------------- */

static int restore_image(
    struct restoring *r, int folder, const char *id, struct error *err)
{
	json_t *all =
	    json_object_get(layers_previous_of(r->image, id), "layers");
	const char *name;
	json_t *layer;

	json_object_foreach(all, name, layer)
	{
		/* a cached one comes with its content, from the cache */
		if (!is_true(layer, "launch") || is_true(layer, "build") ||
		    is_true(layer, "cache") || !name_layer(str_z(name)))
			continue;
		life_say(&r->s->life, LEVEL_INFO,
		    "Restoring metadata for \"%s:%s\" from app image", id,
		    name);
		if (layers_write_metadata(folder, name,
		        json_object_get(layer, "data"), err) == -1)
			return -1;
	}
	return 0;
}

/* --- layers of the cache -------------------------------------------------- */

/* Is the cached layer the one that the image has, where it has one? */
static bool is_current(const struct restoring *r, const char *id,
    const char *name, const json_t *layer)
{
	if (!is_true(layer, "launch"))
		return true;
	return strcmp(text_of(layer_of(r->image, id, name), "sha"),
	           text_of(layer, "sha")) == 0;
}

static int restore_one(struct restoring *r, int folder, const char *id,
    const char *name, const json_t *layer, struct error *err)
{
	struct error why = {0};
	bool restored;

	if (!is_current(r, id, name, layer)) {
		life_say(&r->s->life, LEVEL_INFO,
		    "Removing \"%s:%s\", wrong sha", id, name);
		return 0;
	}
	if (tree_remove(folder, name, err) == -1 ||
	    cache_restore(&r->s->life, r->s->in.value[IN_CACHE_DIR],
	        text_of(layer, "sha"), &restored, &why, err) == -1)
		return -1;
	if (!restored) {
		life_say(&r->s->life, LEVEL_WARN,
		    "Skipping restore for layer %s:%s: %s", id, name, why.msg);
		return 0;
	}
	life_say(&r->s->life, LEVEL_INFO,
	    "Restoring data for \"%s:%s\" from cache", id, name);
	return layers_write_metadata(
	    folder, name, json_object_get(layer, "data"), err);
}

static int restore_cache(
    struct restoring *r, int folder, const char *id, struct error *err)
{
	json_t *all =
	    json_object_get(layers_previous_of(r->cache, id), "layers");
	const char *name;
	json_t *layer;

	json_object_foreach(all, name, layer)
	{
		if (is_true(layer, "cache") && name_layer(str_z(name)) &&
		    restore_one(r, folder, id, name, layer, err) == -1)
			return -1;
	}
	return 0;
}

/* --- all of them ---------------------------------------------------------- */

static int restore_buildpack(
    struct restoring *r, const char *id, struct error *err)
{
	scoped_free char *name = buildpack_folder(id);
	scoped_fd int folder = -1;

	if (!name)
		return error_set(
		    err, ERR_INVALID, "\"%.64s\" is no id of a buildpack", id);
	/* nothing to restore leaves no folder */
	if (!layers_previous_of(r->image, id) &&
	    !layers_previous_of(r->cache, id))
		return 0;
	if (fd_mkdir(r->layers, name, 0755, err) == -1)
		return -1;
	folder = openat(r->layers, name, OPEN_DIR);
	if (folder == -1)
		return error_sys(err, "open the layers of %s", id);
	if (layers_write_store(folder, layers_previous_of(r->image, id), err) ==
	        -1 ||
	    restore_image(r, folder, id, err) == -1)
		return -1;
	return restore_cache(r, folder, id, err);
}

/* What a build before this one left; that of the image is the analyzer's. */
static int drop_stale_sbom(struct restoring *r, struct error *err)
{
	scoped_fd int sbom = openat(r->layers, "sbom", OPEN_DIR);

	return sbom == -1 ? 0 : tree_remove(sbom, "cache", err);
}

static int restore_sbom(
    struct restoring *r, const json_t *group, struct error *err)
{
	const char *sha = text_of(json_object_get(r->cache, "sbom"), "sha");
	struct error why;
	bool restored;

	if (r->s->life.api < SBOM_SINCE)
		return 0;
	if (drop_stale_sbom(r, err) == -1)
		return -1;
	if (sha[0] && cache_restore(&r->s->life, r->s->in.value[IN_CACHE_DIR],
	                  sha, &restored, &why, err) == -1)
		return -1;
	return sboms_restore(&r->s->life, group, err);
}

static int restore_all(
    struct restoring *r, const json_t *group, struct error *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(group, i, item)
	{
		if (restore_buildpack(r, text_of(item, "id"), err) == -1)
			return -1;
	}
	return restore_sbom(r, group, err);
}

int restore_phase(struct session *s, const json_t *analyzed,
    const json_t *group, struct error *err)
{
	bool skip = inputs_true(&s->in, IN_SKIP_LAYERS) ||
	            inputs_true(&s->in, IN_SKIP_RESTORE);
	struct restoring r = {.s = s};
	int done = -1;

	if (!s->in.value[IN_CACHE_DIR][0])
		life_say(&s->life, LEVEL_WARN,
		    "No cached data will be used, no cache specified.");
	r.image = skip ? NULL : json_object_get(analyzed, "metadata");
	r.cache =
	    skip ? json_object() : cache_metadata(s->in.value[IN_CACHE_DIR]);
	r.layers = open(s->life.layers, OPEN_DIR);
	if (r.layers == -1)
		error_sys(err, "open %s", s->life.layers);
	else
		done = restore_all(&r, json_object_get(group, "group"), err);
	fd_close(&r.layers);
	json_decref(r.cache);
	if (done == -1)
		error_wrap(err, "restore");
	return done == -1 ? CODE_RESTORE : 0;
}

int run_restorer(struct session *s)
{
	struct error err = {0};
	json_t *analyzed =
	    files_read_some("analyzed", s->in.value[IN_ANALYZED], &err);
	json_t *group = analyzed ? files_group(s, &err) : NULL;
	int code =
	    group ? restore_phase(s, analyzed, group, &err) : CODE_RESTORE;

	json_decref(analyzed);
	json_decref(group);
	return code ? session_fail(s, code, &err) : 0;
}
