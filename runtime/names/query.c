/*
 * A question that is passed on to the host's resolvers.
 *
 * Each try has a socket of its own, and so a port of the kernel's random
 * choice, connected to one resolver, and a fresh random id; a reply counts
 * when both fit and it repeats the question. What came by UDP is asked by
 * UDP, the rest by TCP, or by UDP where the resolver has no TCP. There are so
 * many at a time and no more of one app, so none can keep the others waiting.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/rand.h"
#include "names.h"

#define DNS_PORT 53
#define TRY_MS 1500  /* then the next resolver is asked */
#define TRIES_MAX 4  /* of all resolvers */
#define OPEN_MS 3000 /* that an answer waits for what it opens */

struct query {
	struct list of_names;
	struct names *n;
	struct asker who;
	struct buf message; /* the question as it came */
	char name[DNS_NAME];
	uint16_t id; /* of this try */
	bool tcp;
	unsigned tries;
	struct ev_io io;
	struct ev_timer timer;
	struct buf out, in; /* by TCP */
	size_t sent;
	struct buf reply; /* that waits for its addresses to be open */
	struct opening opening;
};

static void try_next(struct query *q);

static void query_free(struct query *q)
{
	ev_io_del(&q->io);
	fd_close(&q->io.fd);
	ev_timer_stop(&q->timer);
	list_del(&q->of_names);
	q->n->nqueries--;
	buf_release(&q->message);
	buf_release(&q->out);
	buf_release(&q->in);
	buf_release(&q->reply);
	free(q);
}

/* --- the end -------------------------------------------------------------- */

static void give_up(struct query *q)
{
	answer_code(q->n, &q->who, buf_str(&q->message), DNS_SERVFAIL);
	query_free(q);
}

static void give_reply(struct query *q)
{
	answer_send(q->n, &q->who, buf_str(&q->reply));
	query_free(q);
}

/* With the asker's own id; after what is behind it has been opened. */
static void got_reply(struct query *q, struct str reply)
{
	ev_io_del(&q->io);
	fd_close(&q->io.fd);
	buf_add(&q->reply, reply);
	dns_set_id(q->reply.p, dns_id(buf_str(&q->message)));
	if (open_ask(
	        q->n, q->who.app, q->name, buf_str(&q->reply), &q->opening))
		ev_timer_set(q->n->ev, &q->timer, OPEN_MS);
	else
		give_reply(q);
}

void query_opened(struct names *n, uint32_t id)
{
	struct query *q;

	list_each(q, &n->queries, of_names)
	{
		if (q->reply.len == 0)
			continue;
		if (id == 0 ||
		    (open_answered(&q->opening, id) && q->opening.n == 0))
			give_reply(q);
	}
}

/* --- one try -------------------------------------------------------------- */

/* A resolver that does not want to says so; another one may. */
static bool is_refusal(const struct query *q, struct str reply)
{
	enum dns_code code = dns_rcode(reply);

	return (code == DNS_SERVFAIL || code == DNS_REFUSED ||
	           code == DNS_NOTIMP) &&
	       q->tries < q->n->nresolvers;
}

static void take_reply(struct query *q, struct str reply)
{
	if (is_refusal(q, reply))
		try_next(q);
	else
		got_reply(q, reply);
}

static void udp_ready(struct query *q)
{
	ssize_t got = recv(q->io.fd, q->n->bytes, DNS_MAX, 0);
	struct str reply = str_make(q->n->bytes, got > 0 ? (size_t)got : 0);

	if (got == -1 && errno != EAGAIN && errno != EINTR)
		try_next(q); /* nobody there */
	else if (dns_replies(reply, buf_str(&q->message), q->id))
		take_reply(q, reply);
}

static bool tcp_write(struct query *q)
{
	while (q->sent < q->out.len) {
		ssize_t done = send(q->io.fd, q->out.p + q->sent,
		    q->out.len - q->sent, MSG_NOSIGNAL);

		if (done == -1)
			return errno == EAGAIN || errno == EINTR ||
			       errno == ENOTCONN;
		q->sent += (size_t)done;
	}
	ev_io_want(&q->io, EV_READ);
	return true;
}

/* 1: the reply is whole, 0: not yet, -1: there will be none. */
static int tcp_read(struct query *q)
{
	struct error err = {0};
	ssize_t got = buf_read(&q->in, q->io.fd, &err);
	size_t size;

	if (got == 0 || (got == -1 && err.sys != EAGAIN))
		return -1;
	if (q->in.len < 2)
		return 0;
	size =
	    (size_t)(unsigned char)q->in.p[0] << 8 | (unsigned char)q->in.p[1];
	if (q->in.len < 2 + size)
		return 0;
	return dns_replies(str_sub(buf_str(&q->in), 2, 2 + size),
	           buf_str(&q->message), q->id)
	           ? 1
	           : -1;
}

