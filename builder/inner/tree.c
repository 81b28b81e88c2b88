#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* --- names ---------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void names_add(struct tree_names *t, const char *name)
{
	if ((t->n & (t->n - 1)) == 0) /* full at each power of two */
		t->v = xrealloc(t->v, (t->n ? 2 * t->n : 1) * sizeof(char *));
	t->v[t->n++] = xstrdup(name);
}

/* Names of d, or -1; what was gathered so far is in ret in both cases. */
static int names_read(DIR *d, struct tree_names *ret, struct error *err)
{
	struct dirent *e;

	while (errno = 0, (e = readdir(d)) != NULL) {
		if (is_dots(e->d_name))
			continue;
		if (ret->n == TREE_NAMES_MAX)
			return error_set(err, ERR_LIMIT,
			    "more than %d entries in a folder", TREE_NAMES_MAX);
		names_add(ret, e->d_name);
	}
	return errno ? error_sys(err, "list a folder") : 0;
}

int tree_names(int dir, struct tree_names *ret, struct error *err)
{
	int own = openat(dir, ".", OPEN_DIR);
	DIR *d = own == -1 ? NULL : fdopendir(own);
	struct tree_names names = {0};
	int done;

	if (!d) {
		error_sys(err, "list a folder");
		fd_close(&own);
		return -1;
	}
	done = names_read(d, &names, err);
	closedir(d);
	if (done == -1) {
		tree_names_release(&names);
		return -1;
	}
	if (names.n)
		qsort(names.v, names.n, sizeof(names.v[0]), by_bytes);
	*ret = names;
	return 0;
}

void tree_names_release(struct tree_names *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
	*t = (struct tree_names){0};
}

/* --- opening -------------------------------------------------------------- */

/* One step down from *dir, which is closed; name is one part of a path. */
static int step(int *dir, const char *name, bool make, struct error *err)
{
	int next;

	if (make && mkdirat(*dir, name, 0755) == -1 && errno != EEXIST)
		return error_sys(err, "make folder %s", name);
	next = openat(*dir, name, OPEN_DIR);
	if (next == -1) {
		error_sys(err, "open folder %s", name);
		if (err && err->sys == ENOENT)
			err->code = ERR_NOT_FOUND;
		return -1;
	}
	fd_close(dir);
	*dir = next;
	return 0;
}

/* Walk the parts of path down from root. */
static int walk_down(int root, struct str path, bool make, struct error *err)
{
	scoped_fd int dir = openat(root, ".", OPEN_DIR);
	struct str part;

	if (dir == -1)
		return error_sys(err, "open the top folder");
	while (str_split(&path, '/', &part)) {
		char name[256];

		if (part.len == 0 || part.len > 255 || str_eqz(part, ".") ||
		    str_eqz(part, ".."))
			return error_set(
			    err, ERR_INVALID, "a path has a bad part");
		memcpy(name, part.p, part.len);
		name[part.len] = '\0';
		if (step(&dir, name, make, err) == -1)
			return -1;
	}
	return take_fd(&dir);
}

int tree_open_parent(int root, const char *path, bool make,
    const char **ret_name, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (!name[0] || is_dots(name) || strlen(path) > TREE_PATH_MAX)
		return error_set(err, ERR_INVALID, "a path has a bad part");
	*ret_name = name;
	return walk_down(root,
	    slash ? str_make(path, (size_t)(slash - path)) : (struct str){0},
	    make, err);
}

