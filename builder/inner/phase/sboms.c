#include "sboms.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "inner/tree.h"
#include "inner/untar.h"

#define FILES_MOST 100000
#define BYTES_MOST (1ull << 30)
#define SBOM_BYTES_MAX (64u << 20) /* of one file */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char *const suffixes[] = {
    "sbom.cdx.json", "sbom.spdx.json", "sbom.syft.json"};

/* --- from an image -------------------------------------------------------- */

int sboms_from_image(const struct life *l, const struct layout *image,
    const char *sha, struct error *err)
{
	int at = sha[0] ? layout_find(image, sha) : -1;
	const char *digest = json_string_value(json_object_get(
	    json_array_get(json_object_get(image->manifest, "layers"),
	        at == -1 ? 0 : (size_t)at),
	    "digest"));
	scoped_free char *path = NULL;
	scoped_fd int tar = -1, layers = -1;

	if (at == -1 || !digest || strncmp(digest, "sha256:", 7) != 0)
		return 0;
	path = xasprintf("%s/blobs/sha256/%s", image->path, digest + 7);
	tar = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	layers = open(l->layers, OPEN_DIR);
	if (tar == -1 || layers == -1)
		return error_sys(err, "open %s and %s", path, l->layers);
	if (tree_remove(layers, "sbom", err) == -1 ||
	    untar_below(tar, layers, l->layers, FILES_MOST, BYTES_MOST, err) ==
	        -1)
		return error_wrap(err, "retrieving launch SBOM layer");
	return 0;
}

/* --- to the buildpacks ---------------------------------------------------- */

/* Copy what stands in folder sbom/KIND/ID/LAYER (open as from). */
static int copy_layer(int from, int to, const char *layer, struct error *err)
{
	for (size_t i = 0; i < NELEM(suffixes); i++) {
		scoped_buf struct buf text = BUF_INIT(SBOM_BYTES_MAX);
		scoped_free char *name = xasprintf("%s.%s", layer, suffixes[i]);
		struct error why = {0};

		if (tree_read(from, suffixes[i], &text, &why) == -1)
			continue;
		if (tree_write(to, name, buf_str(&text), 0644, err) == -1)
			return -1;
	}
	return 0;
}

static int restore_kind(
    int layers, const char *kind, const char *folder, struct error *err)
{
	scoped_free char *path = xasprintf("sbom/%s/%s", kind, folder);
	const char *name;
	struct error none;
	scoped_fd int parent =
	    tree_open_parent(layers, path, false, &name, &none);
	scoped_fd int from = parent == -1 ? -1 : openat(parent, name, OPEN_DIR);
	scoped_fd int to = openat(layers, folder, OPEN_DIR);
	scoped_names struct tree_names names = {0};

	if (from == -1 || to == -1)
		return 0;
	if (tree_names(from, &names, err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		scoped_fd int sub = openat(from, names.v[i], OPEN_DIR);

		if (sub != -1 && copy_layer(sub, to, names.v[i], err) == -1)
			return -1;
	}
	return 0;
}

int sboms_restore(const struct life *l, const json_t *group, struct error *err)
{
	scoped_fd int layers = open(l->layers, OPEN_DIR);
	json_t *item;
	size_t i;

	if (layers == -1)
		return error_sys(err, "open %s", l->layers);
	json_array_foreach(group, i, item)
	{
		const char *id = json_string_value(json_object_get(item, "id"));
		scoped_free char *folder = id ? buildpack_folder(id) : NULL;

		if (folder &&
		    (restore_kind(layers, "launch", folder, err) == -1 ||
		        restore_kind(layers, "cache", folder, err) == -1))
			return error_wrap(err, "restore the SBOM of %s", id);
	}
	return tree_remove(layers, "sbom", err);
}

/* --- our own -------------------------------------------------------------- */

int sboms_add_own(const struct life *l, const char *from, struct error *err)
{
	static const struct {
		const char *program, *to;
	} rows[] = {
	    {"lifecycle", "sbom/build/buildpacksio_lifecycle"},
	    {"launcher", "sbom/launch/buildpacksio_lifecycle/launcher"},
	};
	scoped_fd int layers = open(l->layers, OPEN_DIR);

	if (layers == -1)
		return error_sys(err, "open %s", l->layers);
	for (size_t k = 0; k < NELEM(rows) * NELEM(suffixes); k++) {
		const char *suffix = suffixes[k % NELEM(suffixes)];
		size_t row = k / NELEM(suffixes);
		scoped_buf struct buf text = BUF_INIT(SBOM_BYTES_MAX);
		scoped_free char *path =
		    xasprintf("%s/%s.%s", from, rows[row].program, suffix);
		scoped_free char *to = xasprintf("%s/%s", rows[row].to, suffix);
		struct error none;

		if (fd_read_file(AT_FDCWD, path, &text, &none) == 0 &&
		    tree_write(layers, to, buf_str(&text), 0644, err) == -1)
			return -1;
	}
	return 0;
}
