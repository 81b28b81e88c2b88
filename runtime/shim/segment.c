#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#define FILE_ROOM 192 /* NAME-INSTANCE-INDEX.log */
#define LISTING_ROOM 2048
#define OPEN_TRIES 8

/* What getdents64 writes; readdir would allocate. */
struct entry {
	uint64_t inode, offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

static void file_name(
    const struct segment *g, uint32_t index, char out[FILE_ROOM])
{
	(void)snprintf(out, FILE_ROOM, "%s-%016" PRIx64 "-%08" PRIx32 ".log",
	    g->name, g->instance, index);
}

/* --- what an earlier writer left ----------------------------------------- */

static void see_entry(struct segment *g, const char *file, bool *found)
{
	uint64_t instance;
	uint32_t index;
	struct str name;

	if (!logrec_file(str_z(file), &name, &instance, &index) ||
	    instance != g->instance || !str_eqz(name, g->name))
		return;
	if (!*found || index > g->index)
		g->index = index;
	*found = true;
}

static int find_last(struct segment *g, bool *ret_found, struct error *err)
{
	_Alignas(struct entry) char listing[LISTING_ROOM];
	scoped_fd int fd =
	    openat(g->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;

	if (fd == -1)
		return error_sys(err, "open the log folder");
	while (
	    (n = syscall(SYS_getdents64, fd, listing, sizeof(listing))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (void *)(listing + at);

			see_entry(g, e->name, ret_found);
			at += e->size;
		}
	}
	return n == -1 ? error_sys(err, "list the log folder") : 0;
}

/* The number of the last record before the end, or before a torn one. */
static void find_seq(struct segment *g)
{
	char file[FILE_ROOM], bytes[LOGREC_HEAD + LOGREC_TEXT_MAX];
	scoped_fd int fd = -1;
	struct logrec rec;
	ssize_t got, len, used = 1;
	off_t at = 0;

	file_name(g, g->index, file);
	fd = openat(g->dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	for (; fd != -1 && used > 0; at += used) {
		got = pread(fd, bytes, sizeof(bytes), at);
		for (used = 0; used < got; used += len) {
			len = logrec_parse(
			    str_make(bytes + used, (size_t)(got - used)), &rec,
			    NULL);
			if (len <= 0)
				break;
			g->seq = rec.seq;
		}
	}
}

int segment_resume(struct segment *g, struct error *err)
{
	bool found = false;

	g->fd = -1;
	g->index = 0;
	if (find_last(g, &found, err) == -1)
		return -1;
	if (found) {
		find_seq(g);
		g->index++;
	}
	return 0;
}

/* --- writing ------------------------------------------------------------- */

static uint64_t record_size(const struct segment *g, int i)
{
	return g->parts[2 * i].iov_len + g->parts[2 * i + 1].iov_len;
}

/* Open the next file, and remove the one that is now too old. */
static int open_next(struct segment *g)
{
	char file[FILE_ROOM];

	/* What has that name already is not ours: leave it alone. */
	for (int tries = 0; tries < OPEN_TRIES; tries++, g->index++) {
		file_name(g, g->index, file);
		g->fd = openat(g->dir, file,
		    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
		if (g->fd != -1 || errno != EEXIST)
			break;
	}
	g->at = 0;
	if (g->fd == -1)
		return -1;
	if (g->index >= g->pieces) {
		file_name(g, g->index - (uint32_t)g->pieces, file);
		(void)unlinkat(g->dir, file, 0); /* it may be gone */
	}
	return 0;
}

static void leave_file(struct segment *g)
{
	if (g->fd != -1)
		g->index++;
	fd_close(&g->fd);
}

/* How many of the queued records lie whole in the first n bytes. */
static int whole_records(const struct segment *g, uint64_t n, uint64_t *ret)
{
	uint64_t bytes = 0;
	int whole = 0;

	while (whole < g->queued && bytes + record_size(g, whole) <= n)
		bytes += record_size(g, whole++);
	*ret = bytes;
	return whole;
}

void segment_flush(struct segment *g)
{
	uint64_t kept = 0;
	ssize_t n = -1;
	int whole = 0;

	if (g->queued == 0)
		return;
	if (g->fd != -1 || open_next(g) == 0)
		n = writev(g->fd, g->parts, 2 * g->queued);
	if (n > 0)
		whole = whole_records(g, (uint64_t)n, &kept);
	if (whole < g->queued) {
		g->lost_sys = n == -1 ? errno : ENOSPC;
		g->lost += (uint64_t)(g->queued - whole);
	}
	g->at += kept;
	if (n > (ssize_t)kept && ftruncate(g->fd, (off_t)g->at) == -1)
		leave_file(g); /* its end is torn: readers stop there */
	g->queued = 0;
	g->queued_bytes = 0;
}

void segment_add(struct segment *g, struct logrec *rec)
{
	uint64_t size = LOGREC_HEAD + rec->text.len;
	struct iovec *parts;

	if (g->queued == SEGMENT_BATCH ||
	    g->at + g->queued_bytes + size > g->bytes_max)
		segment_flush(g);
	if (g->fd != -1 && g->at + size > g->bytes_max)
		leave_file(g);
	rec->seq = ++g->seq;
	logrec_head(rec, g->heads[g->queued]);
	parts = g->parts + 2 * g->queued++;
	parts[0] = (struct iovec){g->heads[g->queued - 1], LOGREC_HEAD};
	parts[1] = (struct iovec){(void *)rec->text.p, rec->text.len};
	g->queued_bytes += size;
}

void segment_close(struct segment *g)
{
	segment_flush(g);
	if (g->fd != -1)
		(void)fsync(g->fd); /* what is lost then, is lost */
	fd_close(&g->fd);
}
