/*
 * follow - one follower: a place in the app's log and a pipe to fill.
 *
 * The pipe does not block. While it is full nothing is read, so a slow
 * follower falls behind in the files; lines whose segment is removed
 * meanwhile are counted and told ("Error L11").
 */
#include "logd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

#define FILLS_A_TURN 8 /* then the other handles get their turn */

struct follower {
	struct list in_app;
	struct ev_io io; /* the pipe's writing end */
	struct app_log *app;
	struct reader reader;
	struct buf out;
	uint64_t lines_left; /* UINT64_MAX with tail */
	uint64_t told_us;    /* up to when losses have been told */
	bool tail, marks;
};

static void follower_free(void *arg)
{
	struct follower *f = arg;

	reader_release(&f->reader);
	buf_release(&f->out);
	free(f);
}

static void follower_end(struct follower *f)
{
	if (f->io.fd == -1)
		return;
	ev_io_del(&f->io);
	fd_close(&f->io.fd);
	list_del(&f->in_app);
	f->app->d->followers--;
	app_watch(f->app);
	ev_defer(f->app->d->ev, follower_free, f);
}

/* Say how many lines went away before they could be read. */
static void tell_lost(struct follower *f)
{
	uint64_t now = clock_real_us();
	char text[120], since[21];

	if (!f->reader.lost)
		return;
	clock_rfc3339((int64_t)(f->told_us / 1000000), since);
	snprintf(text, sizeof(text),
	    "Error L11 (tail buffer overflow): %" PRIu64
	    " messages dropped since %s",
	    f->reader.lost, since);
	if (f->marks)
		buf_addz(&f->out, "- ");
	line_render(&f->out, now,
	    (struct origin){STR("heroku"), STR("logplex")}, str_z(text), false);
	f->reader.lost = 0;
	f->told_us = now;
}

/* A line, behind its id if ids are asked for. */
static void show(void *arg, struct buf *out, const struct shown *s)
{
	const struct follower *f = arg;
	char key[SEG_KEY_MAX + 1];

	if (f->marks) {
		seg_key(s->seg, key);
		buf_addf(out, "%" PRIu64 ".%s.%" PRIu64 " ", s->time_us, key,
		    s->seq);
	}
	line_render(out, s->time_us, s->origin, s->text, s->cut);
}

/* Write what waits. 1: all is written, 0: the pipe is full, -1: it is gone. */
static int drain(struct follower *f)
{
	while (f->out.len) {
		ssize_t n = write(f->io.fd, f->out.p, f->out.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		buf_consume(&f->out, (size_t)n);
	}
	return 1;
}

/* Bring as much as the pipe takes. */
static void pump(struct follower *f)
{
	int rc = drain(f);

	for (int i = 0; rc == 1 && i < FILLS_A_TURN; i++) {
		bool more = reader_fill(&f->reader, &f->out, &f->lines_left);

		tell_lost(f);
		if (!f->out.len && more)
			break; /* nothing to show so far: the next turn */
		if (!f->out.len) {
			buf_release(&f->out);
			ev_io_want(&f->io, 0);
			if (!f->tail)
				follower_end(f);
			return;
		}
		rc = drain(f);
	}
	if (rc == -1)
		follower_end(f);
	else
		ev_io_want(&f->io, EV_WRITE);
}

static void pipe_ready(struct ev_io *io, unsigned events)
{
	struct follower *f = container_of(io, struct follower, io);

	if (events & EV_HUP)
		follower_end(f);
	else
		pump(f);
}

void follow_grown(struct app_log *a, const struct seg *seg)
{
	struct follower *f;

	list_each(f, &a->followers, in_app)
	{
		if (seg)
			reader_mark(&f->reader, seg);
		else
			reader_mark_all(&f->reader);
		/* The turn's end: one wake-up brings many marks. */
		ev_io_want(&f->io, EV_WRITE);
	}
}

void follow_end_all(struct app_log *a)
{
	struct follower *f;

	list_each(f, &a->followers, in_app) follower_end(f);
}

static int source_dir(void *arg)
{
	return app_dir(arg);
}

static int open_reader(struct follower *f, const struct follow_request *q,
    const struct seg_source *source, struct error *err)
{
	int rc = q->after.len ? reader_open_after(&f->reader, source,
	                            &q->filter, q->after, err)
	                      : reader_open(&f->reader, source, &q->filter,
	                            q->lines, f->told_us, err);

	f->reader.show = show;
	f->reader.show_arg = f;
	return rc;
}

int logd_follow(
    struct logd *d, const struct follow_request *q, int fd, struct error *err)
{
	struct follower *f;
	struct seg_source source = {source_dir, app_memory, NULL};

	if (d->followers == FOLLOWERS_MAX)
		return error_set(err, ERR_LIMIT,
		    "%u log streams are open, close one first", FOLLOWERS_MAX);
	if (fd_nonblock(fd, true, err) == -1)
		return error_wrap(err, "a follower's pipe");
	f = xcalloc(1, sizeof(*f));
	f->app = source.arg = app_get(d, q->app);
	f->out = (struct buf)BUF_INIT(FOLLOW_BUF);
	f->tail = q->tail;
	f->marks = q->marks;
	f->lines_left = q->tail                  ? UINT64_MAX
	                : q->lines < HISTORY_MAX ? q->lines
	                                         : HISTORY_MAX;
	f->told_us = clock_real_us();
	f->io = (struct ev_io){.fd = fd, .ready = pipe_ready};
	list_init(&f->in_app);
	list_add(&f->app->followers, &f->in_app);
	app_watch(f->app); /* before the files are read: nothing is missed */
	if (open_reader(f, q, &source, err) == -1 ||
	    ev_io_add(d->ev, &f->io, EV_WRITE, err) == -1) {
		list_del(&f->in_app);
		app_watch(f->app);
		follower_free(f);
		return -1;
	}
	d->followers++;
	return 0;
}
