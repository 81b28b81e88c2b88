/*
 * The import: a tar of a base image becomes a layer in /out/layer, owners,
 * modes and times kept.
 *
 * The tar is held for hostile: what leaves the folder, goes through a link,
 * is a device outside of dev/, or passes a limit ends the import. Devices in
 * dev/ are left out, since an instance gets a /dev of its own.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/map.h"
#include "base/mem.h"
#include "jobs.h"
#include "pack.h"
#include "tree.h"

#define LAYER "layer" /* in /out */
#define CHUNK (256 * 1024)
#define ID_MOST 65535 /* the last user id that an instance has */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct import {
	struct archive *tar;
	int root;
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
    struct import *im, struct archive_entry *e, int dir, const char *name)
{
	struct timespec times[2] = {{.tv_sec = archive_entry_mtime(e)},
	    {.tv_sec = archive_entry_mtime(e)}};
	bool link = archive_entry_filetype(e) == AE_IFLNK;

	if (fchownat(dir, name, (uid_t)archive_entry_uid(e),
	        (gid_t)archive_entry_gid(e), AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(im->err, "owner");
	if (!link && fchmodat(dir, name, archive_entry_perm(e), 0) == -1)
		return error_sys(im->err, "mode");
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(im->err, "time");
	return 0;
}

/* Folders last, deepest first: a change in one is a change of its time. */
static int finish_folders(struct import *im)
{
	while (im->nfolders > 0) {
		struct archive_entry *e = im->folders[--im->nfolders];
		scoped_free char *path = clean_path(archive_entry_pathname(e));
		const char *name;
		scoped_fd int dir =
		    tree_open_parent(im->root, path, false, &name, im->err);
		int done = dir == -1 ? -1 : finish(im, e, dir, name);

		archive_entry_free(e);
		if (done == -1)
			return error_wrap(im->err, "%.100s", path);
	}
	return 0;
}

/* --- one entry ------------------------------------------------------------ */

static int content(struct import *im, int fd, int64_t size)
{
	scoped_free char *chunk = xmalloc(CHUNK);

	if (size < 0 || (uint64_t)size > im->bytes)
		return error_set(im->err, ERR_LIMIT, "the image is too large");
	im->bytes -= (uint64_t)size;
	for (int64_t left = size; left > 0;) {
		la_ssize_t n = archive_read_data(im->tar, chunk, CHUNK);

		if (n <= 0 || n > left)
			return error_set(
			    im->err, ERR_INVALID, "its content is cut short");
		if (fd_write_all(fd, str_make(chunk, (size_t)n), im->err) == -1)
			return -1;
		left -= n;
	}
	return 0;
}

static int make_file(
    struct import *im, struct archive_entry *e, int dir, const char *name)
{
	scoped_fd int fd =
	    openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1)
		return error_sys(im->err, "create it");
	if (!archive_entry_size_is_set(e) ||
	    content(im, fd, archive_entry_size(e)) == -1)
		return -1;
	return finish(im, e, dir, name);
}

static int make_folder(
    struct import *im, struct archive_entry *e, int dir, const char *name)
{
	if (mkdirat(dir, name, 0700) == -1 && errno != EEXIST)
		return error_sys(im->err, "make the folder");
	if ((im->nfolders & (im->nfolders - 1)) == 0)
		im->folders = xrealloc(im->folders,
		    (im->nfolders ? 2 * im->nfolders : 1) * sizeof(void *));
	im->folders[im->nfolders++] = archive_entry_clone(e);
	return 0;
}

static int make_hardlink(
    struct import *im, struct archive_entry *e, int dir, const char *name)
{
	scoped_free char *path = clean_path(archive_entry_hardlink(e));
	const char *old;
	scoped_fd int from = -1;
	struct stat st;

