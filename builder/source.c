#include "source.h"

#include <fcntl.h>

#include "base/fd.h"
#include "base/mem.h"
#include "ipc/connect.h"

#define ASKS_MAX 5 /* for a worker that takes the order */

struct source {
	struct builder *b;
	struct peer *peer;
	unsigned asks;          /* of super, so far */
	bool sent;              /* it has the order */
	struct source_job job;  /* ended is NULL when nobody listens any more */
	struct frame_out order; /* until it is sent */
	int out;
	bool done;
	struct error err;
};

static void source_up(struct peer *p, void *ctx)
{
	struct source *s = ctx;

	s->sent = true;
	(void)peer_send(p, &s->order);
	fd_close(&s->out);
}

static void source_frame(struct peer *p, struct frame *f, void *ctx)
{
	struct source *s = ctx;

	if (f->type == MSG_EXPORT_DONE)
		s->done = true;
	else if (f->type == MSG_ERROR && !s->err.code)
		frame_error(f, &s->err);
}

static void source_free(struct source *s)
{
	frame_out_release(&s->order);
	fd_close(&s->out);
	free(s);
}

static bool ask_again(struct source *s);

static void source_down(struct peer *p, void *ctx)
{
	struct source *s = ctx;
	struct source_job job = s->job;
	struct error err = s->err;
	bool done = s->done;

	if (ask_again(s))
		return;
	source_free(s);
	if (!job.ended)
		return;
	if (!done && !err.code)
		error_set(&err, ERR_UNAVAILABLE,
		    "the worker that reads the commit ended too early, "
		    "push again");
	job.ended(job.ctx, done ? NULL : &err);
}

static const struct peer_ops ops = {
    .up = source_up, .frame = source_frame, .down = source_down};

/* super may be killed between taking a connection and making its worker. */
static bool ask_again(struct source *s)
{
	int fd;

	if (s->sent || !s->job.ended || s->asks >= ASKS_MAX)
		return false;
	s->asks++;
	fd = ipc_ask(s->b->settings->run, "export", NULL);
	if (fd == -1)
		return false;
	s->peer = ipc_adopt(s->b->ev, fd, ROLE_BUILDER, ROLE_RECEIVE, &ops, s);
	return true;
}

struct source *source_start(
    struct builder *b, const struct source_job *job, struct error *err)
{
	scoped_fd int fd = ipc_ask(b->settings->run, "export", err);
	struct source *s;

	if (fd == -1)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->b = b;
	s->job = *job;
	s->out = fcntl(job->out, F_DUPFD_CLOEXEC, 3);
	s->order = frame_begin(MSG_EXPORT, 0);
	frame_put_u64(&s->order, F_REPO, job->repo);
	frame_put_z(&s->order, F_COMMIT, job->commit);
	frame_put_u64(&s->order, F_BYTES, b->settings->source_bytes);
	frame_put_u64(&s->order, F_FILES, b->settings->source_files);
	frame_put_fd(&s->order, s->out);
	s->peer =
	    ipc_adopt(b->ev, take_fd(&fd), ROLE_BUILDER, ROLE_RECEIVE, &ops, s);
	return s;
}

void source_stop(struct source *s)
{
	if (!s)
		return;
	s->job.ended = NULL;
	peer_close(s->peer); /* source_down() comes at the end of the turn */
}
