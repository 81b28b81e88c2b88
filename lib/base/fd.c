#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_write_all(int fd, struct str bytes, struct error *err)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.p, bytes.len);

		if (n == -1 && errno != EINTR)
			return error_sys(err, "write");
		if (n > 0)
			bytes = str_sub(bytes, (size_t)n, bytes.len);
	}
	return 0;
}

int fd_cloexec(int fd, bool on, struct error *err)
{
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) == -1)
		return error_sys(err, "close-on-exec of descriptor %d", fd);
	return 0;
}

int fd_nonblock(int fd, bool on, struct error *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1)
		return error_sys(err, "flags of descriptor %d", fd);
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	if (fcntl(fd, F_SETFL, flags) == -1)
		return error_sys(err, "non-blocking mode of descriptor %d", fd);
	return 0;
}

int fd_pipe(int ret_fds[2], struct error *err)
{
	return pipe2(ret_fds, O_CLOEXEC) == -1 ? error_sys(err, "make a pipe")
	                                       : 0;
}

/* Also where dir is AT_FDCWD or an O_PATH descriptor. */
static int sync_dir(int dir, struct error *err)
{
	scoped_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || fsync(fd) == -1)
		return error_sys(err, "fsync the folder");
	return 0;
}

int fd_publish(
    int fd, int dir, const char *part, const char *name, struct error *err)
{
	if (fsync(fd) == -1)
		return error_sys(err, "fsync %s", part);
	if (renameat(dir, part, dir, name) == -1)
		return error_sys(err, "rename %s to %s", part, name);
	return sync_dir(dir, err);
}

int fd_write_file(
    int dir, const char *name, struct str bytes, mode_t mode, struct error *err)
{
	scoped_fd int fd = -1;
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s.part", name) >= (int)sizeof(part))
		return error_set(
		    err, ERR_LIMIT, "write %s: name too long", name);
	fd = openat(dir, part,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return error_sys(err, "create %s", part);
	if (fchmod(fd, mode) == -1) {
		error_sys(err, "chmod %s", part);
		goto undo;
	}
	if (fd_write_all(fd, bytes, err) == -1 ||
	    fd_publish(fd, dir, part, name, err) == -1) {
		error_wrap(err, "write %s", name);
		goto undo;
	}
	return 0;
undo:
	(void)unlinkat(dir, part, 0); /* err tells the first failure */
	return -1;
}

int fd_read_file(int dir, const char *name, struct buf *b, struct error *err)
{
	int follow = dir == AT_FDCWD ? 0 : O_NOFOLLOW;
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	scoped_fd int fd =
	    openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);
	struct stat st;

	if (fd == -1) {
		error_sys(err, "open %s", name);
		if (err && err->sys == ENOENT)
			err->code = ERR_NOT_FOUND;
		return -1;
	}
	if (fstat(fd, &st) == -1)
		return error_sys(err, "stat %s", name);
	if (!S_ISREG(st.st_mode))
		return error_set(
		    err, ERR_INVALID, "%s is not a regular file", name);
	if (buf_read_all(b, fd, err) == -1)
		return error_wrap(err, "%s", name);
	return 0;
}

int fd_sealed(const char *name, struct str bytes, struct error *err)
{
	scoped_fd int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return error_sys(err, "make memory file %s", name);
	if (fd_write_all(fd, bytes, err) == -1)
		return error_wrap(err, "memory file %s", name);
	if (lseek(fd, 0, SEEK_SET) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == -1)
		return error_sys(err, "seal memory file %s", name);
	return take_fd(&fd);
}

/* pread: the offset is shared with everybody who holds the file. */
int fd_sealed_read(int fd, struct buf *b, struct error *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	off_t at = 0;

	if (seals == -1 || (seals & SEALS) != SEALS)
		return error_set(err, ERR_INVALID, "not a sealed memory file");
	if (fstat(fd, &st) == -1)
		return error_sys(err, "stat a memory file");
	if ((uint64_t)st.st_size > b->max - b->len)
		return error_set(err, ERR_LIMIT,
		    "a memory file of %lld bytes, at most %zu are allowed",
		    (long long)st.st_size, b->max);
	while (at < st.st_size) {
		size_t n = (size_t)(st.st_size - at);
		char *to = buf_reserve(b, n);
		ssize_t got = to ? pread(fd, to, n, at) : 0;

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_sys(err, "read a memory file");
		b->len += (size_t)got;
		at += got;
	}
	return 0;
}

