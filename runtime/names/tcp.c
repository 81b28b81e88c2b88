/*
 * Questions by TCP: of who got an answer that was cut. A connection has one
 * question open at a time; the next is read when it is answered.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "names.h"

#define IDLE_MS 10000
#define QUESTION_MAX 4096 /* bytes; all that is known is far shorter */

struct client {
	struct list of_names;
	struct names *n;
	uint64_t id;
	struct asker who;
	struct ev_io io;
	struct ev_timer idle;
	struct buf in, out;
	size_t sent; /* of out */
	bool asking;
};

static void client_free(struct client *c)
{
	ev_io_del(&c->io);
	fd_close(&c->io.fd);
	ev_timer_stop(&c->idle);
	list_del(&c->of_names);
	c->n->nclients--;
	query_forget(c->n, c->id);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

static void idle_fired(struct ev_timer *t)
{
	client_free(container_of(t, struct client, idle));
}

static void want(struct client *c)
{
	ev_io_want(&c->io,
	    (c->out.len > c->sent ? EV_WRITE : 0) | (c->asking ? 0 : EV_READ));
	ev_timer_set(c->n->ev, &c->idle, IDLE_MS);
}

/* The next whole question in what came; false: there is none yet. */
static bool take_question(struct client *c)
{
	char question[QUESTION_MAX];
	size_t size;

	if (c->in.len < 2)
		return false;
	size =
	    (size_t)(unsigned char)c->in.p[0] << 8 | (unsigned char)c->in.p[1];
	if (size > QUESTION_MAX || c->in.len < 2 + size)
		return false; /* a longer one waits for ever: until IDLE_MS */
	memcpy(question, c->in.p + 2, size);
	buf_consume(&c->in, 2 + size);
	c->asking = true;
	ask(c->n, &c->who, str_make(question, size));
	return true;
}

/* What is no question gets no answer, and no second chance. */
static void go_on(struct client *c)
{
	if (!c->asking)
		(void)take_question(c);
	want(c);
}

static bool write_out(struct client *c)
{
	while (c->sent < c->out.len) {
		ssize_t done = send(c->io.fd, c->out.p + c->sent,
		    c->out.len - c->sent, MSG_NOSIGNAL);

		if (done == -1)
			return errno == EAGAIN || errno == EINTR;
		c->sent += (size_t)done;
	}
	buf_clear(&c->out);
	c->sent = 0;
	return true;
}

static void client_ready(struct ev_io *io, unsigned events)
{
	struct client *c = container_of(io, struct client, io);
	struct error err = {0};
	ssize_t got = 1;

	if (events & EV_WRITE && !write_out(c)) {
		client_free(c);
		return;
	}
	if (events & EV_READ && !c->asking)
		got = buf_read(&c->in, io->fd, &err);
	if (got == 0 || (got == -1 && err.sys != EAGAIN)) {
		client_free(c);
		return;
	}
	go_on(c);
}

static struct client *find(const struct names *n, uint64_t id)
{
	struct client *c;

	list_each(c, &n->clients, of_names)
	{
		if (c->id == id)
			return c;
	}
	return NULL;
}

/* May be called from within take_question: the loop sees to the writing. */
void tcp_send(struct names *n, const struct asker *who, struct str message)
{
	struct client *c = find(n, who->client);

	if (!c)
		return;
	c->asking = false;
	buf_addc(&c->out, (char)(message.len >> 8));
	buf_addc(&c->out, (char)message.len);
	buf_add(&c->out, message);
	want(c);
}

static bool has_room(const struct names *n, uint64_t app)
{
	struct client *c;
	size_t of_app = 0;

	list_each(c, &n->clients, of_names) of_app += c->who.app == app;
	return n->nclients < CLIENTS_MAX && of_app < CLIENTS_OF_APP;
}

static void client_new(struct names *n, int fd, const struct sockaddr_in *from)
{
	struct ip ip = ip_from4(ntohl(from->sin_addr.s_addr));
	const struct endpoint *e = who_at(&n->who, &ip);
	struct client *c;

	if (!who_is_instance(&ip) || !has_room(n, e ? e->app : 0)) {
		(void)close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->n = n;
	c->id = ++n->last_client;
	c->who = (struct asker){.app = e ? e->app : 0, .client = c->id};
	c->in = (struct buf)BUF_INIT(2 * QUESTION_MAX);
	c->out = (struct buf)BUF_INIT(2 * (DNS_MAX + 2));
	c->idle.fire = idle_fired;
	c->io = (struct ev_io){.fd = fd, .ready = client_ready};
	list_add(&n->clients, &c->of_names);
	n->nclients++;
	if (ev_io_add(n->ev, &c->io, EV_READ, NULL) == -1)
		client_free(c);
	else
		want(c);
}

static void accept_ready(struct ev_io *io, unsigned events)
{
	struct names *n = container_of(io, struct names, tcp);
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	int fd = accept4(io->fd, (struct sockaddr *)&from, &size,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd != -1)
		client_new(n, fd, &from);
}

int tcp_open(struct names *n, int fd, struct error *err)
{
	list_init(&n->clients);
	n->tcp = (struct ev_io){.fd = fd, .ready = accept_ready};
	return ev_io_add(n->ev, &n->tcp, EV_READ, err);
}

void tcp_close(struct names *n)
{
	struct client *c;

	list_each(c, &n->clients, of_names) client_free(c);
}
