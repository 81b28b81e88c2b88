/* Writing an OCI layout. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "layout.h"

#define GZIP_LEVEL 6
#define GZIP_WINDOW (15 + 16) /* the largest, with gzip's head */
#define CHUNK (128 * 1024)
#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define TYPE_LAYER "application/vnd.oci.image.layer.v1.tar"
#define PART ".part" /* the layer at work, in the folder of blobs */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

struct layout_out {
	int dir, blobs;
	json_t *layers; /* descriptors */
	/* the layer at work */
	int fd;
	z_stream z;
	bool deflating;
	struct digest *digest;
	uint64_t size;
	unsigned char chunk[CHUNK];
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- folders -------------------------------------------------------------- */

/* Make path with all above it. */
static int make_path(const char *path, struct error *err)
{
	scoped_free char *part = xstrdup(path);

	for (char *slash = strchr(part + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) == -1 && errno != EEXIST)
			return error_sys(err, "make %s", part);
		*slash = '/';
	}
	if (mkdir(part, 0755) == -1 && errno != EEXIST)
		return error_sys(err, "make %s", part);
	return 0;
}

struct layout_out *layout_create(const char *path, struct error *err)
{
	scoped_free char *blobs = xasprintf("%s/blobs/sha256", path);
	struct layout_out *o;

	if (make_path(blobs, err) == -1)
		return NULL;
	o = xcalloc(1, sizeof(*o));
	o->fd = -1;
	o->dir = open(path, OPEN_DIR);
	o->blobs = open(blobs, OPEN_DIR);
	o->layers = json_array();
	o->digest = digest_new();
	if (o->dir != -1 && o->blobs != -1)
		return o;
	error_sys(err, "open %s", path);
	layout_drop(o);
	return NULL;
}

void layout_drop(struct layout_out *o)
{
	if (!o)
		return;
	if (o->deflating)
		(void)deflateEnd(&o->z);
	if (o->fd != -1)
		(void)unlinkat(o->blobs, PART, 0);
	fd_close(&o->fd);
	fd_close(&o->dir);
	fd_close(&o->blobs);
	json_decref(o->layers);
	digest_free(o->digest);
	free(o);
}

static void add_descriptor(
    struct layout_out *o, const char *type, const char *hex, uint64_t size)
{
	json_array_append_new(o->layers,
	    json_pack("{s:s, s:o, s:I}", "mediaType", type, "digest",
	        json_sprintf("sha256:%s", hex), "size", (json_int_t)size));
}

/* --- a new layer ---------------------------------------------------------- */

