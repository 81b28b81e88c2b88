#include "api/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/request.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

#define IDLE_SECONDS 60
#define CONNECTIONS_MAX 1024
#define CONNECTION_BYTES (32u << 10) /* head and read buffer of one */
#define ACCEPT_AT_ONCE 64
#define ACCEPT_PAUSE_MS 100 /* after running out of descriptors */

struct http {
	struct web *w;
	struct MHD_Daemon *daemon;
	struct ev_io epoll, listen;
	struct ev_timer timer;
	struct ev_timer pause; /* of accepting */
	bool woken;            /* a connection was, since the last run */
	uid_t uid;
};

/* Let libmicrohttpd work, and come back when it wants to. */
static void run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	h->woken = false;
	(void)MHD_run(h->daemon);
	if (h->woken)
		ev_timer_set(h->w->ev, &h->timer, 0);
	else if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		ev_timer_set(h->w->ev, &h->timer, ms);
	else
		ev_timer_stop(&h->timer);
}

void http_wake(struct http *h)
{
	h->woken = true;
	ev_timer_set(h->w->ev, &h->timer, 0);
}

static void epoll_ready(struct ev_io *io, unsigned events)
{
	run(container_of(io, struct http, epoll));
}

static void timer_fired(struct ev_timer *t)
{
	run(container_of(t, struct http, timer));
}

static bool welcome(const struct http *h, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       peer.uid == h->uid;
}

static void accept_one(
    struct http *h, int fd, const struct sockaddr *at, socklen_t len)
{
	if (!welcome(h, fd)) {
		log_warn("connection refused: not the router's user");
		fd_close(&fd);
		return;
	}
	(void)MHD_add_connection(h->daemon, fd, at, len); /* closes fd itself */
}

static void pause_over(struct ev_timer *t)
{
	struct http *h = container_of(t, struct http, pause);

	ev_io_want(&h->listen, EV_READ);
}

/* What waits to be accepted would wake us again and again. */
static void accept_later(struct http *h)
{
	log_error("out of descriptors for connections");
	ev_io_want(&h->listen, 0);
	ev_timer_set(h->w->ev, &h->pause, ACCEPT_PAUSE_MS);
}

static void listen_ready(struct ev_io *io, unsigned events)
{
	struct http *h = container_of(io, struct http, listen);

	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage at;
		socklen_t len = sizeof(at);
		int fd = accept4(io->fd, (struct sockaddr *)&at, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd == -1 && (errno == EMFILE || errno == ENFILE))
			accept_later(h);
		if (fd == -1)
			break;
		accept_one(h, fd, (struct sockaddr *)&at, len);
	}
	run(h);
}

/* Targets are split before they are decoded, by wire/url. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *conn, char *s)
{
	return strlen(s);
}

static struct MHD_Daemon *start(struct web *w)
{
	return MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME,
	    0, NULL, NULL, request_step, w, MHD_OPTION_NOTIFY_COMPLETED,
	    request_done, w, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_BYTES, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_END);
}

struct http *http_open(struct web *w, int fd, uid_t uid, struct error *err)
{
	struct http *h = xcalloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	*h = (struct http){.w = w,
	    .daemon = start(w),
	    .listen = {.fd = fd, .ready = listen_ready},
	    .timer = {.fire = timer_fired},
	    .pause = {.fire = pause_over},
	    .uid = uid};
	if (!h->daemon) {
		free(h);
		error_set(err, ERR_INTERNAL, "start libmicrohttpd");
		return NULL;
	}
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->epoll = (struct ev_io){.fd = info->epoll_fd, .ready = epoll_ready};
	if (fd_nonblock(fd, true, err) == -1 ||
	    ev_io_add(w->ev, &h->epoll, EV_READ, err) == -1 ||
	    ev_io_add(w->ev, &h->listen, EV_READ, err) == -1)
		return NULL;
	return h;
}
