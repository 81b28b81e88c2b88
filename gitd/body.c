#include "body.h"

#include <errno.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"

#define GZIP_WINDOW (16 + MAX_WBITS) /* zlib's way to say: gzip only */
#define DRAIN_TIMES 4 /* of the limit is read, so that git hears of it */

struct body {
	struct ev *ev;
	const struct body_ops *ops;
	void *ctx;
	struct ev_io io; /* the pipe's writing end; fd -1 without one */
	struct buf held; /* gathered, or inflated and not yet written */
	z_stream *gzip;  /* NULL for plain */
	uint64_t max, in, out;
	bool ready, ended;
	bool gzip_end;  /* the stream is complete */
	bool gzip_more; /* zlib has output for which held had no room */
	bool discard;   /* read and throw away */
	bool expired;
	bool waiting; /* somebody waits for room() */
	bool orphan;  /* its owner left it to write the rest by itself */
};

struct body *body_new(struct ev *ev, bool gzip, uint64_t max,
    const struct body_ops *ops, void *ctx)
{
	struct body *b = xcalloc(1, sizeof(*b));

	*b = (struct body){.ev = ev,
	    .ops = ops,
	    .ctx = ctx,
	    .io.fd = -1,
	    .held = BUF_INIT(BODY_GATHER),
	    .max = max};
	if (gzip) {
		b->gzip = xcalloc(1, sizeof(*b->gzip));
		if (inflateInit2(b->gzip, GZIP_WINDOW) != Z_OK)
			abort(); /* it fails for want of memory alone */
	}
	return b;
}

static void close_pipe(struct body *b)
{
	if (b->io.fd == -1)
		return;
	ev_io_del(&b->io);
	fd_close(&b->io.fd);
}

static void end_gzip(struct body *b)
{
	if (!b->gzip)
		return;
	(void)inflateEnd(b->gzip);
	free(b->gzip);
	b->gzip = NULL;
}

void body_free(struct body *b)
{
	if (!b)
		return;
	if (b->ended && b->io.fd != -1 && !b->orphan) {
		b->orphan = true; /* all is here, so the worker shall get it */
		return;
	}
	close_pipe(b);
	end_gzip(b);
	buf_release(&b->held);
	free(b);
}

static void call_room(struct body *b)
{
	if (!b->waiting)
		return;
	b->waiting = false;
	b->ops->room(b->ctx);
}

void body_discard(struct body *b)
{
	close_pipe(b);
	buf_release(&b->held);
	b->discard = true;
	call_room(b);
}

void body_expire(struct body *b)
{
	b->expired = true;
	body_discard(b);
}

/* Write into the pipe: the bytes it took. A reader that is gone takes all. */
static size_t write_some(struct body *b, struct str bytes)
{
	ssize_t n = write(b->io.fd, bytes.p, bytes.len);

	if (n >= 0)
		return (size_t)n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	body_discard(b);
	return bytes.len;
}

/* What inflates from bytes goes into held; the bytes taken, -1. */
static ssize_t inflate_some(struct body *b, struct str bytes, struct error *err)
{
	unsigned room = (unsigned)(BODY_GATHER - b->held.len);
	char *to = buf_reserve(&b->held, room);
	int r;

	if (b->gzip_end)
		return (ssize_t)bytes.len; /* padding behind the end */
	b->gzip->next_in = (unsigned char *)(uintptr_t)bytes.p;
	b->gzip->avail_in = (unsigned)bytes.len;
	b->gzip->next_out = (unsigned char *)to;
	b->gzip->avail_out = room;
	r = inflate(b->gzip, Z_NO_FLUSH);
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return error_set(err, ERR_INVALID, "the body is no gzip");
	b->gzip_end = r == Z_STREAM_END;
	b->gzip_more = !b->gzip_end && b->gzip->avail_out == 0;
	b->held.len += room - b->gzip->avail_out;
	b->out += room - b->gzip->avail_out;
	return (ssize_t)(bytes.len - b->gzip->avail_in);
}

