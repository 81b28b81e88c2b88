#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "inner/image.h"
#include "inner/pack.h"
#include "inner/untar.h"

#define METADATA_MAX (8u << 20)
#define CHUNK (256 * 1024)
#define FILES_MOST 1000000
#define BYTES_MOST (32ull << 30)
#define PART "part.tar" /* the layer at work, in staging */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- reading -------------------------------------------------------------- */

json_t *cache_metadata(const char *dir)
{
	scoped_buf struct buf text = BUF_INIT(METADATA_MAX);
	scoped_free char *path = xasprintf("%s/committed/" CACHE_METADATA, dir);
	struct error err;
	json_t *json = NULL;

	if (dir[0] && fd_read_file(AT_FDCWD, path, &text, &err) == 0)
		json = json_loadb(text.p, text.len, 0, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return json_object();
}

/* Has the file at fd this digest? It is at its start again then. */
static bool is_whole(int fd, const char *hex)
{
	scoped_free char *chunk = xmalloc(CHUNK);
	struct digest *d = digest_new();
	char got[DIGEST_HEX];
	ssize_t n;

	while ((n = read(fd, chunk, CHUNK)) > 0)
		digest_add(d, str_make(chunk, (size_t)n));
	digest_done(d, got);
	digest_free(d);
	return n == 0 && strcmp(got, hex) == 0 && lseek(fd, 0, SEEK_SET) == 0;
}

int cache_restore(const struct life *l, const char *dir, const char *sha,
    bool *ret, struct error *ret_why, struct error *err)
{
	scoped_free char *path = xasprintf("%s/committed/%s.tar", dir, sha);
	scoped_fd int tar = -1, layers = -1;

	*ret = false;
	if (strncmp(sha, "sha256:", 7) != 0 || !name_sha256(str_z(sha + 7))) {
		error_set(ret_why, ERR_INVALID, "\"%.80s\" is no digest", sha);
		return 0;
	}
	tar = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (tar == -1) {
		error_set(ret_why, ERR_NOT_FOUND,
		    "failed to find cache layer with SHA '%s'", sha);
		return 0;
	}
	if (!is_whole(tar, sha + 7)) {
		error_set(ret_why, ERR_INVALID,
		    "expected layer contents to have SHA '%s'", sha);
		return 0;
	}
	layers = open(l->layers, OPEN_DIR);
	if (layers == -1)
		return error_sys(err, "open %s", l->layers);
	if (untar_below(tar, layers, l->layers, FILES_MOST, BYTES_MOST, err) ==
	    -1)
		return error_wrap(err, "restore %s", sha);
	*ret = true;
	return 0;
}

/* --- writing -------------------------------------------------------------- */

struct saving {
	struct session *s;
	int staging;
	int part;
	json_t *now; /* the metadata in the making */
};

static int write_part(void *arg, struct str bytes, struct error *err)
{
	return fd_write_all(*(int *)arg, bytes, err);
}

/* Pack path (absolute) into staging; its digest as "sha256:...". */
static int save_tree(
    struct saving *v, const char *path, char **ret, struct error *err)
{
	scoped_fd int root = open("/", OPEN_DIR);
	struct pack p = {.root = root,
	    .out = -1,
	    .keep = PACK_OWNER,
	    .uid = v->s->life.uid,
	    .gid = v->s->life.gid,
	    .files = FILES_MOST,
	    .bytes = BYTES_MOST,
	    .sink = write_part,
	    .sink_arg = &v->part};
	char hex[DIGEST_HEX];
	scoped_free char *name = NULL;
	int done;

	v->part = openat(
	    v->staging, PART, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (v->part == -1)
		return error_sys(err, "create a layer in the cache");
	done = pack_tree(&p, path + 1, hex, err);
	fd_close(&v->part);
	if (done == -1)
		return -1;
	name = xasprintf("sha256:%s.tar", hex);
	if (renameat(v->staging, PART, v->staging, name) == -1)
		return error_sys(err, "name a layer in the cache");
	*ret = xasprintf("sha256:%s", hex);
	return 0;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int save_layer(struct saving *v, const json_t *bp, const json_t *layer,
    json_t *into, struct error *err)
{
	const char *name = text_of(layer, "name");
	scoped_free char *below = image_layer_path(bp, layer);
	scoped_free char *path = xasprintf("%s/%s", v->s->life.layers, below);
	scoped_free char *sha = NULL;

	if (!json_is_true(json_object_get(layer, "cache")))
		return 0;
	if (!is_dir(path)) {
		life_say(&v->s->life, LEVEL_WARN,
		    "Failed to cache layer '%s:%s' because it has no contents",
		    text_of(bp, "id"), name);
		return 0;
	}
	if (save_tree(v, path, &sha, err) == -1)
		return error_wrap(
		    err, "cache layer '%s:%s'", text_of(bp, "id"), name);
	life_say(&v->s->life, LEVEL_INFO, "Adding cache layer '%s:%s'",
	    text_of(bp, "id"), name);
	json_object_set_new(into, name,
	    json_pack("{s:s, s:O, s:O, s:O, s:O}", "sha", sha, "data",
	        json_object_get(layer, "metadata"), "build",
	        json_object_get(layer, "build"), "launch",
	        json_object_get(layer, "launch"), "cache",
	        json_object_get(layer, "cache")));
	return 0;
}

static int save_buildpack(struct saving *v, const json_t *bp, struct error *err)
{
	json_t *layers = json_object(), *layer;
	size_t i;

	json_array_append_new(json_object_get(v->now, "buildpacks"),
	    json_pack("{s:s, s:s, s:o}", "key", text_of(bp, "id"), "version",
	        text_of(bp, "version"), "layers", layers));
	json_array_foreach(json_object_get(bp, "layers"), i, layer)
	{
		if (save_layer(v, bp, layer, layers, err) == -1)
			return -1;
	}
	return 0;
}

static int save_sbom(struct saving *v, struct error *err)
{
	scoped_free char *path = xasprintf("%s/sbom/cache", v->s->life.layers);
	scoped_free char *sha = NULL;

	if (!is_dir(path))
		return 0;
	if (save_tree(v, path, &sha, err) == -1)
		return -1;
	json_object_set_new(v->now, "sbom", json_pack("{s:s}", "sha", sha));
	return 0;
}

static int save_all(struct saving *v, const json_t *about, struct error *err)
{
	scoped_free char *text = NULL;
	json_t *bp;
	size_t i;

	json_array_foreach(json_object_get(about, "buildpacks"), i, bp)
	{
		if (save_buildpack(v, bp, err) == -1)
			return -1;
	}
	if (save_sbom(v, err) == -1)
		return -1;
	text = json_dumps(v->now, JSON_COMPACT | JSON_SORT_KEYS);
	return fd_write_file(
	    v->staging, CACHE_METADATA, str_z(text), 0644, err);
}

/* staging takes the place of committed. */
static int commit(int dir, struct error *err)
{
	if (fd_remove_tree(dir, "committed-backup", err) == -1)
		return -1;
	if (renameat(dir, "committed", dir, "committed-backup") == -1 &&
	    errno != ENOENT)
		return error_sys(err, "back up the cache");
	if (renameat(dir, "staging", dir, "committed") == -1) {
		error_sys(err, "commit the cache");
		(void)renameat(dir, "committed-backup", dir, "committed");
		return -1;
	}
	return fd_remove_tree(dir, "committed-backup", err);
}

int cache_save(struct session *s, const json_t *about, struct error *err)
{
	scoped_fd int dir = open(s->in.value[IN_CACHE_DIR], OPEN_DIR);
	struct saving v = {.s = s, .staging = -1};
	int done = -1;

	if (dir == -1)
		return error_sys(err, "open %s", s->in.value[IN_CACHE_DIR]);
	if (fd_remove_tree(dir, "staging", err) == -1 ||
	    fd_mkdir(dir, "staging", 0755, err) == -1)
		return -1;
	v.staging = openat(dir, "staging", OPEN_DIR);
	if (v.staging == -1)
		return error_sys(err, "open the cache");
	v.now = json_pack("{s:[]}", "buildpacks");
	if (save_all(&v, about, err) == 0)
		done = commit(dir, err);
	json_decref(v.now);
	fd_close(&v.staging);
	return done;
}
