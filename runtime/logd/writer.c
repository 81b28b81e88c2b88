#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "segs.h"
#include "wire/logrec.h"

void writer_init(
    struct writer *w, const char *name, const struct writer_limits *limits)
{
	*w = (struct writer){.name = name,
	    .limits = limits,
	    .fd = -1,
	    .wait_dir = -1,
	    .tokens = limits->burst};
}

void writer_wait_in(struct writer *w, int dir, uint64_t app)
{
	w->wait_dir = dir;
	w->app = app;
}

void writer_release(struct writer *w)
{
	fd_close(&w->fd);
}

void writer_rest(struct writer *w)
{
	if (!w->memory)
		fd_close(&w->fd);
}

static struct seg writer_seg(const struct writer *w, uint32_t index)
{
	struct seg s = {.index = index};

	snprintf(s.name, sizeof(s.name), "%s", w->name);
	return s;
}

static int open_segment(
    const struct writer *w, int dir, int flags, struct error *err)
{
	struct seg s = writer_seg(w, w->index);
	char file[SEG_FILE_MAX];
	int fd;

	seg_file(&s, file);
	fd = openat(dir, file,
	    O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | flags, 0640);
	return fd == -1 ? error_sys(err, "open %s", file) : fd;
}

/* The bytes of whole records in fd; sets *ret_seq to the last one's. */
static uint64_t whole_bytes(int fd, uint64_t *ret_seq)
{
	scoped_free char *win = xmalloc(LOGREC_HEAD + LOGREC_TEXT_MAX);
	uint64_t at = 0;

	for (;;) {
		struct error err = {0};
		struct logrec rec;
		ssize_t got =
		    pread(fd, win, LOGREC_HEAD + LOGREC_TEXT_MAX, (off_t)at);
		size_t used = 0;
		ssize_t n;

		while (got > 0 && used < (size_t)got) {
			n = logrec_parse(
			    str_make(win + used, (size_t)got - used), &rec,
			    &err);
			if (n <= 0)
				break;
			*ret_seq = rec.seq;
			used += (size_t)n;
		}
		if (!used)
			return at;
		at += used;
	}
}

/* The index of this stream's last segment on disk, -1 for none. */
static int64_t last_index(const struct writer *w, const struct segs *list)
{
	int64_t last = -1;

	for (size_t i = 0; i < list->n; i++)
		if (seg_own(&list->v[i]) &&
		    strcmp(list->v[i].name, w->name) == 0)
			last = list->v[i].index;
	return last;
}

/* Find where an earlier logd stopped, and cut off a torn record. */
static int resume(struct writer *w, int dir, struct error *err)
{
	scoped_segs struct segs list = {0};
	scoped_fd int fd = -1;
	int64_t last;

	if (segs_list(dir, &list, err) == -1)
		return -1;
	last = last_index(w, &list);
	w->index = last == -1 ? 0 : (uint32_t)last;
	fd = open_segment(w, dir, 0, err);
	if (fd == -1)
		return -1;
	w->bytes = whole_bytes(fd, &w->seq);
	if (ftruncate(fd, (off_t)w->bytes) == -1)
		return error_sys(err, "cut the torn end of %s", w->name);
	w->fd = take_fd(&fd);
	w->known = true;
	return 0;
}

static void wait_name(const struct writer *w, char out[SEG_FILE_MAX])
{
	snprintf(out, SEG_FILE_MAX, "wait-%" PRIu64 "-%s", w->app, w->name);
}

/* Open what waits; without create only if there is some: 1, 0 for none. */
static int open_waiting(struct writer *w, int create, struct error *err)
{
	char file[SEG_FILE_MAX];

	if (w->wait_dir == -1)
		return create ? error_set(err, ERR_NOT_FOUND, "no log folder")
		              : 0;
	wait_name(w, file);
	w->fd = openat(w->wait_dir, file,
	    O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | create, 0600);
	if (w->fd == -1)
		return !create && errno == ENOENT
		           ? 0
		           : error_sys(err, "open %s", file);
	w->bytes = whole_bytes(w->fd, &w->seq);
	if (ftruncate(w->fd, (off_t)w->bytes) == -1)
		return error_sys(err, "cut the torn end of %s", file);
	w->memory = w->known = true;
	return 1;
}