static void tcp_ready(struct query *q, unsigned events)
{
	int more = 0;

	if (events & EV_WRITE && !tcp_write(q))
		more = -1;
	if (more == 0 && events & EV_READ)
		more = tcp_read(q);
	if (more == -1) {
		/* Some resolvers have no TCP: better a cut answer than none. */
		q->tcp = q->tcp && q->tries < q->n->nresolvers;
		try_next(q);
	} else if (more == 1) {
		take_reply(q, str_sub(buf_str(&q->in), 2, q->in.len));
	}
}

static void query_ready(struct ev_io *io, unsigned events)
{
	struct query *q = container_of(io, struct query, io);

	if (q->tcp)
		tcp_ready(q, events);
	else
		udp_ready(q);
}

static int dial(const struct ip *ip, bool tcp)
{
	struct sockaddr_in four = {
	    .sin_family = AF_INET, .sin_port = htons(DNS_PORT)};
	struct sockaddr_in6 six = {
	    .sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT)};
	bool is4 = ip_is4(ip);
	int fd = socket(is4 ? AF_INET : AF_INET6,
	    (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	four.sin_addr.s_addr = htonl(ip_v4(ip));
	memcpy(&six.sin6_addr, ip->b, sizeof(six.sin6_addr));
	if (fd != -1 &&
	    connect(fd,
	        is4 ? (struct sockaddr *)&four : (struct sockaddr *)&six,
	        is4 ? sizeof(four) : sizeof(six)) == -1 &&
	    errno != EINPROGRESS)
		fd_close(&fd);
	return fd;
}

static int send_question(struct query *q)
{
	struct str m = buf_str(&q->message);
	scoped_buf struct buf out = BUF_INIT(DNS_MAX + 2);

	q->id = (uint16_t)rand_u64();
	if (q->tcp) {
		buf_addc(&out, (char)(m.len >> 8));
		buf_addc(&out, (char)m.len);
	}
	buf_addc(&out, (char)(q->id >> 8));
	buf_addc(&out, (char)q->id);
	buf_add(&out, str_sub(m, 2, m.len));
	if (!q->tcp)
		return send(q->io.fd, out.p, out.len, MSG_NOSIGNAL) == -1 ? -1
		                                                          : 0;
	buf_clear(&q->in);
	buf_clear(&q->out);
	q->sent = 0;
	buf_add(&q->out, buf_str(&out));
	return 0;
}

static bool try_one(struct query *q)
{
	const struct ip *to = &q->n->resolvers[q->tries++ % q->n->nresolvers];

	ev_io_del(&q->io);
	fd_close(&q->io.fd);
	q->io = (struct ev_io){.fd = dial(to, q->tcp), .ready = query_ready};
	if (q->io.fd == -1 || send_question(q) == -1 ||
	    ev_io_add(q->n->ev, &q->io, q->tcp ? EV_WRITE : EV_READ, NULL) ==
	        -1) {
		fd_close(&q->io.fd);
		return false;
	}
	ev_timer_set(q->n->ev, &q->timer, TRY_MS);
	return true;
}

static void try_next(struct query *q)
{
	while (q->n->nresolvers > 0 && q->tries < TRIES_MAX)
		if (try_one(q))
			return;
	give_up(q);
}

static void timer_fired(struct ev_timer *t)
{
	struct query *q = container_of(t, struct query, timer);

	if (q->reply.len > 0)
		give_reply(q);
	else
		try_next(q);
}

/* --- the start ------------------------------------------------------------ */

static bool has_room(const struct names *n, uint64_t app)
{
	struct query *q;
	size_t of_app = 0;

	list_each(q, &n->queries, of_names) of_app += q->who.app == app;
	return n->nqueries < QUERIES_MAX && of_app < QUERIES_OF_APP;
}

void query_start(struct names *n, const struct asker *who, struct str message,
    const struct dns_question *question)
{
	struct query *q;

	if (!has_room(n, who->app)) {
		answer_code(n, who, message, DNS_SERVFAIL);
		return;
	}
	q = xcalloc(1, sizeof(*q));
	q->n = n;
	q->who = *who;
	q->tcp = who->client != 0;
	q->message = (struct buf)BUF_INIT(DNS_MAX);
	q->out = (struct buf)BUF_INIT(DNS_MAX + 2);
	q->in = (struct buf)BUF_INIT(DNS_MAX + 2);
	q->reply = (struct buf)BUF_INIT(DNS_MAX);
	q->io.fd = -1;
	q->timer.fire = timer_fired;
	memcpy(q->name, question->name, sizeof(q->name));
	buf_add(&q->message, message);
	list_add(&n->queries, &q->of_names);
	n->nqueries++;
	try_next(q);
}

void query_forget(struct names *n, uint64_t client)
{
	struct query *q;

	list_each(q, &n->queries, of_names)
	{
		if (q->who.client == client)
			query_free(q);
	}
}

void query_close(struct names *n)
{
	struct query *q;

	list_each(q, &n->queries, of_names) query_free(q);
}
