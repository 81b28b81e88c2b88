/*
 * paas-logd - keeps what the platform and the router say about each app and
 * gives all of an app's lines, its own included, to who follows.
 *
 * Listens on logd.sock (web, plan), connects to the router, which sends its
 * request lines. Reads the segments that shims write; parses no byte that a
 * stranger framed. Runs as paas-logd with no file but STATE/logs and
 * STATE/logd. Gives batches of lines for drains to outbound.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "drain.h"
#include "ipc/peer.h"
#include "logd.h"
#include "proc/sandbox.h"
#include "proc/start.h"

static void on_write(struct logd *d, struct peer *p, struct frame *f)
{
	struct origin o = {frame_str(f, F_SOURCE), frame_str(f, F_PROC)};

	logd_write(d, frame_u64(f, F_APP), peer_role(p) == ROLE_ROUTER, o,
	    frame_str(f, F_TEXT));
}

static void on_follow(struct logd *d, struct peer *p, struct frame *f)
{
	struct follow_request q = {.app = frame_u64(f, F_APP),
	    .lines = frame_u64(f, F_LINES),
	    .tail = frame_u64(f, F_TAIL) != 0};
	scoped_fd int fd = frame_take_fd(f, 0);
	struct error err = {0};

	str_copy(
	    frame_str(f, F_SOURCE), q.filter.source, sizeof(q.filter.source));
	str_copy(frame_str(f, F_PROC), q.filter.proc, sizeof(q.filter.proc));
	q.filter.instance = frame_u64(f, F_INSTANCE);
	q.marks = frame_u64(f, F_MARKS) != 0;
	q.after = frame_str(f, F_AFTER);
	if (logd_follow(d, &q, fd, &err) == -1) {
		log_warn(
		    "follower refused app=%" PRIu64 ": %s", q.app, err.msg);
		if (f->id)
			(void)peer_send_error(p, f->id, &err);
		return;
	}
	(void)take_fd(&fd);
	if (f->id)
		(void)peer_send_ok(p, f->id);
}

static void on_drop(struct logd *d, struct peer *p, struct frame *f)
{
	logd_drop(d, frame_u64(f, F_APP));
	if (f->id)
		(void)peer_send_ok(p, f->id);
}

static void on_drains_begin(struct logd *d, struct peer *p, struct frame *f)
{
	drains_begin(d);
}

static void on_drain(struct logd *d, struct peer *p, struct frame *f)
{
	drain_put(d, &(struct drain_spec){.id = frame_u64(f, F_DRAIN),
	                 .app = frame_u64(f, F_APP),
	                 .since_ms = frame_u64(f, F_TIME),
	                 .url = frame_str(f, F_DRAIN_URL),
	                 .token = frame_str(f, F_DRAIN_TOKEN)});
}

static void on_drains_end(struct logd *d, struct peer *p, struct frame *f)
{
	drains_end(d);
}

static void on_drain_drop(struct logd *d, struct peer *p, struct frame *f)
{
	drain_drop(d, frame_u64(f, F_DRAIN));
}

static const struct {
	enum msg type;
	void (*handle)(struct logd *d, struct peer *p, struct frame *f);
} handlers[] = {
    {MSG_LOG_WRITE, on_write},
    {MSG_LOG_FOLLOW, on_follow},
    {MSG_LOG_DROP, on_drop},
    {MSG_DRAINS_BEGIN, on_drains_begin},
    {MSG_DRAIN, on_drain},
    {MSG_DRAINS_END, on_drains_end},
    {MSG_DRAIN_DROP, on_drain_drop},
};

static void on_frame(struct peer *p, struct frame *f, void *ctx)
{
	for (size_t i = 0; i < NELEM(handlers); i++)
		if (handlers[i].type == f->type)
			handlers[i].handle(ctx, p, f);
}

static void on_change(struct peer *p, void *ctx)
{
	log_debug("peer of role %s changed", role_name(peer_role(p)));
}

static const struct peer_ops ops = {on_change, on_frame, on_change};

static void on_term(void *arg, int signo)
{
	ev_stop(arg);
}

static int enter_sandbox(const struct start *s, struct error *err)
{
	char logs[300], own[300];
	const struct sandbox_path paths[] = {
	    {.path = logs, .write = true},
	    {.path = own, .write = true},
	    {.path = s->settings.run, .write = true},
	};

	snprintf(logs, sizeof(logs), "%s/logs", s->settings.state);
	snprintf(own, sizeof(own), "%s/logd", s->settings.state);
	return sandbox_daemon(&s->roles, ROLE_LOGD, paths, NELEM(paths), err);
}

static int run(struct start *s, struct error *err)
{
	struct ev *ev = ev_new();
	int sock = start_fd(s, "logd.sock");
	struct ipc_listener *listener;
	struct peer *router;
	struct logd d;
	char path[128];

	if (sock == -1)
		return error_set(err, ERR_INVALID,
		    "logd.sock was not handed in (start `paas server`)");
	if (enter_sandbox(s, err) == -1 ||
	    logd_init(&d, ev, &s->settings, err) == -1 ||
	    ev_signal(ev, SIGTERM, on_term, ev, err) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/router.sock", s->settings.run);
	listener = ipc_listen(ev, sock, ROLE_LOGD, &s->roles, &ops, &d);
	router = ipc_connect(ev, path, ROLE_LOGD, ROLE_ROUTER, &ops, &d);
	start_ready(s);
	ev_run(ev);
	peer_close(router);
	ipc_listener_free(listener);
	logd_release(&d);
	ev_free(ev);
	return 0;
}

int main(void)
{
	struct start start;
	struct error err = {0};

	(void)signal(SIGPIPE, SIG_IGN);
	if (start_open(&start, "logd", &err) == -1 || run(&start, &err) == -1) {
		log_error("%s", err.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
