#include "sbom.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "tree.h"

#define SBOM_BYTES_MAX (64u << 20) /* of one file */
#define SBOM_SINCE 8               /* Platform API */

static const struct {
	const char *suffix, *type;
} formats[] = {
    {".sbom.cdx.json", "application/vnd.cyclonedx+json"},
    {".sbom.spdx.json", "application/spdx+json"},
    {".sbom.syft.json", "application/vnd.syft+json"},
};

/* Does buildpack.toml declare the type, whatever parameters it has? */
static bool declares(const struct buildpack *bp, const char *type)
{
	const json_t *list = json_object_get(
	    json_object_get(bp->file, "buildpack"), "sbom-formats");
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		struct str have = str_z(json_string_value(item)), head;

		if (have.p && str_split(&have, ';', &head) &&
		    str_eqz(str_trim(head), type))
			return true;
	}
	return false;
}

/* The format of a file's name; -1 with err for one that is none. */
static int format_of(
    const struct buildpack *bp, const char *name, struct error *err)
{
	for (size_t i = 0; i < NELEM(formats); i++) {
		if (!str_ends(str_z(name), str_z(formats[i].suffix)))
			continue;
		if (declares(bp, formats[i].type))
			return (int)i;
		return error_set(err, ERR_INVALID,
		    "validating SBOM file '%s' for buildpack: '%s@%s': "
		    "undeclared SBOM media type: '%s'",
		    name, bp->id, bp->version, formats[i].type);
	}
	return error_set(
	    err, ERR_INVALID, "unsupported SBOM file format: '%s'", name);
}

static int copy_to(int layers, const char *kind, const struct buildpack *bp,
    const char *layer, const char *suffix, struct str text, struct error *err)
{
	scoped_free char *path = xasprintf("sbom/%s/%s/%s%ssbom%s", kind,
	    bp->folder, layer, layer[0] ? "/" : "", suffix + 5);

	return tree_write(layers, path, text, 0644, err);
}

static const json_t *find_layer(const json_t *layers, struct str name)
{
	json_t *item;
	size_t i;

	json_array_foreach(layers, i, item)
	{
		if (str_eqz(
		        name, json_string_value(json_object_get(item, "name"))))
			return item;
	}
	return NULL;
}

static int take_one(int root, const struct buildpack *bp, int folder,
    const json_t *layers, const char *name, struct error *err)
{
	static const char *const kinds[] = {"launch", "build", "cache"};
	scoped_buf struct buf text = BUF_INIT(SBOM_BYTES_MAX);
	int format = format_of(bp, name, err);
	struct str of = str_z(name), layer;
	scoped_free char *layer_name = NULL;
	const json_t *known;

	if (format == -1 || tree_read(folder, name, &text, err) == -1)
		return -1;
	of.len -= strlen(formats[format].suffix);
	layer = of;
	known = find_layer(layers, layer);
	if (str_eqz(layer, "launch") || str_eqz(layer, "build")) {
		layer_name = str_dup(layer);
		return copy_to(root, layer_name, bp, "", formats[format].suffix,
		    buf_str(&text), err);
	}
	layer_name = str_dup(layer);
	for (size_t i = 0; i < NELEM(kinds); i++)
		if (json_is_true(json_object_get(known, kinds[i])) &&
		    copy_to(root, kinds[i], bp, layer_name,
		        formats[format].suffix, buf_str(&text), err) == -1)
			return -1;
	return 0;
}

int sbom_take(const struct life *l, const struct buildpack *bp,
    const json_t *layers, struct error *err)
{
	scoped_fd int root =
	    open(l->layers, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_fd int folder = -1;
	scoped_names struct tree_names names = {0};

	if (l->api < SBOM_SINCE)
		return 0;
	if (root == -1)
		return error_sys(err, "open %s", l->layers);
	folder = openat(
	    root, bp->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder == -1)
		return error_sys(err, "open %s/%s", l->layers, bp->folder);
	if (tree_names(folder, &names, err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		struct str name = str_z(names.v[i]);

		if (str_find_str(name, STR(".sbom.")) > 0 &&
		    str_ends(name, STR(".json")) &&
		    take_one(root, bp, folder, layers, names.v[i], err) == -1)
			return -1;
	}
	return 0;
}
