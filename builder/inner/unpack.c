#include "unpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "tree.h"
#include "wire/source.h"

#define INPUT_MAX (256 * 1024) /* more than the longest head or link */

struct unpacking {
	int fd, dir;
	struct buf in;
	size_t at; /* what stands before this in `in` is taken */
	struct unpack_limits left;
};

static struct str pending(const struct unpacking *u)
{
	return str_sub(buf_str(&u->in), u->at, u->in.len);
}

/* Read more; the end of the stream is an error wherever it comes. */
static int more(struct unpacking *u, struct error *err)
{
	ssize_t n;

	buf_consume(&u->in, u->at);
	u->at = 0;
	n = buf_read(&u->in, u->fd, err);
	if (n == 0)
		return error_set(
		    err, ERR_UNAVAILABLE, "the source ended too early");
	return n < 0 ? error_wrap(err, "read the source") : 0;
}

/* Take size bytes of content and write them to fd. */
static int content(
    struct unpacking *u, uint64_t size, int fd, struct error *err)
{
	while (size > 0) {
		struct str got = str_sub(pending(u), 0, size);

		if (got.len == 0) {
			if (more(u, err) == -1)
				return -1;
			continue;
		}
		if (fd_write_all(fd, got, err) == -1)
			return -1;
		size -= got.len;
		u->at += got.len;
	}
	return 0;
}

static int make_file(struct unpacking *u, const struct source_entry *e,
    int parent, const char *name, struct error *err)
{
	scoped_fd int fd = openat(parent, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    e->type == 'x' ? 0755 : 0644);

	if (fd == -1)
		return error_sys(err, "create it");
	if (e->size > u->left.bytes)
		return error_set(
		    err, ERR_LIMIT, "the source has too many bytes");
	u->left.bytes -= e->size;
	return content(u, e->size, fd, err);
}

static int make_link(struct unpacking *u, const struct source_entry *e,
    int parent, const char *name, struct error *err)
{
	char target[SOURCE_LINK_MAX + 1];

	if (e->size == 0 || e->size > SOURCE_LINK_MAX)
		return error_set(err, ERR_INVALID, "a link of %llu bytes",
		    (unsigned long long)e->size);
	while (pending(u).len < e->size)
		if (more(u, err) == -1)
			return -1;
	memcpy(target, pending(u).p, e->size);
	target[e->size] = '\0';
	u->at += e->size;
	if (strlen(target) != e->size)
		return error_set(err, ERR_INVALID, "a link with a NUL");
	if (symlinkat(target, parent, name) == -1)
		return error_sys(err, "make the link");
	return 0;
}

static int make_entry(struct unpacking *u, const struct source_entry *e,
    const char *path, struct error *err)
{
	const char *name;
	scoped_fd int parent =
	    tree_open_parent(u->dir, path, false, &name, err);

	if (parent == -1)
		return -1;
	if (u->left.files-- == 0)
		return error_set(
		    err, ERR_LIMIT, "the source has too many files");
	switch (e->type) {
	case 'f':
	case 'x':
		return make_file(u, e, parent, name, err);
	case 'l':
		return make_link(u, e, parent, name, err);
	default: /* a folder, or a submodule: an empty one */
		if (mkdirat(parent, name, 0755) == -1)
			return error_sys(err, "make the folder");
		return 0;
	}
}

/* Take one entry. Returns 1, 0 behind the last one, -1. */
static int next(struct unpacking *u, struct error *err)
{
	scoped_free char *path = NULL;
	struct source_entry e;
	ssize_t n;

	while ((n = source_parse(pending(u), &e, err)) == 0)
		if (more(u, err) == -1)
			return -1;
	if (n < 0)
		return -1;
	if (e.type == 'e')
		return 0;
	path = str_dup(e.path); /* e borrows what is consumed now */
	u->at += (size_t)n;
	if (make_entry(u, &e, path, err) == -1)
		return error_wrap(err, "source file %.100s", path);
	return 1;
}

int unpack(
    int fd, int dir, const struct unpack_limits *limits, struct error *err)
{
	struct unpacking u = {
	    .fd = fd,
	    .dir = dir,
	    .in = BUF_INIT(INPUT_MAX),
	    .left = *limits,
	};
	int got;

	while ((got = next(&u, err)) == 1)
		;
	buf_release(&u.in);
	return got;
}