int writer_wake(struct writer *w, struct error *err)
{
	if (w->known)
		return 0;
	return open_waiting(w, 0, err) == -1 ? -1 : 0;
}

static int ensure_open(struct writer *w, int dir, struct error *err)
{
	if (writer_wake(w, err) == -1)
		return -1;
	if (w->memory && dir != -1 && writer_spill(w, dir, err) == -1)
		return -1;
	if (w->fd != -1)
		return 0;
	if (dir == -1)
		return open_waiting(w, O_CREAT, err) == -1 ? -1 : 0;
	if (!w->known)
		return resume(w, dir, err);
	w->fd = open_segment(w, dir, 0, err);
	return w->fd == -1 ? -1 : 0;
}

/* Start the next segment, and remove the one that falls off the end. */
static int rotate(struct writer *w, int dir, struct error *err)
{
	int fd;

	w->index++;
	fd = open_segment(w, dir, O_TRUNC, err);
	if (fd == -1) {
		w->index--;
		return -1;
	}
	fd_close(&w->fd);
	w->fd = fd;
	w->bytes = 0;
	if (w->index >= w->limits->segments) {
		struct seg old =
		    writer_seg(w, w->index - (uint32_t)w->limits->segments);
		char file[SEG_FILE_MAX];

		seg_file(&old, file);
		(void)unlinkat(dir, file, 0); /* may be gone already */
	}
	return 0;
}

/* What is on disk is not what we know: look again before the next line. */
static void writer_forget(struct writer *w)
{
	writer_rest(w);
	w->known = w->memory;
}

/* Append one record; a write that fails half-way is taken back. */
static int add_record(struct writer *w, int dir, uint64_t now_us,
    struct origin o, struct str text, struct error *err)
{
	scoped_buf struct buf out = BUF_INIT(LOGREC_HEAD + LOGREC_TEXT_MAX);
	unsigned char head[LOGREC_HEAD];
	struct logrec rec;

	buf_add(&out, str_make(head, sizeof(head))); /* room for it */
	origin_put(&out, o);
	buf_add(&out, text);
	if (out.bad)
		return error_set(err, ERR_LIMIT, "a log line is too long");
	rec = (struct logrec){.time_us = now_us,
	    .seq = w->seq + 1,
	    .stream = 1,
	    .text = str_sub(buf_str(&out), LOGREC_HEAD, out.len)};
	logrec_head(&rec, head);
	memcpy(out.p, head, sizeof(head));
	if (w->memory && w->bytes + out.len > WRITER_MEMORY_MAX)
		return error_set(err, ERR_LIMIT, "no folder for log lines yet");
	if (!w->memory && w->bytes + out.len > w->limits->segment_bytes &&
	    rotate(w, dir, err) == -1)
		return -1;
	if (fd_write_all(w->fd, buf_str(&out), err) == -1) {
		if (ftruncate(w->fd, (off_t)w->bytes) == -1)
			writer_forget(w);
		return error_wrap(err, "write a log line");
	}
	w->bytes += out.len;
	w->seq++;
	return 0;
}

static void refill(struct writer *w, uint64_t mono_ms)
{
	uint64_t add = (mono_ms - w->filled_ms) * w->limits->rate / 1000;

	if (w->filled_ms && !add)
		return; /* keep the fraction of a token that has come */
	w->filled_ms = mono_ms;
	w->tokens += add;
	if (w->tokens > w->limits->burst)
		w->tokens = w->limits->burst;
}

/* Say how many lines were dropped, once a line may be written again. */
static int tell_dropped(
    struct writer *w, int dir, uint64_t now_us, struct error *err)
{
	char text[120], since[21];

