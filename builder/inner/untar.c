#include "untar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "tree.h"

#define CHUNK (256 * 1024)
#define ID_MOST 65535 /* the last user id that an instance has */

struct untar {
	struct archive *tar;
	int root;
	const char *below;              /* path of root in the tar; NULL: top */
	uint64_t files, bytes;          /* what may still come */
	struct archive_entry **folders; /* to be finished when all is in them */
	size_t nfolders;
	struct error *err;
};

/* --- paths ---------------------------------------------------------------- */

/*
 * The path without "./" in front and "/" behind; "" for the top. NULL when
 * it leaves the folder.
 */
static char *clean_path(const char *path)
{
	struct str rest = str_z(path), part, check;

	while (str_starts(rest, STR("./")))
		rest = str_sub(rest, 2, rest.len);
	while (rest.len && rest.p[rest.len - 1] == '/')
		rest.len--;
	if (rest.len == 0 || str_eqz(rest, "."))
		return path[0] == '/' || !path[0] ? NULL : xstrdup("");
	if (rest.len > TREE_PATH_MAX)
		return NULL;
	for (check = rest; str_split(&check, '/', &part);)
		if (part.len == 0 || part.len > 255 || str_eqz(part, ".") ||
		    str_eqz(part, "..") || str_starts(part, STR(".wh.")))
			return NULL;
	return str_dup(rest);
}

/* --- owner, mode, time ---------------------------------------------------- */

/* Of what is at name in dir, as the entry says. */
static int finish(
    struct untar *u, struct archive_entry *e, int dir, const char *name)
{
	struct timespec times[2] = {{.tv_sec = archive_entry_mtime(e)},
	    {.tv_sec = archive_entry_mtime(e)}};
	bool link = archive_entry_filetype(e) == AE_IFLNK;

	if (!u->below &&
	    fchownat(dir, name, (uid_t)archive_entry_uid(e),
	        (gid_t)archive_entry_gid(e), AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(u->err, "owner");
	if (!link && fchmodat(dir, name, archive_entry_perm(e), 0) == -1)
		return error_sys(u->err, "mode");
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(u->err, "time");
	return 0;
}

/* The entry's path in root; "" for root itself and what is above; NULL. */
static char *path_of(const struct untar *u, const char *raw)
{
	scoped_free char *path = NULL;
	size_t n;

	if (!u->below)
		return clean_path(raw);
	path = clean_path(raw[0] == '/' ? raw + 1 : raw);
	n = strlen(u->below);
	if (!path)
		return NULL;
	if (strncmp(path, u->below, n) == 0 && path[n] == '/')
		return xstrdup(path + n + 1);
	/* root, or a folder on the way to it */
	n = strlen(path);
	if (strncmp(path, u->below, n) == 0 &&
	    (u->below[n] == '/' || !u->below[n]))
		return xstrdup("");
	return NULL;
}

/* Folders last, deepest first: a change in one is a change of its time. */
static int finish_folders(struct untar *u)
{
	while (u->nfolders > 0) {
		struct archive_entry *e = u->folders[--u->nfolders];
		scoped_free char *path = path_of(u, archive_entry_pathname(e));
		const char *name;
		scoped_fd int dir =
		    tree_open_parent(u->root, path, false, &name, u->err);
		int done = dir == -1 ? -1 : finish(u, e, dir, name);

		archive_entry_free(e);
		if (done == -1)
			return error_wrap(u->err, "%.100s", path);
	}
	return 0;
}

/* --- one entry ------------------------------------------------------------ */

static int content(struct untar *u, int fd, int64_t size)
{
	scoped_free char *chunk = xmalloc(CHUNK);

	if (size < 0 || (uint64_t)size > u->bytes)
		return error_set(u->err, ERR_LIMIT, "the image is too large");
	u->bytes -= (uint64_t)size;
	for (int64_t left = size; left > 0;) {
		la_ssize_t n = archive_read_data(u->tar, chunk, CHUNK);

		if (n <= 0 || n > left)
			return error_set(
			    u->err, ERR_INVALID, "its content is cut short");
		if (fd_write_all(fd, str_make(chunk, (size_t)n), u->err) == -1)
			return -1;
		left -= n;
	}
	return 0;
}

static int make_file(
    struct untar *u, struct archive_entry *e, int dir, const char *name)
{
	scoped_fd int fd =
	    openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1)
		return error_sys(u->err, "create it");
	if (!archive_entry_size_is_set(e) ||
	    content(u, fd, archive_entry_size(e)) == -1)
		return -1;
	return finish(u, e, dir, name);
}

static int make_folder(
    struct untar *u, struct archive_entry *e, int dir, const char *name)
{
	struct stat st;

