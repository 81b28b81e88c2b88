#include "worker.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/connect.h"
#include "proc/spawn.h"

#define ASKS_MAX 5 /* for a worker that takes the job */

struct worker {
	struct gitd *g;
	struct peer *peer;
	unsigned asks;                /* of super, so far */
	bool sent;                    /* it has the job */
	const struct worker_ops *ops; /* NULL when nobody listens any more */
	void *ctx;
	struct frame_out job; /* until it is sent */
	int fds[2];           /* of the job */
};

/* A process of our own; it outlives its worker by a moment. */
struct kid {
	struct ev_child child;
};

static void kid_gone(struct ev_child *c, int status)
{
	free(container_of(c, struct kid, child));
}

static int spawn_worker(struct repo *repo, int conn, struct error *err)
{
	const char *argv[] = {
	    repo->g->worker_path, "receive", repo->path, NULL};
	const struct spawn_fd fds[] = {{conn, 0}};
	const struct spawn sp = {.argv = argv, .fds = fds, .nfds = 1};
	struct kid *kid;
	pid_t pid = spawn(&sp, err);

	if (pid == -1)
		return error_wrap(err, "start a worker");
	kid = xcalloc(1, sizeof(*kid));
	kid->child.gone = kid_gone;
	if (ev_child_add(repo->g->ev, &kid->child, pid, err) == -1) {
		free(kid);
		return -1;
	}
	return 0;
}

static int connect_alone(struct repo *repo, struct error *err)
{
	scoped_fd int ours = -1, theirs = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return error_sys(err, "make a worker's connection");
	ours = pair[0];
	theirs = pair[1];
	if (spawn_worker(repo, theirs, err) == -1)
		return -1;
	return take_fd(&ours);
}

static void close_job(struct worker *w)
{
	frame_out_release(&w->job);
	fd_close(&w->fds[0]);
	fd_close(&w->fds[1]);
}

static void worker_up(struct peer *p, void *ctx)
{
	struct worker *w = ctx;

	w->sent = true;
	if (peer_send(p, &w->job) == -1)
		log_warn("job not sent to a worker");
	close_job(w);
}

static void worker_frame(struct peer *p, struct frame *f, void *ctx)
{
	struct worker *w = ctx;

	if (w->ops)
		w->ops->frame(f, w->ctx);
}

static void worker_free(struct worker *w)
{
	close_job(w);
	free(w);
}

static bool ask_again(struct worker *w);

static void worker_down(struct peer *p, void *ctx)
{
	struct worker *w = ctx;
	const struct worker_ops *ops = w->ops;
	void *user = w->ctx;

	if (ask_again(w))
		return;
	worker_free(w);
	if (ops)
		ops->gone(user);
}

static const struct peer_ops peer_ops = {
    .up = worker_up, .frame = worker_frame, .down = worker_down};

/*
 * super may be killed between taking a connection and making its worker. The
 * next one takes another: the listening socket is the holder's.
 */
static bool ask_again(struct worker *w)
{
	struct error err = {0};
	int fd;

	if (w->sent || !w->ops || w->g->open || w->asks >= ASKS_MAX)
		return false;
	w->asks++;
	fd = ipc_ask(w->g->settings.run, "receive", &err);
	if (fd == -1) {
		log_warn("no worker: %s", err.msg);
		return false;
	}
	w->peer =
	    ipc_adopt(w->g->ev, fd, ROLE_GITD, ROLE_RECEIVE, &peer_ops, w);
	return true;
}

static void write_job(
    struct worker *w, struct repo *repo, const struct worker_job *job)
{
	const struct settings *s = &repo->g->settings;

	w->job = frame_begin(MSG_RECEIVE, 0);
	frame_put_u64(&w->job, F_REPO, repo->id);
	frame_put_u64(&w->job, F_OP, job->op);
	if (job->op == RECEIVE_PUSH) {
		frame_put_z(&w->job, F_QUARANTINE, job->quarantine);
		frame_put_u64(&w->job, F_BYTES, s->push_pack_bytes);
		frame_put_u64(&w->job, F_FILES, s->push_objects);
		frame_put_u64(&w->job, F_COUNT, s->push_refs);
	} else if (job->protocol) {
		frame_put_z(&w->job, F_CAPS, job->protocol);
	}
	for (int i = 0; i < 2; i++) {
		if (w->fds[i] != -1)
			frame_put_fd(&w->job, w->fds[i]);
	}
}

struct worker *worker_start(struct repo *repo, const struct worker_job *job,
    const struct worker_ops *ops, void *ctx, struct error *err)
{
	struct gitd *g = repo->g;
	struct worker *w = xcalloc(1, sizeof(*w));
	int fd;

	*w = (struct worker){
	    .g = g, .ops = ops, .ctx = ctx, .fds = {job->body, job->out}};
	fd = g->open ? connect_alone(repo, err)
	             : ipc_ask(g->settings.run, "receive", err);
	if (fd == -1) {
		worker_free(w);
		return NULL;
	}
	write_job(w, repo, job);
	w->peer = ipc_adopt(g->ev, fd, ROLE_GITD, ROLE_RECEIVE, &peer_ops, w);
	return w;
}

void worker_stop(struct worker *w)
{
	if (!w)
		return;
	w->ops = NULL;
	peer_close(w->peer); /* worker_down() comes at the end of the turn */
}