static int open_part(struct layout_out *o, struct error *err)
{
	(void)unlinkat(o->blobs, PART, 0);
	o->fd = openat(o->blobs, PART,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	o->size = 0;
	return o->fd == -1 ? error_sys(err, "create a blob") : 0;
}

/* The part becomes the blob of this digest. */
static int keep_part(struct layout_out *o, const char *hex, struct error *err)
{
	fd_close(&o->fd);
	if (renameat(o->blobs, PART, o->blobs, hex) == -1)
		return error_sys(err, "name blob %s", hex);
	return 0;
}

int layout_begin(struct layout_out *o, struct error *err)
{
	if (open_part(o, err) == -1)
		return -1;
	o->z = (z_stream){0};
	if (deflateInit2(&o->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
	        Z_DEFAULT_STRATEGY) != Z_OK)
		return error_set(err, ERR_INTERNAL, "start zlib");
	o->deflating = true;
	return 0;
}

static int deflate_some(struct layout_out *o, int flush, struct error *err)
{
	do {
		struct str out;
		int r;

		o->z.next_out = o->chunk;
		o->z.avail_out = sizeof(o->chunk);
		r = deflate(&o->z, flush);
		if (r == Z_STREAM_ERROR)
			return error_set(err, ERR_INTERNAL, "compress a layer");
		out = str_make(o->chunk, sizeof(o->chunk) - o->z.avail_out);
		digest_add(o->digest, out);
		o->size += out.len;
		if (fd_write_all(o->fd, out, err) == -1)
			return error_wrap(err, "write a blob");
	} while (o->z.avail_out == 0);
	return 0;
}

int layout_write(void *out, struct str bytes, struct error *err)
{
	struct layout_out *o = out;

	o->z.next_in = (unsigned char *)bytes.p;
	o->z.avail_in = (unsigned)bytes.len;
	return deflate_some(o, Z_NO_FLUSH, err);
}

int layout_end(struct layout_out *o, struct error *err)
{
	char hex[DIGEST_HEX];

	o->z.avail_in = 0;
	if (deflate_some(o, Z_FINISH, err) == -1)
		return -1;
	(void)deflateEnd(&o->z);
	o->deflating = false;
	digest_done(o->digest, hex);
	if (keep_part(o, hex, err) == -1)
		return -1;
	add_descriptor(o, TYPE_LAYER "+gzip", hex, o->size);
	return 0;
}

/* --- a layer of another image --------------------------------------------- */

/* OCI's name for a layer's type, whatever docker's was. */
static const char *type_of(const char *type)
{
	if (strstr(type, "zstd"))
		return TYPE_LAYER "+zstd";
	return strstr(type, "gzip") ? TYPE_LAYER "+gzip" : TYPE_LAYER;
}

/* Copy the blob, unless it is not there: a layout may leave out its base. */
static int copy_blob(
    struct layout_out *o, const char *path, const char *hex, struct error *err)
{
	scoped_free char *file = xasprintf("%s/blobs/sha256/%s", path, hex);
	scoped_fd int in = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char got[DIGEST_HEX];
	ssize_t n;

	if (in == -1 && errno == ENOENT)
		return 0;
	if (in == -1)
		return error_sys(err, "open %s", file);
	if (faccessat(o->blobs, hex, F_OK, 0) == 0)
		return 0;
	if (open_part(o, err) == -1)
		return -1;
	while ((n = read(in, o->chunk, sizeof(o->chunk))) > 0) {
		digest_add(o->digest, str_make(o->chunk, (size_t)n));
		if (fd_write_all(o->fd, str_make(o->chunk, (size_t)n), err) ==
		    -1)
			return error_wrap(err, "copy a blob");
	}
	if (n == -1)
		return error_sys(err, "read %s", file);
	digest_done(o->digest, got);
	if (strcmp(got, hex) != 0)
		return error_set(
		    err, ERR_INVALID, "%s has another digest", file);
	return keep_part(o, hex, err);
}

int layout_take(struct layout_out *o, const struct layout *from, size_t i,
    struct error *err)
{
	const json_t *d =
	    json_array_get(json_object_get(from->manifest, "layers"), i);
	const char *digest = text_of(d, "digest");

	if (strncmp(digest, "sha256:", 7) != 0 ||
	    !name_sha256(str_z(digest + 7)))
		return error_set(err, ERR_INVALID,
		    "%s: layer %zu has no digest", from->path, i);
	if (copy_blob(o, from->path, digest + 7, err) == -1)
		return -1;
	add_descriptor(o, type_of(text_of(d, "mediaType")), digest + 7,
	    (uint64_t)json_integer_value(json_object_get(d, "size")));
	return 0;
}

/* --- the image ------------------------------------------------------------ */

static int put_blob(struct layout_out *o, const char *text,
    char hex[DIGEST_HEX], struct error *err)
{
	digest_of(str_z(text), hex);
	return fd_write_file(o->blobs, hex, str_z(text), 0644, err);
}

static char *manifest_of(
    const struct layout_out *o, const char *config, const char *hex)
{
	json_t *m = json_pack("{s:i, s:s, s:{s:s, s:o, s:I}, s:O}",
	    "schemaVersion", 2, "mediaType", TYPE_MANIFEST, "config",
	    "mediaType", TYPE_CONFIG, "digest", json_sprintf("sha256:%s", hex),
	    "size", (json_int_t)strlen(config), "layers", o->layers);
	char *text = json_dumps(m, JSON_COMPACT);

	json_decref(m);
	return text;
}

static int put_index(struct layout_out *o, const char *manifest,
    const char *hex, struct error *err)
{
	json_t *index = json_pack("{s:i, s:[{s:s, s:I, s:o}]}", "schemaVersion",
	    2, "manifests", "mediaType", TYPE_MANIFEST, "size",
	    (json_int_t)strlen(manifest), "digest",
	    json_sprintf("sha256:%s", hex));
	scoped_free char *text = json_dumps(index, JSON_COMPACT);

	json_decref(index);
	if (fd_write_file(o->dir, "oci-layout",
	        STR("{\"imageLayoutVersion\":\"1.0.0\"}"), 0644, err) == -1)
		return -1;
	return fd_write_file(o->dir, "index.json", str_z(text), 0644, err);
}

int layout_finish(struct layout_out *o, const char *config,
    char ret_digest[DIGEST_HEX], size_t *ret_size, struct error *err)
{
	scoped_free char *manifest = NULL;
	char hex[DIGEST_HEX];

	if (put_blob(o, config, hex, err) == -1)
		return -1;
	manifest = manifest_of(o, config, hex);
	if (put_blob(o, manifest, ret_digest, err) == -1)
		return -1;
	*ret_size = strlen(manifest);
	return put_index(o, manifest, ret_digest, err);
}