	if (mkdirat(dir, name, 0700) == -1 &&
	    (errno != EEXIST ||
	        fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	        !S_ISDIR(st.st_mode)))
		return error_sys(u->err, "make the folder");
	if ((u->nfolders & (u->nfolders - 1)) == 0)
		u->folders = xrealloc(u->folders,
		    (u->nfolders ? 2 * u->nfolders : 1) * sizeof(void *));
	u->folders[u->nfolders++] = archive_entry_clone(e);
	return 0;
}

static int make_hardlink(
    struct untar *u, struct archive_entry *e, int dir, const char *name)
{
	scoped_free char *path = path_of(u, archive_entry_hardlink(e));
	const char *old;
	scoped_fd int from = -1;
	struct stat st;

	if (!path || !path[0])
		return error_set(u->err, ERR_INVALID, "a link out of it");
	from = tree_open_parent(u->root, path, false, &old, u->err);
	if (from == -1)
		return -1;
	if (fstatat(from, old, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return error_set(
		    u->err, ERR_INVALID, "a link to what is no file");
	if (linkat(from, old, dir, name, 0) == -1)
		return error_sys(u->err, "link it");
	return 0;
}

static int make_symlink(
    struct untar *u, struct archive_entry *e, int dir, const char *name)
{
	const char *target = archive_entry_symlink(e);

	if (!target || symlinkat(target, dir, name) == -1)
		return error_sys(u->err, "make the link");
	return finish(u, e, dir, name);
}

static bool is_device(struct archive_entry *e)
{
	return archive_entry_filetype(e) == AE_IFCHR ||
	       archive_entry_filetype(e) == AE_IFBLK;
}

static int make_at(struct untar *u, struct archive_entry *e, const char *path)
{
	const char *name;
	scoped_fd int dir =
	    tree_open_parent(u->root, path, true, &name, u->err);

	if (dir == -1)
		return -1;
	if (archive_entry_hardlink(e))
		return make_hardlink(u, e, dir, name);
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return make_file(u, e, dir, name);
	case AE_IFDIR:
		return make_folder(u, e, dir, name);
	case AE_IFLNK:
		return make_symlink(u, e, dir, name);
	default:
		return error_set(
		    u->err, ERR_INVALID, "a device, pipe or socket");
	}
}

static int take_entry(struct untar *u, struct archive_entry *e)
{
	const char *raw = archive_entry_pathname(e);
	scoped_free char *path = raw ? path_of(u, raw) : NULL;

	if (!path)
		return error_set(u->err, ERR_INVALID,
		    "\"%.100s\" is no path of an image", raw ? raw : "");
	if (archive_entry_uid(e) < 0 || archive_entry_uid(e) > ID_MOST ||
	    archive_entry_gid(e) < 0 || archive_entry_gid(e) > ID_MOST)
		return error_set(u->err, ERR_INVALID,
		    "%.100s: its owner is none of 0 to %d", path, ID_MOST);
	if (u->files-- == 0)
		return error_set(
		    u->err, ERR_LIMIT, "the image has too many files");
	if (!path[0])
		return 0; /* the top is the overlay's own */
	if (is_device(e) && str_starts(str_z(path), STR("dev/")))
		return 0;
	if (make_at(u, e, path) == -1)
		return error_wrap(u->err, "%.100s", path);
	return 0;
}

/* --- the tar -------------------------------------------------------------- */

static int read_tar(struct untar *u, int fd)
{
	struct archive_entry *e;
	int r;

	if ((u->below &&
	        archive_read_support_filter_gzip(u->tar) != ARCHIVE_OK) ||
	    archive_read_support_format_tar(u->tar) != ARCHIVE_OK ||
	    archive_read_open_fd(u->tar, fd, CHUNK) != ARCHIVE_OK)
		return error_set(u->err, ERR_INVALID, "it is no tar: %.100s",
		    archive_error_string(u->tar));
	/* A warning: names that are no ASCII come as the bytes that they are.
	 */
	while ((r = archive_read_next_header(u->tar, &e)) == ARCHIVE_OK ||
	       r == ARCHIVE_WARN)
		if (take_entry(u, e) == -1)
			return -1;
	if (r != ARCHIVE_EOF)
		return error_set(u->err, ERR_INVALID, "it is no tar: %.100s",
		    archive_error_string(u->tar));
	return finish_folders(u);
}

static int untar_into(int fd, int root, const char *below, uint64_t files,
    uint64_t bytes, struct error *err)
{
	struct untar u = {.tar = archive_read_new(),
	    .root = root,
	    .below = below,
	    .files = files,
	    .bytes = bytes,
	    .err = err};
	int done = read_tar(&u, fd);

	while (u.nfolders > 0)
		archive_entry_free(u.folders[--u.nfolders]);
	free(u.folders);
	archive_read_free(u.tar);
	return done;
}

int untar(int fd, int root, uint64_t files, uint64_t bytes, struct error *err)
{
	return untar_into(fd, root, NULL, files, bytes, err);
}

int untar_below(int fd, int dir, const char *path, uint64_t files,
    uint64_t bytes, struct error *err)
{
	return untar_into(fd, dir, path + 1, files, bytes, err);
}