int tree_stat(int root, const char *path, struct stat *ret, struct error *err)
{
	struct error why = {0};
	const char *name;
	scoped_fd int dir = tree_open_parent(root, path, false, &name, &why);

	if (dir == -1 &&
	    (why.sys == ENOENT || why.sys == ENOTDIR || why.sys == ELOOP))
		return 0;
	if (dir == -1) {
		*err = why;
		return -1;
	}
	if (fstatat(dir, name, ret, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_sys(err, "look at %s", path);
}

int tree_read(int root, const char *path, struct buf *b, struct error *err)
{
	const char *name;
	scoped_fd int dir = tree_open_parent(root, path, false, &name, err);
	scoped_fd int fd = -1;
	struct stat st;

	if (dir == -1)
		return error_wrap(err, "%s", path);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "no %s", path);
	if (fd == -1 || fstat(fd, &st) == -1)
		return error_sys(err, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID, "%s is no file", path);
	if (buf_read_all(b, fd, err) == -1)
		return error_wrap(err, "%s", path);
	return 0;
}

int tree_write(int root, const char *path, struct str bytes, mode_t mode,
    struct error *err)
{
	const char *name;
	scoped_fd int dir = tree_open_parent(root, path, true, &name, err);
	scoped_fd int fd = -1;

	if (dir == -1)
		return error_wrap(err, "%s", path);
	if (unlinkat(dir, name, 0) == -1 && errno != ENOENT)
		return error_sys(err, "replace %s", path);
	fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd == -1 || fchmod(fd, mode) == -1)
		return error_sys(err, "create %s", path);
	if (fd_write_all(fd, bytes, err) == -1)
		return error_wrap(err, "%s", path);
	return 0;
}

/* --- removing ------------------------------------------------------------- */

static int remove_in(int dir, const char *name, int depth, struct error *err)
{
	scoped_fd int sub = -1;
	scoped_names struct tree_names names = {0};
	struct stat st;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_sys(err, "remove %s", name);
	if (depth == TREE_DEPTH_MAX)
		return error_set(err, ERR_LIMIT, "folders more than %d deep",
		    TREE_DEPTH_MAX);
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    ((st.st_mode & 0700) != 0700 && fchmodat(dir, name, 0700, 0) == -1))
		return error_sys(err, "mode of folder %s", name);
	sub = openat(dir, name, OPEN_DIR);
	if (sub == -1)
		return error_sys(err, "open folder %s", name);
	if (tree_names(sub, &names, err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (remove_in(sub, names.v[i], depth + 1, err) == -1)
			return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == -1)
		return error_sys(err, "remove folder %s", name);
	return 0;
}

int tree_remove(int dir, const char *name, struct error *err)
{
	return remove_in(dir, name, 0, err);
}

/* --- copying -------------------------------------------------------------- */

static int copy_file(int from, int to, const char *name, const struct stat *st,
    struct error *err)
{
	scoped_fd int in =
	    openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	scoped_fd int out = -1;
	char bytes[65536];
	ssize_t n;

	if (in == -1)
		return error_sys(err, "open %s", name);
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out == -1)
		return error_sys(err, "create %s", name);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (fd_write_all(out, str_make(bytes, (size_t)n), err) == -1)
			return error_wrap(err, "copy %s", name);
	if (n == -1)
		return error_sys(err, "read %s", name);
	if (fchmod(out, st->st_mode & 0777) == -1)
		return error_sys(err, "mode of %s", name);
	return 0;
}

static int copy_link(int from, int to, const char *name, struct error *err)
{
	char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n == -1)
		return error_sys(err, "read link %s", name);
	target[n] = '\0';
	if (symlinkat(target, to, name) == -1)
		return error_sys(err, "make link %s", name);
	return 0;
}

static int copy_dir(
    int from, int to, const char *name, int depth, struct error *err);

static int copy_entry(
    int from, int to, const char *name, int depth, struct error *err)
{
	scoped_fd int sub = -1;
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(err, "look at %s", name);
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st, err);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, err);
	if (!S_ISDIR(st.st_mode))
		return 0; /* sockets and pipes are of no use later */
	sub = openat(from, name, OPEN_DIR);
	if (sub == -1)
		return error_sys(err, "open folder %s", name);
	return copy_dir(sub, to, name, depth + 1, err);
}

static int copy_dir(
    int from, int to, const char *name, int depth, struct error *err)
{
	scoped_names struct tree_names names = {0};
	scoped_fd int sub = -1;

	if (depth > TREE_DEPTH_MAX)
		return error_set(err, ERR_LIMIT, "folders more than %d deep",
		    TREE_DEPTH_MAX);
	if (mkdirat(to, name, 0755) == -1)
		return error_sys(err, "make folder %s", name);
	sub = openat(to, name, OPEN_DIR);
	if (sub == -1)
		return error_sys(err, "open folder %s", name);
	if (tree_names(from, &names, err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (copy_entry(from, sub, names.v[i], depth, err) == -1)
			return -1;
	return 0;
}

int tree_copy(int from, int to, const char *name, struct error *err)
{
	return copy_dir(from, to, name, 0, err);
}