	if (!w->dropped)
		return 0;
	clock_rfc3339((int64_t)(w->dropped_us / 1000000), since);
	snprintf(text, sizeof(text),
	    "Error L10 (output buffer overflow): %" PRIu64
	    " messages dropped since %s",
	    w->dropped, since);
	if (add_record(w, dir, now_us,
	        (struct origin){STR("heroku"), STR("logplex")}, str_z(text),
	        err) == -1)
		return -1;
	w->dropped = 0;
	return 0;
}

/* Write one piece of a line; what can't be written is counted. */
static int add_piece(struct writer *w, int dir, uint64_t now_us,
    struct origin o, struct str text, struct error *err)
{
	int rc = 0;

	if (w->tokens && tell_dropped(w, dir, now_us, err) == 0 &&
	    add_record(w, dir, now_us, o, text, err) == 0) {
		w->tokens--;
		return 0;
	}
	if (w->tokens)
		rc = -1;
	if (!w->dropped++)
		w->dropped_us = now_us;
	return rc;
}

int writer_add(struct writer *w, int dir, uint64_t now_us, uint64_t mono_ms,
    struct origin o, struct str text, struct error *err)
{
	struct str line;

	if (ensure_open(w, dir, err) == -1)
		return -1;
	refill(w, mono_ms);
	while (str_split(&text, '\n', &line)) {
		if (!line.len && !text.p)
			break; /* the text ended in a newline */
		do {
			if (add_piece(w, dir, now_us, o,
			        str_sub(line, 0, LINE_TEXT_MAX), err) == -1)
				return -1;
			line = str_sub(line, LINE_TEXT_MAX, line.len);
		} while (line.len);
	}
	return 0;
}

/* What has moved waits no more. */
static void unlink_waiting(const struct writer *w)
{
	char file[SEG_FILE_MAX];

	if (w->wait_dir == -1)
		return;
	wait_name(w, file);
	(void)unlinkat(w->wait_dir, file, 0);
}

int writer_spill(struct writer *w, int dir, struct error *err)
{
	scoped_buf struct buf all = BUF_INIT(WRITER_MEMORY_MAX);
	scoped_segs struct segs list = {0};
	scoped_fd int fd = -1;
	struct seg seg;
	int64_t last;
	char *p;

	if (!w->memory)
		return 0;
	p = buf_reserve(&all, WRITER_MEMORY_MAX);
	if (!p || pread(w->fd, p, w->bytes, 0) != (ssize_t)w->bytes)
		return error_sys(err, "read the waiting lines of %s", w->name);
	if (segs_list(dir, &list, err) == -1)
		return -1;
	last = last_index(w, &list);
	seg = writer_seg(w, (uint32_t)last);
	if (last != -1 && seg_last(dir, &seg) >= w->seq) {
		/* They had moved when an earlier logd was ended. */
		unlink_waiting(w);
		fd_close(&w->fd);
		w->memory = w->known = false;
		return 0;
	}
	w->index = (uint32_t)(last + 1);
	fd = open_segment(w, dir, O_TRUNC, err);
	if (fd == -1 || fd_write_all(fd, str_make(p, w->bytes), err) == -1)
		return error_wrap(err, "move the waiting lines to disk");
	unlink_waiting(w);
	fd_close(&w->fd);
	w->fd = take_fd(&fd);
	w->memory = false;
	return 0;
}

void writer_drop(struct writer *w, int dir)
{
	scoped_segs struct segs list = {0};

	if (dir != -1 && segs_list(dir, &list, NULL) == -1)
		list.n = 0;
	for (size_t i = 0; i < list.n; i++) {
		char file[SEG_FILE_MAX];

		if (!seg_own(&list.v[i]) ||
		    strcmp(list.v[i].name, w->name) != 0)
			continue;
		seg_file(&list.v[i], file);
		(void)unlinkat(dir, file, 0); /* jail removes the folder */
	}
	unlink_waiting(w);
	fd_close(&w->fd);
	*w = (struct writer){.name = w->name,
	    .limits = w->limits,
	    .fd = -1,
	    .wait_dir = w->wait_dir,
	    .app = w->app,
	    .tokens = w->limits->burst};
}
