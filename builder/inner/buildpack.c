#include "buildpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "convert.h"
#include "tree.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static char *copy_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return xstrdup(s ? s : "");
}

char *buildpack_folder(const char *id)
{
	char *folder = xstrdup(id);

	for (char *c = folder; *c; c++)
		*c = *c == '/' ? '_' : *c;
	if (name_layer(str_z(folder)) && folder[0] != '.' &&
	    strcmp(folder, "config") != 0 && strcmp(folder, "sbom") != 0)
		return folder;
	free(folder);
	return NULL;
}

/* --- one of them ---------------------------------------------------------- */

static void buildpack_free(struct buildpack *bp)
{
	if (!bp)
		return;
	free(bp->id);
	free(bp->version);
	free(bp->name);
	free(bp->homepage);
	free(bp->dir);
	free(bp->folder);
	free(bp->api_text);
	json_decref(bp->file);
	free(bp);
}

/* From its file, which is taken over. NULL when its id is none. */
static struct buildpack *make(
    json_t *file, char *dir, bool extension, struct error *err)
{
	const json_t *about =
	    json_object_get(file, extension ? "extension" : "buildpack");
	struct buildpack *bp = xcalloc(1, sizeof(*bp));

	bp->id = copy_text(about, "id");
	bp->version = copy_text(about, "version");
	bp->name = copy_text(about, "name");
	bp->homepage = copy_text(about, "homepage");
	bp->dir = dir;
	bp->folder = buildpack_folder(bp->id);
	bp->api_text = copy_text(file, "api");
	bp->api = life_api(bp->api_text, BUILDPACK_API_NEWEST);
	bp->clear_env = json_is_true(json_object_get(about, "clear-env"));
	bp->extension = extension;
	bp->file = file;
	if (bp->folder)
		return bp;
	error_set(err, ERR_INVALID, "%s: \"%.64s\" is no id of a buildpack",
	    dir, bp->id);
	buildpack_free(bp);
	return NULL;
}

int buildpack_check_api(
    struct life *l, const struct buildpack *bp, struct error *err)
{
	if (bp->api)
		return 0;
	return life_fail(l, CODE_BUILDPACK_API, err,
	    "set API for buildpack '%s@%s': buildpack API version '%s' is "
	    "incompatible with the lifecycle; it speaks 0.%d to 0.%d",
	    bp->id, bp->version, bp->api_text, API_OLDEST,
	    BUILDPACK_API_NEWEST);
}

const json_t *buildpack_order(const struct buildpack *bp)
{
	const json_t *order = json_object_get(bp->file, "order");

	return json_array_size(order) ? order : NULL;
}

/* --- finding -------------------------------------------------------------- */

struct wanted {
	const char *id, *version;
	bool extension;
};

static bool fits(const struct buildpack *bp, const struct wanted *w)
{
	return bp->extension == w->extension && strcmp(bp->id, w->id) == 0 &&
	       (!w->version || strcmp(bp->version, w->version) == 0);
}

static struct buildpack *known(
    const struct buildpacks *b, const struct wanted *w)
{
	for (int i = 0; i < b->n; i++)
		if (fits(b->v[i], w))
			return b->v[i];
	return NULL;
}

/*
 * Read what is in folder path below root. NULL without an error when there is
 * no buildpack, or not the one that is wanted.
 */
static struct buildpack *read_one(struct buildpacks *b, const char *root,
    int dir, const char *path, const struct wanted *w, struct error *err)
{
	scoped_free char *name = xasprintf(
	    "%s/%s.toml", path, w->extension ? "extension" : "buildpack");
	struct error why = {0};
	json_t *file = convert_file(dir, name, &why);
	struct buildpack *bp;

	if (!file) {
		if (why.code != ERR_NOT_FOUND && !why.sys)
			*err = why;
		return NULL;
	}
	bp = make(file, xasprintf("%s/%s", root, path), w->extension, err);
	if (bp && fits(bp, w) && b->n < BUILDPACKS_MAX)
		return b->v[b->n++] = bp;
	buildpack_free(bp);
	return NULL;
}