int fd_mkdir(int dir, const char *name, mode_t mode, struct error *err)
{
	struct stat st;

	if (mkdirat(dir, name, mode & 0777) == 0) {
		if (fchmodat(dir, name, mode, 0) == -1)
			return error_sys(err, "chmod %s", name);
		return 0;
	}
	if (errno != EEXIST)
		return error_sys(err, "make folder %s", name);
	if (fstatat(dir, name, &st, 0) == -1)
		return error_sys(err, "stat %s", name);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ERR_EXISTS, "%s is not a folder", name);
	return 0;
}

/*
 * Removing a tree that a stranger made. It may be deeper than there are
 * descriptors or stack, so what lies below DEPTH_MAX is moved up to the top
 * and removed in a later round. Mounts are not entered.
 */
#define DEPTH_MAX 64
#define NO_XDEV 0x01     /* RESOLVE_NO_XDEV of linux/openat2.h, */
#define NO_SYMLINKS 0x04 /* which musl does not bring along */

struct removal {
	int top;
	uint64_t moved; /* folders that were moved up so far */
};

static int open_dir_here(int dir, const char *name)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	    .resolve = NO_XDEV | NO_SYMLINKS};

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static int empty_dir(
    struct removal *r, int fd, int depth, bool *ret_any, struct error *err);

static int remove_entry(
    struct removal *r, int dir, const char *name, int depth, struct error *err)
{
	scoped_fd int fd = -1;
	char aside[40];
	bool any = true;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_sys(err, "remove %s", name);
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_sys(err, "remove folder %s", name);
	if (depth == DEPTH_MAX) {
		(void)snprintf(aside, sizeof(aside), ".removed-%llu",
		    (unsigned long long)r->moved++);
		if (renameat(dir, name, r->top, aside) == -1)
			return error_sys(err, "move folder %s", name);
		return 0;
	}
	fd = open_dir_here(dir, name);
	if (fd == -1)
		return error_sys(err, "open folder %s", name);
	while (any)
		if (empty_dir(r, fd, depth + 1, &any, err) == -1)
			return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == -1 && errno != ENOENT)
		return error_sys(err, "remove folder %s", name);
	return 0;
}

/* One pass over a folder; *ret_any tells whether there was something. */
static int empty_dir(
    struct removal *r, int fd, int depth, bool *ret_any, struct error *err)
{
	__attribute__((cleanup(close_dir))) DIR *d = NULL;
	scoped_fd int own = open_dir_here(fd, ".");
	struct dirent *e;

	*ret_any = false;
	if (own == -1 || !(d = fdopendir(own)))
		return error_sys(err, "list a folder");
	(void)take_fd(&own); /* d closes it */
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		*ret_any = true;
		if (remove_entry(r, fd, e->d_name, depth, err) == -1)
			return -1;
	}
	return 0;
}

#define NAMES_MAX (16u << 20) /* bytes of all names in a folder */

void fd_each_name(
    int dir, void (*fn)(void *arg, int dir, const char *name), void *arg)
{
	scoped_buf struct buf names = BUF_INIT(NAMES_MAX);
	int own = open_dir_here(dir, ".");
	DIR *d = own == -1 ? NULL : fdopendir(own);
	struct dirent *e;

	if (!d) {
		fd_close(&own);
		return;
	}
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			buf_add(
			    &names, str_make(e->d_name, strlen(e->d_name) + 1));
	closedir(d);
	for (size_t at = 0; at < names.len; at += strlen(names.p + at) + 1)
		fn(arg, dir, names.p + at);
}

int fd_remove_tree(int dir, const char *name, struct error *err)
{
	struct removal r = {.top = -1};
	bool any = true;
	int result = 0;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_sys(err, "remove %s", name);
	r.top =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r.top == -1)
		return error_sys(err, "open folder %s", name);
	while (any && result == 0)
		result = empty_dir(&r, r.top, 0, &any, err);
	fd_close(&r.top);
	if (result == -1)
		return error_wrap(err, "remove %s", name);
	if (unlinkat(dir, name, AT_REMOVEDIR) == -1)
		return error_sys(err, "remove folder %s", name);
	return 0;
}
