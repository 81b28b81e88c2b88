#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/mem.h"
#include "tar.h"
#include "tree.h"

#define CHUNK (256 * 1024) /* bytes read at a time */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct walk {
	struct pack *p;
	struct digest *digest;
	struct buf path;   /* of the entry at hand */
	struct buf header; /* scratch */
	char *chunk;
	struct map *links; /* {device, inode} -> path of its first name */
	struct error *err;
};

/* The layer's tar goes into its digest, and to who wants it. */
static int emit(struct walk *w, struct str bytes)
{
	digest_add(w->digest, bytes);
	if (!w->p->sink)
		return 0;
	return w->p->sink(w->p->sink_arg, bytes, w->err);
}

static uint32_t owner(const struct walk *w)
{
	return w->p->keep & PACK_OWNER ? w->p->uid : PACK_UID;
}

static uint32_t group(const struct walk *w)
{
	return w->p->keep & PACK_OWNER ? w->p->gid : PACK_UID;
}

/* --- one entry ------------------------------------------------------------ */

static struct tar_entry entry_of(
    struct walk *w, const struct stat *st, enum tar_type type)
{
	bool ids = w->p->keep & PACK_KEEP_IDS;
	int64_t time =
	    w->p->keep & PACK_KEEP_TIMES ? st->st_mtim.tv_sec : PACK_TIME;

	return (struct tar_entry){
	    .type = type,
	    .path = buf_str(&w->path),
	    .mode = ids ? st->st_mode & 07777 : st->st_mode & 0777,
	    .uid = ids ? st->st_uid : owner(w),
	    .gid = ids ? st->st_gid : group(w),
	    .mtime = time > 0 ? (uint64_t)time : 0,
	};
}

static int entry_hash(struct walk *w, const struct tar_entry *e)
{
	buf_clear(&w->header);
	tar_header(e, &w->header);
	if (w->header.bad)
		return error_set(
		    w->err, ERR_LIMIT, "%s: name too long", buf_z(&w->path));
	return emit(w, buf_str(&w->header));
}

/* Owner, mode and time of what was made at name in dir. */
static int entry_finish(
    struct walk *w, int dir, const char *name, const struct tar_entry *e)
{
	struct timespec times[2] = {
	    {.tv_sec = (time_t)e->mtime}, {.tv_sec = (time_t)e->mtime}};