/* Is there anything to write? Looks into zlib when held is empty. */
static bool refill(struct body *b)
{
	struct error err = {0};

	if (b->held.len || !b->gzip_more)
		return b->held.len > 0;
	if (inflate_some(b, STR(""), &err) == -1) {
		body_discard(b); /* the worker sees a body that is cut */
		return false;
	}
	return b->held.len > 0;
}

/* Write what is held; close the pipe behind the last byte. */
static void flush_held(struct body *b)
{
	while (!b->discard && refill(b)) {
		size_t n = write_some(b, buf_str(&b->held));

		if (b->discard || n == 0)
			break;
		buf_consume(&b->held, n);
	}
	if (b->discard)
		return;
	if (!b->held.len && b->ended) {
		buf_release(&b->held);
		close_pipe(b);
		return;
	}
	ev_io_want(&b->io, b->held.len || b->waiting ? EV_WRITE : 0);
}

static void pipe_ready(struct ev_io *io, unsigned events)
{
	struct body *b = container_of(io, struct body, io);

	if (events & EV_HUP)
		body_discard(b); /* the reader has what it wants */
	else
		flush_held(b);
	if (b->io.fd != -1 && !b->held.len) {
		ev_io_want(&b->io, 0);
		call_room(b);
	}
	if (b->orphan && b->io.fd == -1)
		body_free(b);
}

static ssize_t take_gzip(struct body *b, struct str bytes, struct error *err)
{
	size_t taken = 0;

	while (taken < bytes.len && b->held.len < BODY_GATHER && !b->discard) {
		ssize_t n =
		    inflate_some(b, str_sub(bytes, taken, bytes.len), err);

		if (n == -1)
			return -1;
		taken += (size_t)n;
		if (b->io.fd != -1)
			flush_held(b);
		if (n == 0 && b->held.len < BODY_GATHER)
			break;
	}
	return (ssize_t)(b->discard ? bytes.len : taken);
}

static ssize_t take_plain(struct body *b, struct str bytes)
{
	size_t n;

	if (b->io.fd != -1) {
		if (b->held.len)
			return 0;
		n = write_some(b, bytes);
	} else {
		n = BODY_GATHER - b->held.len;
		n = n < bytes.len ? n : bytes.len;
		buf_add(&b->held, str_sub(bytes, 0, n));
	}
	b->out += n;
	return (ssize_t)n;
}

static void check_ready(struct body *b)
{
	if (b->ready || (!b->ended && b->held.len < BODY_GATHER))
		return;
	b->ready = true;
	b->ops->ready(b->ctx);
}

ssize_t body_feed(struct body *b, struct str bytes, struct error *err)
{
	ssize_t n = (ssize_t)bytes.len;

	if (b->expired)
		return error_set(err, ERR_LIMIT, "the client took too long");
	if (b->in / DRAIN_TIMES > b->max)
		return error_set(err, ERR_LIMIT, "the body does not end");
	if (b->out > b->max && !b->discard)
		body_discard(b);
	if (!b->discard)
		n = b->gzip ? take_gzip(b, bytes, err) : take_plain(b, bytes);
	if (n == -1)
		return -1;
	b->in += (uint64_t)n;
	if ((size_t)n < bytes.len) {
		b->waiting = true;
		if (b->io.fd != -1)
			ev_io_want(&b->io, EV_WRITE);
	}
	check_ready(b);
	return n;
}

void body_end(struct body *b)
{
	if (b->ended)
		return;
	b->ended = true;
	check_ready(b);
	if (b->io.fd != -1)
		flush_held(b);
}

bool body_full(const struct body *b)
{
	return b->waiting;
}

bool body_is_probe(const struct body *b)
{
	return b->ended && str_eqz(buf_str(&b->held), "0000");
}

int body_connect(struct body *b, struct error *err)
{
	int fds[2];

	if (fd_pipe(fds, err) == -1)
		return -1;
	b->io.fd = fds[1];
	b->io.ready = pipe_ready;
	if (fd_nonblock(fds[1], true, err) == -1 ||
	    ev_io_add(b->ev, &b->io, EV_WRITE, err) == -1) {
		fd_close(&b->io.fd);
		fd_close(&fds[0]);
		return -1;
	}
	return fds[0];
}
