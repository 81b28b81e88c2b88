#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "router.h"
#include "upstream.h"

#define STEP_FIRST_MS 20 /* between two tries to connect */
#define STEP_MAX_MS 100
#define ANSWER_MS 5000 /* for the status line */

/*
 *   CONNECT --accepted--> ANSWER --status line, end or time--> done
 *   CONNECT --refused--> PAUSE --step--> CONNECT
 */
enum probe_state { PROBE_PAUSE, PROBE_CONNECT, PROBE_ANSWER };

struct probe {
	struct target *target;
	struct ev_io io; /* fd is kept from try to try */
	struct ev_timer timer;
	enum probe_state state;
	unsigned step_ms;
	size_t len;
	char line[64]; /* the start of the answer */
};

static void probe_free(void *arg)
{
	free(arg);
}

void probe_stop(struct target *t)
{
	struct probe *p = take(t->probe);

	if (!p)
		return;
	ev_io_del(&p->io);
	ev_timer_stop(&p->timer);
	fd_close(&p->io.fd);
	ev_defer(t->app->router->ev, probe_free, p);
}

static void done(struct probe *p, unsigned status)
{
	struct target *t = p->target;

	probe_stop(t);
	target_checked(t, status);
}

/* A refused socket is good for another try once it is disconnected. */
static void pause_probe(struct probe *p)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	ev_io_del(&p->io);
	if (p->io.fd != -1 && connect(p->io.fd, &none, sizeof(none)) == -1)
		fd_close(&p->io.fd);
	p->state = PROBE_PAUSE;
	ev_timer_set(p->target->app->router->ev, &p->timer, p->step_ms);
	p->step_ms += p->step_ms / 4;
	if (p->step_ms > STEP_MAX_MS)
		p->step_ms = STEP_MAX_MS;
}

/* --- the request ---------------------------------------------------------- */

static void ask(struct probe *p)
{
	struct app *a = p->target->app;
	struct str host = route_host_of(a->router->routes, a->id);
	char text[512];
	int len;

	len = snprintf(text, sizeof(text),
	    "GET / HTTP/1.1\r\nHost: " STR_FMT "\r\n"
	    "X-Forwarded-Proto: http\r\nUser-Agent: paas-health/1\r\n"
	    "Accept: */*\r\nConnection: close\r\n\r\n",
	    STR_ARG(host.len > 0 ? host : STR("localhost")));
	ev_io_want(&p->io, EV_READ);
	p->state = PROBE_ANSWER;
	ev_timer_set(a->router->ev, &p->timer, ANSWER_MS);
	if (send(p->io.fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		done(p, 0);
}

/* The status in "HTTP/1.1 200 ..."; 0 when it is none. */
static unsigned status_of(const char *line, size_t len)
{
	struct str s = str_make(line, len);
	uint64_t status;

	if (!str_starts(s, STR("HTTP/1.")) || s.len < 12 || s.p[8] != ' ' ||
	    !str_u64(str_sub(s, 9, 12), 999, &status))
		return 0;
	return (unsigned)status;
}

static void read_answer(struct probe *p)
{
	ssize_t got =
	    recv(p->io.fd, p->line + p->len, sizeof(p->line) - p->len, 0);

	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		p->len += (size_t)got;
	if (got <= 0 || p->len >= 12)
		done(p, status_of(p->line, p->len));
}

/* --- connecting ----------------------------------------------------------- */

static void probe_ready(struct ev_io *io, unsigned events)
{
	struct probe *p = container_of(io, struct probe, io);
	int failed = 0;
	socklen_t len = sizeof(failed);

	if (p->state == PROBE_ANSWER) {
		read_answer(p);
		return;
	}
	if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &failed, &len) == -1 ||
	    failed != 0)
		pause_probe(p);
	else
		ask(p);
}

static void try_connect(struct probe *p)
{
	struct target *t = p->target;

	if (p->io.fd == -1)
		p->io.fd = sockets_take(t);
	if (p->io.fd == -1) {
		pause_probe(p); /* probe_kick comes with the sockets */
		return;
	}
	p->state = PROBE_CONNECT;
	if (upstream_connect(p->io.fd, t, NULL) == -1 ||
	    ev_io_add(t->app->router->ev, &p->io, EV_WRITE, NULL) == -1)
		pause_probe(p);
}

static void probe_timer(struct ev_timer *timer)
{
	struct probe *p = container_of(timer, struct probe, timer);

	if (p->state == PROBE_ANSWER)
		done(p, 0);
	else
		try_connect(p);
}

void probe_start(struct target *t)
{
	struct probe *p;

	if (t->probe)
		return;
	p = t->probe = xcalloc(1, sizeof(*p));
	p->target = t;
	p->io.fd = -1;
	p->io.ready = probe_ready;
	p->timer.fire = probe_timer;
	p->step_ms = STEP_FIRST_MS;
	try_connect(p);
}

void probe_kick(struct target *t)
{
	if (t->probe && t->probe->state == PROBE_PAUSE &&
	    t->probe->io.fd == -1) {
		ev_timer_stop(&t->probe->timer);
		try_connect(t->probe);
	}
}