	if (!path || !path[0])
		return error_set(im->err, ERR_INVALID, "a link out of it");
	from = tree_open_parent(im->root, path, false, &old, im->err);
	if (from == -1)
		return -1;
	if (fstatat(from, old, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return error_set(
		    im->err, ERR_INVALID, "a link to what is no file");
	if (linkat(from, old, dir, name, 0) == -1)
		return error_sys(im->err, "link it");
	return 0;
}

static int make_symlink(
    struct import *im, struct archive_entry *e, int dir, const char *name)
{
	const char *target = archive_entry_symlink(e);

	if (!target || symlinkat(target, dir, name) == -1)
		return error_sys(im->err, "make the link");
	return finish(im, e, dir, name);
}

static bool is_device(struct archive_entry *e)
{
	return archive_entry_filetype(e) == AE_IFCHR ||
	       archive_entry_filetype(e) == AE_IFBLK;
}

static int make_at(struct import *im, struct archive_entry *e, const char *path)
{
	const char *name;
	scoped_fd int dir =
	    tree_open_parent(im->root, path, true, &name, im->err);

	if (dir == -1)
		return -1;
	if (archive_entry_hardlink(e))
		return make_hardlink(im, e, dir, name);
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return make_file(im, e, dir, name);
	case AE_IFDIR:
		return make_folder(im, e, dir, name);
	case AE_IFLNK:
		return make_symlink(im, e, dir, name);
	default:
		return error_set(
		    im->err, ERR_INVALID, "a device, pipe or socket");
	}
}

static int take_entry(struct import *im, struct archive_entry *e)
{
	const char *raw = archive_entry_pathname(e);
	scoped_free char *path = raw ? clean_path(raw) : NULL;

	if (!path)
		return error_set(im->err, ERR_INVALID,
		    "\"%.100s\" is no path of an image", raw ? raw : "");
	if (archive_entry_uid(e) < 0 || archive_entry_uid(e) > ID_MOST ||
	    archive_entry_gid(e) < 0 || archive_entry_gid(e) > ID_MOST)
		return error_set(im->err, ERR_INVALID,
		    "%.100s: its owner is none of 0 to %d", path, ID_MOST);
	if (im->files-- == 0)
		return error_set(
		    im->err, ERR_LIMIT, "the image has too many files");
	if (!path[0])
		return 0; /* the top is the overlay's own */
	if (is_device(e) && str_starts(str_z(path), STR("dev/")))
		return 0;
	if (make_at(im, e, path) == -1)
		return error_wrap(im->err, "%.100s", path);
	return 0;
}

/* --- the tar -------------------------------------------------------------- */

static int read_tar(struct import *im)
{
	struct archive_entry *e;
	int r;

	if (archive_read_support_format_tar(im->tar) != ARCHIVE_OK ||
	    archive_read_open_fd(im->tar, STDIN_FILENO, CHUNK) != ARCHIVE_OK)
		return error_set(im->err, ERR_INVALID, "it is no tar: %.100s",
		    archive_error_string(im->tar));
	/* A warning: names that are no ASCII come as the bytes that they are.
	 */
	while ((r = archive_read_next_header(im->tar, &e)) == ARCHIVE_OK ||
	       r == ARCHIVE_WARN)
		if (take_entry(im, e) == -1)
			return -1;
	if (r != ARCHIVE_EOF)
		return error_set(im->err, ERR_INVALID, "it is no tar: %.100s",
		    archive_error_string(im->tar));
	return finish_folders(im);
}

static int import_all(
    struct import *im, const struct options *o, struct report *r)
{
	struct pack pack = {.out = -1,
	    .keep = PACK_KEEP_IDS | PACK_KEEP_TIMES,
	    .files = o->files,
	    .bytes = o->bytes};
	scoped_fd int out = open("/out", OPEN_DIR);
	char digest[DIGEST_HEX];

	if (out == -1)
		return error_sys(im->err, "open /out");
	if (fd_mkdir(out, LAYER, 0755, im->err) == -1)
		return -1;
	im->root = openat(out, LAYER, OPEN_DIR);
	if (im->root == -1)
		return error_sys(im->err, "open /out/%s", LAYER);
	if (read_tar(im) == -1)
		return -1;
	report_stage(r, "unpack", false);
	pack.root = im->root;
	if (pack_tree(&pack, "", digest, im->err) == -1)
		return -1;
	report_stage(r, "hash", false);
	report_set(r, "puts",
	    json_pack("[{s:s, s:s}]", "digest", digest, "name", LAYER));
	return 0;
}

int job_import(const struct options *o, struct report *r)
{
	struct error err = {0};
	struct import im = {.tar = archive_read_new(),
	    .root = -1,
	    .files = o->files,
	    .bytes = o->bytes,
	    .err = &err};
	int done = import_all(&im, o, r);

	if (done == -1)
		report_error(r,
		    err.code == ERR_LIMIT ? WRONG_LIMIT : WRONG_INTERNAL,
		    err.msg);
	while (im.nfolders > 0)
		archive_entry_free(im.folders[--im.nfolders]);
	free(im.folders);
	archive_read_free(im.tar);
	fd_close(&im.root);
	return done;
}
