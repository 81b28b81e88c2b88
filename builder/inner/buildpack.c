#include "buildpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "convert.h"
#include "tree.h"

#define GROUPS_MAX 64

static char *copy_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return xstrdup(s ? s : "");
}

/* "0.10" -> 10; 0 when it is none that we speak. */
static unsigned parse_api(const json_t *file)
{
	const char *s = json_string_value(json_object_get(file, "api"));
	uint64_t minor;

	if (!s || strncmp(s, "0.", 2) != 0 ||
	    !str_u64(str_z(s + 2), 99, &minor) || minor < 7 || minor > 12)
		return 0;
	return (unsigned)minor;
}

static int load_one(const char *name, const json_t *file, struct buildpack *ret,
    struct error *err)
{
	const json_t *about = json_object_get(file, "buildpack");
	struct buildpack bp = {
	    .id = copy_text(about, "id"),
	    .version = copy_text(about, "version"),
	    .name = copy_text(about, "name"),
	    .homepage = copy_text(about, "homepage"),
	    .dir = xasprintf("%s/%s", BUILDPACKS_DIR, name),
	    .api = parse_api(file),
	    .clear_env = json_is_true(json_object_get(about, "clear-env")),
	    .files = json_incref(json_object_get(
	        json_object_get(file, "metadata"), "fast-detect")),
	};

	bp.folder = xstrdup(bp.id);
	for (char *c = bp.folder; *c; c++)
		*c = *c == '/' ? '_' : *c;
	*ret = bp;
	if (!bp.api)
		return error_set(err, ERR_INVALID,
		    "buildpack %s: its API is none of 0.7 to 0.12", name);
	if (!name_layer(str_z(bp.folder)) || bp.folder[0] == '.' ||
	    strcmp(bp.folder, "config") == 0 || strcmp(bp.folder, "sbom") == 0)
		return error_set(
		    err, ERR_INVALID, "buildpack %s: its id is no id", name);
	return 0;
}

static int load_all(int dir, struct buildpacks *ret, struct error *err)
{
	scoped_names struct tree_names names = {0};

	if (tree_names(dir, &names, err) == -1)
		return -1;
	ret->v = xcalloc(BUILDPACKS_MAX, sizeof(*ret->v));
	for (size_t i = 0; i < names.n; i++) {
		scoped_free char *path =
		    xasprintf("%s/buildpack.toml", names.v[i]);
		struct error why = {0};
		json_t *file = convert_file(dir, path, &why);
		int done;

		if (!file && (why.code == ERR_NOT_FOUND || why.sys))
			continue; /* order.toml, a folder of shared scripts */
		if (!file) {
			*err = why;
			return -1;
		}
		if (ret->n == BUILDPACKS_MAX)
			done = error_set(err, ERR_LIMIT, "too many buildpacks");
		else
			done =
			    load_one(names.v[i], file, &ret->v[ret->n++], err);
		json_decref(file);
		if (done == -1)
			return -1;
	}
	return 0;
}

static const struct buildpack *find(
    const struct buildpacks *b, const char *id, const char *version)
{
	for (int i = 0; i < b->n; i++)
		if (strcmp(b->v[i].id, id) == 0 &&
		    (!version || strcmp(b->v[i].version, version) == 0))
			return &b->v[i];
	return NULL;
}

static int add_group(
    struct buildpacks *b, const json_t *list, struct error *err)
{
	struct group *g = &b->groups[b->ngroups];
	size_t i;
	json_t *item;

	if (b->ngroups == GROUPS_MAX || json_array_size(list) > GROUP_MAX)
		return error_set(err, ERR_LIMIT, "order.toml is too long");
	json_array_foreach(list, i, item)
	{
		const char *id = json_string_value(json_object_get(item, "id"));
		const struct buildpack *bp =
		    id ? find(b, id,
		             json_string_value(
		                 json_object_get(item, "version")))
		       : NULL;

		if (!bp)
			return error_set(err, ERR_NOT_FOUND,
			    "order.toml names %.64s, which is not there",
			    id ? id : "no id");
		g->of[g->n].bp = bp;
		g->of[g->n++].optional =
		    json_is_true(json_object_get(item, "optional"));
	}
	b->ngroups += g->n > 0;
	return 0;
}

static int load_order(int dir, struct buildpacks *b, struct error *err)
{
	json_t *file = convert_file(dir, "order.toml", err);
	size_t i;
	json_t *order;
	int done = 0;

	if (!file)
		return -1;
	b->groups = xcalloc(GROUPS_MAX + 1, sizeof(*b->groups));
	json_array_foreach(json_object_get(file, "order"), i, order)
	{
		if (done == 0)
			done =
			    add_group(b, json_object_get(order, "group"), err);
	}
	json_decref(file);
	return done;
}

int buildpacks_load(struct buildpacks *ret, struct error *err)
{
	scoped_fd int dir =
	    open(BUILDPACKS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret = (struct buildpacks){0};
	if (dir == -1)
		return error_sys(err, "open %s", BUILDPACKS_DIR);
	if (load_all(dir, ret, err) == -1 || load_order(dir, ret, err) == -1) {
		buildpacks_release(ret);
		return error_wrap(err, "buildpacks");
	}
	return 0;
}

void buildpacks_release(struct buildpacks *b)
{
	for (int i = 0; i < b->n; i++) {
		free(b->v[i].id);
		free(b->v[i].version);
		free(b->v[i].name);
		free(b->v[i].homepage);
		free(b->v[i].dir);
		free(b->v[i].folder);
		json_decref(b->v[i].files);
	}
	free(b->v);
	free(b->groups);
	*b = (struct buildpacks){0};
}
