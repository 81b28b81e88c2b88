/*
 * fd - descriptors and files: scoped closing, whole writes, publishing.
 *
 * Every descriptor made here is close-on-exec.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Close *fd if it is >= 0, and set it to -1. errno is kept. */
void fd_close(int *fd);
#define scoped_fd __attribute__((cleanup(fd_close)))

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int fd_write_all(int fd, struct str bytes, struct error *err);
int fd_cloexec(int fd, bool on, struct error *err);
int fd_nonblock(int fd, bool on, struct error *err);
int fd_pipe(int ret_fds[2], struct error *err); /* O_CLOEXEC, blocking */

/*
 * Make `part` durable under its final `name` in folder dir: fsync fd, rename,
 * fsync dir. On failure `part` is left for the caller to unlink.
 */
int fd_publish(
    int fd, int dir, const char *part, const char *name, struct error *err);

/*
 * Write bytes as name in dir, whole or not at all, durable, with this very
 * mode. It is NAME.part meanwhile.
 */
int fd_write_file(int dir, const char *name, struct str bytes, mode_t mode,
    struct error *err);
/*
 * Read a regular file of at most b->max bytes into b; ERR_NOT_FOUND when there
 * is none. A link is followed with AT_FDCWD only, not out of a folder.
 */
int fd_read_file(int dir, const char *name, struct buf *b, struct error *err);

/* A sealed memfd with a copy of bytes, at offset 0; -1 with err. */
int fd_sealed(const char *name, struct str bytes, struct error *err);
/*
 * Check that fd is a sealed memfd (write, grow and shrink sealed) of at most
 * b->max bytes, and read it into b.
 */
int fd_sealed_read(int fd, struct buf *b, struct error *err);

/* One level, with this very mode; an existing folder is left as it is. */
int fd_mkdir(int dir, const char *name, mode_t mode, struct error *err);
/*
 * Call fn for each name in dir as it is now; hidden ones do not count. What fn
 * does to the folder changes nothing of that. One that can't be read is empty.
 */
void fd_each_name(
    int dir, void (*fn)(void *arg, int dir, const char *name), void *arg);
/*
 * Remove name below dir with all it holds, however deep; a missing one is
 * fine. Links are removed and not followed, mounts are not entered.
 */
int fd_remove_tree(int dir, const char *name, struct error *err);
