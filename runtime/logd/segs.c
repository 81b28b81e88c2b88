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

static int oldest_first(const void *pa, const void *pb)
{
	const struct seg *a = pa, *b = pb;

	if (a->mtime_us != b->mtime_us)
		return a->mtime_us < b->mtime_us ? -1 : 1;
	return seg_order(pa, pb);
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

int segs_trim(int dir, uint64_t max_bytes, size_t max_files,
    bool (*ended)(const struct seg *s, void *arg), void *arg, struct error *err)
{
	scoped_segs struct segs list = {0};
	uint64_t bytes = 0;
	size_t files = 0;
	int gone = 0;

	if (segs_list(dir, &list, err) == -1)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		if (!ended(&list.v[i], arg))
			continue;
		bytes += list.v[i].bytes;
		list.v[files++] = list.v[i];
	}
	if (files)
		qsort(list.v, files, sizeof(*list.v), oldest_first);
	for (size_t i = 0; bytes > max_bytes || files - i > max_files; i++) {
		char file[SEG_FILE_MAX];

		seg_file(&list.v[i], file);
		if (unlinkat(dir, file, 0) == -1 && errno != ENOENT)
			return error_sys(err, "remove %s", file);
		bytes -= list.v[i].bytes;
		gone++;
	}
	return gone;
}
