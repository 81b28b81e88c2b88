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
#define CONNECT_MS 1000
#define ANSWER_MS 5000 /* for the status line */
#define REST_MS 5000   /* for what follows it */
#define REST_MAX (1u << 20)

/*
 *   CONNECT --accepted--> ANSWER --status line--> REST --end--> gone
 *   CONNECT --refused--> PAUSE --step--> CONNECT
 *   ANSWER --end or time--> gone
 *
 * With the status line all is known, and the target forgets the probe. It
 * reads on, since a server that is cut off in its first answer complains.
 */
enum probe_state { PROBE_PAUSE, PROBE_CONNECT, PROBE_ANSWER, PROBE_REST };

struct probe {
	struct target *target; /* NULL in REST */
	struct router *router;
	struct list past; /* in fleet.past_probes in REST */
	struct ev_io io;  /* fd is kept from try to try */
	struct ev_timer timer;
	enum probe_state state;
	unsigned step_ms;
	size_t len;
	char line[64]; /* the start of the answer */
};

static void probe_close(struct probe *p)
{
	ev_io_del(&p->io);
	ev_timer_stop(&p->timer);
	fd_close(&p->io.fd);
	list_del(&p->past);
	ev_defer(p->router->ev, free, p);
}

void probe_stop(struct target *t)
{
	struct probe *p = take(t->probe);

	if (p)
		probe_close(p);
}

void probe_release(struct router *r)
{
	struct probe *p;

	list_each(p, &r->fleet.past_probes, past) probe_close(p);
}

static void done(struct probe *p, unsigned status)
{
	struct target *t = take(p->target);

	t->probe = NULL;
	if (status == 0) {
		probe_close(p);
	} else {
		p->state = PROBE_REST;
		list_add(&p->router->fleet.past_probes, &p->past);
		ev_timer_set(p->router->ev, &p->timer, REST_MS);
	}
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
	ev_timer_set(p->router->ev, &p->timer, p->step_ms);
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

#define STATUS_BYTES 12 /* "HTTP/1.1 200" */

/* The status in "HTTP/1.1 200 ..."; 0 when it is none. */
static unsigned status_of(const char *line, size_t len)
{
	struct str s = str_make(line, len);
	uint64_t status;

	if (!str_starts(s, STR("HTTP/1.")) || s.len < STATUS_BYTES ||
	    s.p[8] != ' ' || !str_u64(str_sub(s, 9, 12), 999, &status))
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
	if (got <= 0 || p->len >= STATUS_BYTES)
		done(p, status_of(p->line, p->len));
}

static void read_rest(struct probe *p)
{
	char drop[16384];
	ssize_t got = recv(p->io.fd, drop, sizeof(drop), 0);

	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		p->len += (size_t)got;
	if (got <= 0 || p->len > REST_MAX)
		probe_close(p);
}

/* --- connecting ----------------------------------------------------------- */

static void probe_ready(struct ev_io *io, unsigned events)
{
	struct probe *p = container_of(io, struct probe, io);
	int failed = 0;
	socklen_t len = sizeof(failed);

	if (p->state == PROBE_ANSWER)
		read_answer(p);
	else if (p->state == PROBE_REST)
		read_rest(p);
	else if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &failed, &len) ==
	             -1 ||
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
	ev_timer_set(p->router->ev, &p->timer, CONNECT_MS);
	if (upstream_connect(p->io.fd, t, NULL) == -1 ||
	    ev_io_add(p->router->ev, &p->io, EV_WRITE, NULL) == -1)
		pause_probe(p);
}

static void probe_timer(struct ev_timer *timer)
{
	struct probe *p = container_of(timer, struct probe, timer);

	switch (p->state) {
	case PROBE_PAUSE:
		try_connect(p);
		break;
	case PROBE_CONNECT:
		pause_probe(p);
		break;
	case PROBE_ANSWER:
		done(p, 0);
		break;
	case PROBE_REST:
		probe_close(p);
		break;
	}
}

void probe_start(struct target *t)
{
	struct probe *p;

	if (t->probe)
		return;
	p = t->probe = xcalloc(1, sizeof(*p));
	p->target = t;
	p->router = t->app->router;
	list_init(&p->past);
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