	if (fchownat(dir, name, (uid_t)e->uid, (gid_t)e->gid,
	        AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(w->err, "owner of %s", buf_z(&w->path));
	if (e->type != TAR_SYMLINK &&
	    fchmodat(dir, name, (mode_t)e->mode, 0) == -1)
		return error_sys(w->err, "mode of %s", buf_z(&w->path));
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(w->err, "time of %s", buf_z(&w->path));
	return 0;
}

/* --- files, links --------------------------------------------------------- */

/* Read size bytes of in: into the digest, and to out unless it is -1. */
static int content(struct walk *w, int in, int out, uint64_t size)
{
	static const char zeros[TAR_BLOCK];

	for (uint64_t left = size; left > 0;) {
		size_t want = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t n = read(in, w->chunk, want);
		struct str got = str_make(w->chunk, n > 0 ? (size_t)n : 0);

		if (n == -1)
			return error_sys(w->err, "read %s", buf_z(&w->path));
		if (n == 0)
			return error_set(w->err, ERR_INVALID,
			    "%s shrank while it was read", buf_z(&w->path));
		if (emit(w, got) == -1)
			return -1;
		if (out != -1 && fd_write_all(out, got, w->err) == -1)
			return error_wrap(w->err, "write %s", buf_z(&w->path));
		left -= (uint64_t)n;
	}
	return emit(w, str_make(zeros, tar_padding(size)));
}

static int budget_bytes(struct walk *w, uint64_t size)
{
	if (size > w->p->bytes)
		return error_set(w->err, ERR_LIMIT,
		    "%s: the image has more bytes than a build may make",
		    buf_z(&w->path));
	w->p->bytes -= size;
	return 0;
}

/* The first name of this file's inode; sets it when this is the first. */
static const char *link_known(struct walk *w, const struct stat *st)
{
	uint64_t id[2] = {st->st_dev, st->st_ino};
	struct str key = str_make(id, sizeof(id));
	const char *first;

	if (st->st_nlink < 2)
		return NULL;
	first = map_get(w->links, key);
	if (!first)
		map_set(w->links, key, str_dup(buf_str(&w->path)));
	return first;
}

static int hard_link(struct walk *w, const char *first, const struct stat *st,
    int to, const char *name)
{
	struct tar_entry e = entry_of(w, st, TAR_HARDLINK);

	e.link = str_z(first);
	if (entry_hash(w, &e) == -1)
		return -1;
	if (to != -1 && linkat(w->p->out, first, to, name, 0) == -1)
		return error_sys(w->err, "link %s", buf_z(&w->path));
	return 0;
}

static int file(struct walk *w, int from, int to, const char *name)
{
	scoped_fd int in =
	    openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	scoped_fd int out = -1;
	struct tar_entry e;
	const char *first;
	struct stat st;

	if (in == -1 || fstat(in, &st) == -1)
		return error_sys(w->err, "open %s", buf_z(&w->path));
	if (!S_ISREG(st.st_mode))
		return error_set(
		    w->err, ERR_INVALID, "%s changed", buf_z(&w->path));
	first = link_known(w, &st);
	if (first)
		return hard_link(w, first, &st, to, name);
	e = entry_of(w, &st, TAR_FILE);
	e.size = (uint64_t)st.st_size;
	if (budget_bytes(w, e.size) == -1 || entry_hash(w, &e) == -1)
		return -1;
	if (to != -1) {
		out = openat(
		    to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (out == -1)
			return error_sys(w->err, "create %s", buf_z(&w->path));
	}
	if (content(w, in, out, e.size) == -1)
		return -1;
	return to == -1 ? 0 : entry_finish(w, to, name, &e);
}

static int symbolic_link(
    struct walk *w, int from, int to, const char *name, const struct stat *st)
{
	struct tar_entry e = entry_of(w, st, TAR_SYMLINK);
	char target[4097];
	ssize_t n = readlinkat(from, name, target, sizeof(target));

	if (n == -1)
		return error_sys(w->err, "read link %s", buf_z(&w->path));
	if (n == (ssize_t)sizeof(target))
		return error_set(
		    w->err, ERR_LIMIT, "%s: target too long", buf_z(&w->path));
	target[n] = '\0';
	e.mode = 0777;
	e.link = str_make(target, (size_t)n);
	if (entry_hash(w, &e) == -1)
		return -1;
	if (to == -1)
		return 0;
	if (symlinkat(target, to, name) == -1)
		return error_sys(w->err, "make link %s", buf_z(&w->path));
	return entry_finish(w, to, name, &e);
}

/* --- folders -------------------------------------------------------------- */

static int children(struct walk *w, int from, int to, int depth);

static int folder(struct walk *w, int from, int to, const char *name,
    const struct stat *st, int depth)
{
	struct tar_entry e = entry_of(w, st, TAR_DIR);
	scoped_fd int in = openat(from, name, OPEN_DIR);
	scoped_fd int out = -1;

	if (in == -1)
		return error_sys(w->err, "open folder %s", buf_z(&w->path));
	if (depth == TREE_DEPTH_MAX)
		return error_set(w->err, ERR_LIMIT, "folders more than %d deep",
		    TREE_DEPTH_MAX);
	if (entry_hash(w, &e) == -1)
		return -1;
	if (to != -1) {
		if (mkdirat(to, name, 0700) == -1 ||
		    (out = openat(to, name, OPEN_DIR)) == -1)
			return error_sys(
			    w->err, "make folder %s", buf_z(&w->path));
	}
	if (children(w, in, out, depth + 1) == -1)
		return -1;
	return to == -1 ? 0 : entry_finish(w, to, name, &e);
}

static int any_entry(
    struct walk *w, int from, int to, const char *name, int depth)
{
	struct stat st;

	if (w->p->want && !w->p->want(w->p->want_arg, buf_z(&w->path)))
		return 0;
	if (w->p->files == 0)
		return error_set(w->err, ERR_LIMIT,
		    "%s: the image has more files than a build may make",
		    buf_z(&w->path));
	w->p->files--;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(w->err, "look at %s", buf_z(&w->path));
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return folder(w, from, to, name, &st, depth);
	case S_IFREG:
		return file(w, from, to, name);
	case S_IFLNK:
		return symbolic_link(w, from, to, name, &st);
	default:
		w->p->skipped++;
		return 0;
	}
}

static int children(struct walk *w, int from, int to, int depth)
{
	scoped_names struct tree_names names = {0};
	size_t length = w->path.len;

	if (tree_names(from, &names, w->err) == -1)
		return error_wrap(w->err, "%s", buf_z(&w->path));
	for (size_t i = 0; i < names.n; i++) {
		if (length)
			buf_addc(&w->path, '/');
		buf_addz(&w->path, names.v[i]);
		if (w->path.bad)
			return error_set(w->err, ERR_LIMIT,
			    "a path has more than %d bytes", TREE_PATH_MAX);
		if (any_entry(w, from, to, names.v[i], depth) == -1)
			return -1;
		w->path.len = length;
	}
	return 0;
}

/* --- a layer -------------------------------------------------------------- */

/*
 * The folders above the layer's own: one level down, made in out. *from and
 * *to are open folders, replaced by those of the next level.
 */
static int level(struct walk *w, struct str part, int *from, int *to)
{
	struct tar_entry e = {.type = TAR_DIR,
	    .mode = 0755,
	    .uid = PACK_UID,
	    .gid = PACK_UID,
	    .mtime = PACK_TIME};
	char *name = str_dup(part);
	int next = openat(*from, name, OPEN_DIR), result = -1;
	struct stat st;

	if (next != -1 && w->p->keep & PACK_OWNER && fstat(next, &st) == 0) {
		e.mode = st.st_mode & 0777;
		e.uid = st.st_uid;
		e.gid = st.st_gid;
	}

	if (w->path.len)
		buf_addc(&w->path, '/');
	buf_add(&w->path, part);
	e.path = buf_str(&w->path);
	if (next == -1) {
		error_sys(w->err, "open folder %s", buf_z(&w->path));
	} else if (entry_hash(w, &e) == 0) {
		fd_close(from);
		*from = next;
		result = 0;
	}
	if (result == 0 && *to != -1) {
		if (mkdirat(*to, name, 0755) == -1 ||
		    (next = openat(*to, name, OPEN_DIR)) == -1) {
			result = error_sys(
			    w->err, "make folder %s", buf_z(&w->path));
		} else {
			fd_close(to);
			*to = next;
		}
	}
	free(name);
	return result;
}

/* Owner, mode and time of the folders above, from the lowest up. */
static int levels_finish(struct walk *w, const char *path)
{
	struct tar_entry e = {.type = TAR_DIR,
	    .mode = 0755,
	    .uid = PACK_UID,
	    .gid = PACK_UID,
	    .mtime = PACK_TIME};
	scoped_free char *above = xstrdup(path);
	char *slash;

	while ((slash = strrchr(above, '/'))) {
		*slash = '\0';
		if (entry_finish(w, w->p->out, above, &e) == -1)
			return -1;
	}
	return 0;
}

static int walk_layer(struct walk *w, const char *path)
{
	struct str rest = str_z(path), part, next;
	scoped_fd int from = openat(w->p->root, ".", OPEN_DIR);
	scoped_fd int to =
	    w->p->out == -1 ? -1 : openat(w->p->out, ".", OPEN_DIR);
	char *last;
	int done;

	if (from == -1 || (to == -1 && w->p->out != -1))
		return error_sys(w->err, "open the top folder");
	if (!path[0])
		return children(w, from, to, 0);
	(void)str_split(&rest, '/', &part);
	while (str_split(&rest, '/', &next)) {
		if (level(w, part, &from, &to) == -1)
			return -1;
		part = next;
	}
	if (w->path.len)
		buf_addc(&w->path, '/');
	buf_add(&w->path, part);
	last = str_dup(part);
	done = any_entry(w, from, to, last, 0);
	free(last);
	if (done == 0 && w->p->out != -1)
		return levels_finish(w, path);
	return done;
}

int pack_tree(struct pack *p, const char *path, char ret_digest[DIGEST_HEX],
    struct error *err)
{
	static const char zeros[TAR_END];
	struct walk w = {
	    .p = p,
	    .digest = digest_new(),
	    .path = BUF_INIT(TREE_PATH_MAX),
	    .header = BUF_INIT(64 * 1024),
	    .chunk = xmalloc(CHUNK),
	    .links = map_new(),
	    .err = err,
	};
	int done = walk_layer(&w, path);
	size_t at = 0;
	struct str key;
	void *first;

	if (done == 0) {
		done = emit(&w, str_make(zeros, sizeof(zeros)));
		digest_done(w.digest, ret_digest);
	}
	while (map_next(w.links, &at, &key, &first))
		free(first);
	map_free(w.links);
	digest_free(w.digest);
	buf_release(&w.path);
	buf_release(&w.header);
	free(w.chunk);
	return done;
}