/* Look through folder `in` of dir ("" is dir itself) for it. */
static struct buildpack *search(struct buildpacks *b, const char *root, int dir,
    const char *in, const struct wanted *w, struct error *err)
{
	scoped_fd int sub =
	    openat(dir, in[0] ? in : ".", OPEN_DIR | O_NOFOLLOW);
	scoped_names struct tree_names names = {0};
	struct buildpack *bp = NULL;

	if (sub == -1 || tree_names(sub, &names, err) == -1)
		return NULL;
	for (size_t i = 0; i < names.n && !bp && !err->code; i++) {
		scoped_free char *path =
		    in[0] ? xasprintf("%s/%s", in, names.v[i])
		          : xstrdup(names.v[i]);

		bp = read_one(b, root, dir, path, w, err);
	}
	return bp;
}

static struct buildpack *look(
    struct buildpacks *b, const struct wanted *w, struct error *err)
{
	const char *root =
	    w->extension ? b->life->extensions : b->life->buildpacks;
	scoped_fd int dir = open(root, OPEN_DIR);
	scoped_free char *folder = buildpack_folder(w->id);
	struct buildpack *bp = NULL;

	if (dir == -1)
		return error_sys(err, "open %s", root), NULL;
	if (!folder)
		return NULL;
	if (w->version && !strchr(w->version, '/')) {
		scoped_free char *path = xasprintf("%s/%s", folder, w->version);

		bp = read_one(b, root, dir, path, w, err);
	}
	if (!bp && !err->code)
		bp = search(b, root, dir, folder, w, err);
	if (!bp && !err->code)
		bp = search(b, root, dir, "", w, err);
	return bp;
}

struct buildpack *buildpacks_find(struct buildpacks *b, const char *id,
    const char *version, bool extension, struct error *err)
{
	struct wanted w = {id, version, extension};
	struct error why = {0};
	struct buildpack *bp = known(b, &w);

	if (bp)
		return bp;
	bp = look(b, &w, &why);
	if (bp)
		return bp;
	if (why.code)
		*err = why;
	else
		error_set(err, ERR_NOT_FOUND, "there is no %s %.64s%s%.32s",
		    extension ? "extension" : "buildpack", id,
		    version ? "@" : "", version ? version : "");
	return NULL;
}

struct buildpack *buildpacks_load(
    struct buildpacks *b, const char *dir, struct error *err)
{
	scoped_free char *path = xasprintf("%s/buildpack.toml", dir);
	json_t *file = convert_path(path, err);
	struct buildpack *bp =
	    file ? make(file, xstrdup(dir), false, err) : NULL;

	if (bp && b->n < BUILDPACKS_MAX)
		return b->v[b->n++] = bp;
	if (bp)
		error_set(
		    err, ERR_LIMIT, "more than %d buildpacks", BUILDPACKS_MAX);
	buildpack_free(bp);
	return NULL;
}

void buildpacks_release(struct buildpacks *b)
{
	for (int i = 0; i < b->n; i++)
		buildpack_free(b->v[i]);
	b->n = 0;
}

/* --- order.toml ----------------------------------------------------------- */

static int check_group(const json_t *order, struct error *err)
{
	const json_t *group = json_object_get(order, "group");
	json_t *item;
	size_t i;

	if (json_array_size(group) > GROUP_MAX)
		return error_set(err, ERR_LIMIT,
		    "a group of the order has %zu buildpacks; the limit is %d",
		    json_array_size(group), GROUP_MAX);
	json_array_foreach(group, i, item)
	{
		if (!json_is_string(json_object_get(item, "id")))
			return error_set(err, ERR_INVALID,
			    "a group of the order has a buildpack without id");
	}
	return 0;
}

static int check_order(const json_t *list, struct error *err)
{
	json_t *order;
	size_t i;

	if (json_array_size(list) > ORDER_GROUPS_MAX)
		return error_set(err, ERR_LIMIT,
		    "the order has %zu groups; the limit is %d",
		    json_array_size(list), ORDER_GROUPS_MAX);
	json_array_foreach(list, i, order)
	{
		if (check_group(order, err) == -1)
			return -1;
	}
	return 0;
}

json_t *order_read(const char *path, struct error *err)
{
	json_t *file = convert_path(path, err);

	if (file && check_order(json_object_get(file, "order"), err) == 0 &&
	    check_order(json_object_get(file, "order-extensions"), err) == 0)
		return file;
	json_decref(file);
	return NULL;
}
