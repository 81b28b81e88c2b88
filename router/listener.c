#include "listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "client.h"
#include "router.h"

#define ACCEPT_MAX 64 /* in one turn, so that clients get theirs */
#define PAUSE_MS 100  /* when there are no descriptors left */

/* To who speaks TLS it says nothing, and closes as well. */
static void refuse(const struct listener *l, int fd)
{
	static const struct str answer =
	    STR("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
	        "Retry-After: 5\r\nContent-Length: 23\r\n\r\n"
	        "Too many connections.\r\n");

	if (!l->tls)
		(void)send(
		    fd, answer.p, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	fd_close(&fd);
}

static void listener_ready(struct ev_io *io, unsigned events)
{
	struct listener *l = container_of(io, struct listener, io);
	struct router *r = l->router;

	for (int i = 0; i < ACCEPT_MAX; i++) {
		struct sockaddr_storage addr = {0};
		socklen_t len = sizeof(addr);
		int fd = accept4(io->fd, (struct sockaddr *)&addr, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd != -1 && r->nclients < r->limits.clients) {
			client_new(l, fd, (struct sockaddr *)&addr);
		} else if (fd != -1) {
			refuse(l, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			log_warn("accepting pauses: errno=%d", errno);
			ev_io_want(io, 0);
			ev_timer_set(r->ev, &l->pause, PAUSE_MS);
			return;
		}
	}
}

static void pause_over(struct ev_timer *t)
{
	struct listener *l = container_of(t, struct listener, pause);

	ev_io_want(&l->io, EV_READ);
}

static unsigned port_of(int fd)
{
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len) == -1)
		return 0;
	/* The port lies at the same place in both. */
	return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

int listener_open(struct router *r, struct listener *l, int fd,
    struct tls_front *tls, struct error *err)
{
	int on = 1;

	*l = (struct listener){.router = r, .tls = tls, .port = port_of(fd)};
	l->io.fd = fd;
	l->io.ready = listener_ready;
	l->pause.fire = pause_over;
	/* Accepted sockets inherit it: answers are streamed as they come. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fd_nonblock(fd, true, err) == -1)
		return -1;
	return ev_io_add(r->ev, &l->io, EV_READ, err);
}

void listener_close(struct listener *l)
{
	ev_io_del(&l->io);
	ev_timer_stop(&l->pause);
	fd_close(&l->io.fd);
}
