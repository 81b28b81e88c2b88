#include "segs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "wire/logrec.h"

#define SCAN_WINDOW (64u * 1024)

bool seg_parse(struct str file, struct seg *ret)
{
	struct str name;

	*ret = (struct seg){0};
	if (!logrec_file(file, &name, &ret->instance, &ret->index) ||
	    name.len > SEG_NAME_MAX)
		return false;
	memcpy(ret->name, name.p, name.len);
	return true;
}

void seg_file(const struct seg *s, char out[SEG_FILE_MAX])
{
	snprintf(out, SEG_FILE_MAX, "%s-%016" PRIx64 "-%08" PRIx32 ".log",
	    s->name, s->instance, s->index);
}

bool seg_own(const struct seg *s)
{
	return s->instance == 0 && str_starts(str_z(s->name), STR(OWN_PREFIX));
}

bool seg_same_stream(const struct seg *a, const struct seg *b)
{
	return a->instance == b->instance && strcmp(a->name, b->name) == 0;
}

static int seg_order(const void *pa, const void *pb)
{
	const struct seg *a = pa, *b = pb;
	int by_name = strcmp(a->name, b->name);

	if (by_name)
		return by_name;
	if (a->instance != b->instance)
		return a->instance < b->instance ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void segs_add(struct segs *s, int dir, const char *file)
{
	struct stat st;
	struct seg seg;

	if (s->n == SEGS_MAX || !seg_parse(str_z(file), &seg) ||
	    fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return;
	seg.bytes = (uint64_t)st.st_size;
	seg.mtime_us = (uint64_t)st.st_mtim.tv_sec * 1000000 +
	               (uint64_t)st.st_mtim.tv_nsec / 1000;
	if ((s->n & (s->n + 1)) == 0) /* 0, 1, 3, 7 ...: double the room */
		s->v = xrealloc(s->v, 2 * (s->n + 1) * sizeof(*s->v));
	s->v[s->n++] = seg;
}

int segs_list(int dir, struct segs *ret, struct error *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct segs list = {0};
	struct dirent *e;
	DIR *d;

	if (fd == -1)
		return error_sys(err, "open a log folder");
	d = fdopendir(fd);
	if (!d) {
		fd_close(&fd);
		return error_sys(err, "read a log folder");
	}
	while ((e = readdir(d)))
		segs_add(&list, dir, e->d_name);
	closedir(d);
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), seg_order);
	*ret = list;
	return 0;
}

void segs_release(struct segs *s)
{
	free(s->v);
	*s = (struct segs){0};
}

void seg_key(const struct seg *s, char out[SEG_KEY_MAX + 1])
{
	if (seg_own(s))
		snprintf(out, SEG_KEY_MAX + 1, "%.*s", SEG_KEY_MAX,
		    s->name + sizeof(OWN_PREFIX) - 1);
	else
		snprintf(out, SEG_KEY_MAX + 1, "%016" PRIx64, s->instance);
}

int seg_open(int dir, const struct seg *s)
{
	char file[SEG_FILE_MAX];
	struct stat st;
	int fd;

	seg_file(s, file);
	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)))
		fd_close(&fd);
	return fd;
}

uint64_t seg_last(int dir, const struct seg *s)
{
	scoped_fd int fd = seg_open(dir, s);
	scoped_free char *win = xmalloc(SCAN_WINDOW);
	uint64_t at = 0, seq = 0;
	struct logrec rec;
	ssize_t got, n;

	while (fd != -1 && (got = pread(fd, win, SCAN_WINDOW, (off_t)at)) > 0) {
		size_t used = 0;

		while (
		    (n = logrec_parse(str_make(win + used, (size_t)got - used),
		         &rec, NULL)) > 0) {
			seq = rec.seq;
			used += (size_t)n;
		}
		if (!used)
			break;
		at += used;
	}
	return seq;
}

int seg_remove(int dir, const struct seg *s, struct error *err)
{
	char file[SEG_FILE_MAX];

	seg_file(s, file);
	if (unlinkat(dir, file, 0) == -1 && errno != ENOENT)
		return error_sys(err, "remove %s", file);
	return 0;
}
