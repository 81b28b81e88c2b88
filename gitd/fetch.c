#include "fetch.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/pkt.h"
#include "worker.h"

#define CHUNK 65536

struct fetch {
	struct gitd *g;
	struct repo *repo;
	bool refs;
	enum protocol protocol;
	struct stream *out;
	struct fetch **holder;
	struct body *body;
	struct slot slot;
	struct worker *worker;
	struct ev_io io; /* the worker's output; fd -1 at its end */
	bool done;       /* the worker says so */
	struct error failed;
};

static void close_output(struct fetch *f)
{
	if (f->io.fd == -1)
		return;
	ev_io_del(&f->io);
	fd_close(&f->io.fd);
}

static void fetch_free(struct fetch *f)
{
	close_output(f);
	if (f->body)
		body_discard(f->body);
	worker_stop(f->worker);
	if (f->holder)
		*f->holder = NULL;
	stream_leave(f->out);
	queue_leave(&f->slot);
	repo_leave(f->repo);
	free(f);
}

/*
 * Before a byte went out there is still a status to say it with. After that
 * a git that refused something has told so in its own form.
 */
static void answer_failed(struct fetch *f)
{
	log_warn("fetch failed repo=%s: %s", f->repo->name, f->failed.msg);
	if (f->out->status) {
		stream_end(f->out, f->failed.code == ERR_INVALID);
		return;
	}
	stream_begin(
	    f->out, f->failed.code == ERR_INVALID ? 400 : 500, "text/plain");
	stream_put(f->out, str_z(f->failed.msg));
	stream_put(f->out, STR("\n"));
	stream_end(f->out, true);
}

static void step(struct fetch *f)
{
	if (f->io.fd != -1 || (!f->done && !f->failed.code))
		return;
	if (f->failed.code)
		answer_failed(f);
	else
		stream_end(f->out, true);
	fetch_free(f);
}

static void begin(struct fetch *f)
{
	scoped_buf struct buf head = BUF_INIT(256);

	if (f->out->status)
		return;
	stream_begin(f->out, 200,
	    f->refs ? "application/x-git-upload-pack-advertisement"
	            : "application/x-git-upload-pack-result");
	if (!f->refs || f->protocol == PROTOCOL_2)
		return;
	pkt_add(&head, STR("# service=git-upload-pack\n"));
	pkt_add_flush(&head);
	stream_put(f->out, buf_str(&head));
}

static void output_ready(struct ev_io *io, unsigned events)
{
	struct fetch *f = container_of(io, struct fetch, io);
	scoped_free char *chunk = xmalloc(CHUNK);
	ssize_t n = read(io->fd, chunk, CHUNK);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_output(f);
		step(f);
		return;
	}
	begin(f);
	stream_put(f->out, str_make(chunk, (size_t)n));
	if (stream_full(f->out))
		ev_io_del(&f->io);
}

static void room(void *ctx)
{
	struct fetch *f = ctx;
	struct error err = {0};

	if (f->io.fd == -1 || f->out->dropped)
		return;
	ev_io_del(&f->io);
	if (ev_io_add(f->g->ev, &f->io, EV_READ, &err) == -1) {
		f->failed = err;
		close_output(f);
	}
}

static void worker_frame(struct frame *frame, void *ctx)
{
	struct fetch *f = ctx;

	if (frame->type == MSG_ERROR)
		frame_error(frame, &f->failed);
	else if (frame->type == MSG_RECEIVE_DONE)
		f->done = true;
	step(f);
}

static void worker_gone(void *ctx)
{
	struct fetch *f = ctx;

	f->worker = NULL;
	if (!f->done && !f->failed.code)
		error_set(&f->failed, ERR_UNAVAILABLE,
		    "the program that sends packs ended early");
	step(f);
}

static const struct worker_ops worker_ops = {
    .frame = worker_frame, .gone = worker_gone};

/* A body without a byte. */
static int empty_body(struct error *err)
{
	int fds[2];

	if (fd_pipe(fds, err) == -1)
		return -1;
	fd_close(&fds[1]);
	return fds[0];
}

static int serve(struct fetch *f, struct error *err)
{
	static const char *const words[] = {
	    [PROTOCOL_1] = "version=1", [PROTOCOL_2] = "version=2"};
	struct worker_job job = {.op = f->refs ? RECEIVE_REFS : RECEIVE_FETCH,
	    .protocol = words[f->protocol]};
	int fds[2];

	if (fd_pipe(fds, err) == -1)
		return -1;
	f->io.fd = fds[0];
	job.out = fds[1];
	job.body = f->body ? body_connect(f->body, err) : empty_body(err);
	if (job.body == -1 || fd_nonblock(f->io.fd, true, err) == -1 ||
	    ev_io_add(f->g->ev, &f->io, EV_READ, err) == -1) {
		fd_close(&job.out);
		fd_close(&job.body);
		return -1;
	}
	f->worker = worker_start(f->repo, &job, &worker_ops, f, err);
	return f->worker ? 0 : -1;
}

static void start(struct slot *s)
{
	struct fetch *f = container_of(s, struct fetch, slot);

	if (serve(f, &f->failed) == 0)
		return;
	close_output(f);
	step(f);
}

struct fetch *fetch_new(struct repo *repo, bool refs, enum protocol protocol,
    struct stream *out, struct fetch **holder)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	*f = (struct fetch){.g = repo->g,
	    .repo = repo_hold(repo),
	    .refs = refs,
	    .protocol = protocol,
	    .out = out,
	    .holder = holder,
	    .slot = {.go = start},
	    .io = {.fd = -1, .ready = output_ready}};
	out->room = room;
	out->room_ctx = f;
	return f;
}

void fetch_ready(struct fetch *f, struct body *body)
{
	f->body = body;
	queue_enter(&f->g->fetch_queue, &f->slot);
}

void fetch_cancel(struct fetch *f)
{
	if (!f)
		return;
	f->body = NULL;
	f->holder = NULL;
	fetch_free(f);
}
