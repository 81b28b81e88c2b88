#include "ipc/peer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/connect.h"
#include "ipc/packet.h"

#define FRAMES_A_TURN 64 /* then others have their turn */
#define RETRY_FIRST_MS 20
#define RETRY_MOST_MS 1000
#define LASTED_MS 1000      /* a connection that did starts over at once */
#define FLIGHT_PAUSE_MS 20  /* after too many descriptors in flight */
#define GREETING_MS 10000   /* for an accepted one to say hello */
#define GREETING_MOST 64    /* accepted ones that have not yet */
#define ACCEPT_PAUSE_MS 100 /* after running out of descriptors */

/*
 *   DOWN --connected or accepted--> GREETING --hello--> UP --cut--> DOWN
 *
 * 1. GREETING may go back to DOWN too. An adopted peer is UP from the start,
 *    but nothing is read from it before up() was called.
 * 2. Only a connector leaves DOWN; the others are freed.
 * 3. up(), frame() and down() are called by the loop alone, never from within
 *    a function of this file that the user called.
 */
enum peer_state { PEER_DOWN, PEER_GREETING, PEER_UP };

struct waiting { /* a frame that the socket had no room for */
	struct list link;
	size_t len;
	int fds[FRAME_FDS_MAX];
	int nfds;
	char bytes[];
};

struct peer {
	struct ev_io io;
	struct ev *ev;
	enum peer_state state;
	enum role self, other;
	const struct peer_ops *ops;
	void *ctx;
	const struct roles *roles; /* accepted ones: for the hello */
	struct list link;          /* in its listener's */
	char *path;                /* a connector's */
	/* DOWN: the next try; GREETING: the end; UP: to send again. */
	struct ev_timer timer;
	uint64_t retry_ms, up_ms;
	uid_t uid; /* the kernel's word on an accepted one */
	uint64_t id;
	uint32_t next_frame;
	struct list queue; /* struct waiting */
	size_t queued;     /* bytes of memory in it */
	bool said_up;      /* down() is owed once it is DOWN */
	bool doomed;       /* to be freed at the end of the turn */
	bool deferred;
};

struct ipc_listener {
	struct ev_io io;
	struct ev *ev;
	enum role self;
	const struct roles *roles;
	const struct peer_ops *ops;
	void *ctx;
	struct list peers;
	struct ev_timer pause;
};

static void peer_settle(void *arg);
static void timer_fired(struct ev_timer *t);

static struct peer *peer_new(struct ev *ev, enum role self, enum role other,
    const struct peer_ops *ops, void *ctx)
{
	static _Atomic uint64_t ids;
	struct peer *p = xcalloc(1, sizeof(*p));

	p->ev = ev;
	p->self = self;
	p->other = other;
	p->ops = ops;
	p->ctx = ctx;
	p->io.fd = -1;
	p->timer.fire = timer_fired;
	p->id = ++ids;
	list_init(&p->queue);
	list_init(&p->link);
	return p;
}

static void settle_later(struct peer *p)
{
	if (p->deferred)
		return;
	p->deferred = true;
	ev_defer(p->ev, peer_settle, p);
}

static void waiting_free(struct waiting *w)
{
	list_del(&w->link);
	for (int i = 0; i < w->nfds; i++)
		fd_close(&w->fds[i]);
	free(w);
}

static void drop_queue(struct peer *p)
{
	struct waiting *w;

	list_each(w, &p->queue, link) waiting_free(w);
	p->queued = 0;
}

/* End the connection; down() and what follows come at the end of the turn. */
static void peer_cut(struct peer *p)
{
	ev_io_del(&p->io);
	fd_close(&p->io.fd);
	ev_timer_stop(&p->timer);
	drop_queue(p);
	p->state = PEER_DOWN;
	if (!p->path)
		p->doomed = true;
	settle_later(p);
}

static void peer_fail(struct peer *p, const struct error *err)
{
	/* That the other side went away is nobody's fault. */
	if (err->sys == EPIPE || err->sys == ECONNRESET)
		return peer_cut(p);
	log_warn("peer cut off peer=%s reason=%s", role_name(p->other),
	    log_quote(str_z(err->msg)));
	peer_cut(p);
}

static void say_up(struct peer *p)
{
	ev_timer_stop(&p->timer);
	p->state = PEER_UP;
	p->said_up = true;
	p->up_ms = ev_now_ms(p->ev);
	if (p->ops->up)
		p->ops->up(p, p->ctx);
}

static void peer_want(struct peer *p)
{
	ev_io_want(&p->io, EV_READ | (list_empty(&p->queue) ? 0 : EV_WRITE));
}

/* --- sending ------------------------------------------------------------- */

static bool try_later(const struct error *err)
{
	return err->sys == EAGAIN || err->sys == ETOOMANYREFS ||
	       err->sys == ENOBUFS;
}

/* The socket may be writable though its descriptors find no room. */
static void wait_for_room(struct peer *p, const struct error *err)
{
	if (err->sys == EAGAIN) {
		peer_want(p);
		return;
	}
	ev_io_want(&p->io, EV_READ);
	ev_timer_set(p->ev, &p->timer, FLIGHT_PAUSE_MS);
}

static int enqueue(struct peer *p, const struct frame_out *o, struct error *err)
{
	size_t size = sizeof(struct waiting) + o->bytes.len;
	struct waiting *w;

	if (p->queued + size > IPC_QUEUE_MAX)
		return error_set(err, ERR_LIMIT, "it does not keep up");
	w = xmalloc(size);
	w->len = o->bytes.len;
	w->nfds = 0;
	memcpy(w->bytes, o->bytes.p, o->bytes.len);
	list_init(&w->link);
	for (int i = 0; i < o->nfds; i++) {
		int fd = fcntl(o->fds[i], F_DUPFD_CLOEXEC, 3);

		if (fd == -1) {
			error_sys(err, "keep a descriptor for it");
			waiting_free(w);
			return -1;
		}
		w->fds[w->nfds++] = fd;
	}
	list_add(&p->queue, &w->link);
	p->queued += size;
	return 0;
}

static int send_now(struct peer *p, const struct frame_out *o)
{
	bool first = list_empty(&p->queue);
	struct error err = {0};

	if (first && packet_send(p->io.fd, buf_str(&o->bytes), o->fds, o->nfds,
	                 &err) == 0)
		return 0;
	if (first && !try_later(&err)) {
		peer_fail(p, &err);
		return -1;
	}
	if (enqueue(p, o, &err) == -1) {
		peer_fail(p, &err);
		return -1;
	}
	if (first)
		wait_for_room(p, &err);
	return 0;
}

/* What the other side would cut us off for is not sent at all. */
static bool well_formed(const struct peer *p, const struct frame_out *o)
{
	struct error err = {0};
	struct frame f;

	if (o->bytes.bad) {
		(void)error_set(&err, ERR_LIMIT, "it grew past its limit");
	} else if (frame_parse(buf_str(&o->bytes), &f, &err) == 0) {
		f.nfds = o->nfds;
		if (msg_check(&f, p->self, p->other, &err) == 0)
			return true;
	}
	log_error("frame not sent peer=%s reason=%s", role_name(p->other),
	    log_quote(str_z(err.msg)));
	return false;
}

int peer_send(struct peer *p, struct frame_out *o)
{
	int result = -1;

	if (p->state == PEER_UP && well_formed(p, o))
		result = send_now(p, o);
	frame_out_release(o);
	return result;
}

static void send_waiting(struct peer *p)
{
	struct waiting *w;

	list_each(w, &p->queue, link)
	{
		struct error err = {0};

		if (packet_send(p->io.fd, str_make(w->bytes, w->len), w->fds,
		        w->nfds, &err) == -1) {
			if (try_later(&err))
				wait_for_room(p, &err);
			else
				peer_fail(p, &err);
			return;
		}
		p->queued -= sizeof(*w) + w->len;
		waiting_free(w);
	}
	peer_want(p);
}

static int send_hello(struct peer *p)
{
	struct frame_out o = frame_begin(MSG_HELLO, 0);
	int result;

	frame_put_u64(&o, F_VERSION, IPC_VERSION);
	frame_put_u64(&o, F_ROLE, p->self);
	result = send_now(p, &o);
	frame_out_release(&o);
	return result;
}

int peer_send_error(struct peer *p, uint32_t id, const struct error *err)
{
	struct frame_out o = frame_begin(MSG_ERROR, id);

	frame_put_u64(&o, F_CODE, err->code);
	frame_put_z(&o, F_TEXT, err->msg);
	frame_put_u64(&o, F_SYS, (uint64_t)err->sys);
	return peer_send(p, &o);
}

int peer_send_ok(struct peer *p, uint32_t id)
{
	struct frame_out o = frame_begin(MSG_OK, id);

	return peer_send(p, &o);
}

/* --- receiving ----------------------------------------------------------- */

static int check_hello(struct peer *p, const struct frame *f, struct error *err)
{
	uint64_t number = frame_u64(f, F_ROLE),
	         version = frame_u64(f, F_VERSION);
	enum role role = number < ROLE_N ? (enum role)number : ROLE_NONE;

	if (f->type != MSG_HELLO)
		return error_set(
		    err, ERR_INVALID, "no hello but %s", msg_name(f->type));
	/* One apart, while programs are replaced one by one: the newer of
	 * the two keeps to what the older knows. */
	if (version > IPC_VERSION + 1 || version + 1 < IPC_VERSION)
		return error_set(err, ERR_INVALID, "version %llu",
		    (unsigned long long)version);
	if (p->path)
		return role == p->other
		           ? 0
		           : error_set(err, ERR_FORBIDDEN, "it is %s, not %s",
		                 role_name(role), role_name(p->other));
	if (!role_matches(p->roles, role, p->uid))
		return error_set(err, ERR_FORBIDDEN, "user %u is not %s",
		    (unsigned)p->uid, role_name(role));
	p->other = role;
	return 0;
}

static void greet(struct peer *p, const struct frame *f)
{
	struct error err = {0};

	if (check_hello(p, f, &err) == -1)
		peer_fail(p, &err);
	else if (p->path || send_hello(p) == 0)
		say_up(p);
}

static void take_frame(struct peer *p, struct frame *f)
{
	enum role from = p->state == PEER_UP ? p->other : ROLE_NONE;
	struct error err = {0};

	if (msg_check(f, from, p->self, &err) == -1) {
		peer_fail(p, &err);
	} else if (p->state == PEER_GREETING) {
		greet(p, f);
	} else if (f->type == MSG_HELLO) {
		(void)error_set(&err, ERR_INVALID, "a second hello");
		peer_fail(p, &err);
	} else {
		p->ops->frame(p, f, p->ctx);
	}
}

static void peer_read(struct peer *p)
{
	char mem[FRAME_MAX];

	for (int i = 0; i < FRAMES_A_TURN && p->io.fd != -1; i++) {
		struct error err = {0};
		struct frame f;
		int n = packet_recv(p->io.fd, mem, &f, &err);

		if (n == 1) {
			take_frame(p, &f);
			frame_close_fds(&f);
		} else if (n == 0) {
			peer_cut(p);
		} else {
			if (err.sys != EAGAIN)
				peer_fail(p, &err);
			return;
		}
	}
}

static void peer_ready(struct ev_io *io, unsigned events)
{
	struct peer *p = container_of(io, struct peer, io);

	if (events & EV_WRITE)
		send_waiting(p);
	if (events & (EV_READ | EV_HUP) && p->io.fd != -1)
		peer_read(p);
}

static int peer_start(struct peer *p, int fd, struct error *err)
{
	p->io = (struct ev_io){.fd = fd, .ready = peer_ready};
	p->state = PEER_GREETING;
	return ev_io_add(p->ev, &p->io, EV_READ, err);
}

/* --- the end of a turn: down(), a new try, or the end -------------------- */

static void retry_later(struct peer *p)
{
	ev_timer_set(p->ev, &p->timer, p->retry_ms);
	p->retry_ms = p->retry_ms ? p->retry_ms * 2 : RETRY_FIRST_MS;
	if (p->retry_ms > RETRY_MOST_MS)
		p->retry_ms = RETRY_MOST_MS;
}

static void peer_settle(void *arg)
{
	struct peer *p = arg;

	p->deferred = false;
	if (p->said_up) {
		p->said_up = false;
		if (ev_now_ms(p->ev) - p->up_ms >= LASTED_MS)
			p->retry_ms = 0;
		if (p->ops->down)
			p->ops->down(p, p->ctx);
	}
	if (p->deferred)
		return; /* down() closed it: this comes once more */
	if (p->doomed) {
		ev_timer_stop(&p->timer);
		list_del(&p->link);
		free(p->path);
		free(p);
	} else if (p->state == PEER_DOWN) {
		retry_later(p);
	}
}

void peer_close(struct peer *p)
{
	if (!p || p->doomed)
		return;
	p->doomed = true;
	peer_cut(p);
}

/* --- connectors ---------------------------------------------------------- */

static void try_connect(struct peer *p)
{
	struct error err = {0};
	int fd = ipc_connect_fd(p->path, &err);

	if (fd == -1) {
		log_debug("%s", err.msg);
		retry_later(p);
	} else if (peer_start(p, fd, &err) == -1) {
		peer_fail(p, &err);
	} else {
		ev_timer_set(p->ev, &p->timer, GREETING_MS);
		(void)send_hello(p);
	}
}

static void timer_fired(struct ev_timer *t)
{
	struct peer *p = container_of(t, struct peer, timer);
	struct error err = {0};

	switch (p->state) {
	case PEER_DOWN:
		try_connect(p);
		break;
	case PEER_GREETING:
		(void)error_set(&err, ERR_LIMIT, "it said no hello");
		peer_fail(p, &err);
		break;
	case PEER_UP:
		send_waiting(p);
		break;
	}
}

struct peer *ipc_connect(struct ev *ev, const char *path, enum role self,
    enum role other, const struct peer_ops *ops, void *ctx)
{
	struct peer *p = peer_new(ev, self, other, ops, ctx);

	p->path = xstrdup(path);
	p->retry_ms = RETRY_FIRST_MS;
	try_connect(p);
	return p;
}

/* --- listeners ----------------------------------------------------------- */

/* Is there a place for one more, and a role that this user could claim? */
static bool welcome(const struct ipc_listener *l, uid_t uid)
{
	const struct peer *p;
	int greeting = 0;

	list_each(p, &l->peers, link) greeting += p->state == PEER_GREETING;
	for (int role = ROLE_NONE + 1; role < ROLE_N; role++)
		if (role_matches(l->roles, (enum role)role, uid))
			return greeting < GREETING_MOST;
	return false;
}

static void accept_one(struct ipc_listener *l, int fd)
{
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t len = sizeof(who);
	struct error err = {0};
	struct peer *p;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1 ||
	    !welcome(l, who.uid)) {
		log_warn("connection refused uid=%u", (unsigned)who.uid);
		fd_close(&fd);
		return;
	}
	p = peer_new(l->ev, l->self, ROLE_NONE, l->ops, l->ctx);
	p->roles = l->roles;
	p->uid = who.uid;
	list_add(&l->peers, &p->link);
	if (peer_start(p, fd, &err) == -1)
		peer_fail(p, &err);
	else
		ev_timer_set(p->ev, &p->timer, GREETING_MS);
}

static void listener_ready(struct ev_io *io, unsigned events)
{
	struct ipc_listener *l = container_of(io, struct ipc_listener, io);
	int fd;

	while ((fd = accept4(
	            io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1)
		accept_one(l, fd);
	if (errno == EMFILE || errno == ENFILE) {
		log_error("out of descriptors for peers");
		ev_io_want(io, 0);
		ev_timer_set(l->ev, &l->pause, ACCEPT_PAUSE_MS);
	}
}

static void pause_over(struct ev_timer *t)
{
	struct ipc_listener *l = container_of(t, struct ipc_listener, pause);

	ev_io_want(&l->io, EV_READ);
}

struct ipc_listener *ipc_listen(struct ev *ev, int fd, enum role self,
    const struct roles *roles, const struct peer_ops *ops, void *ctx)
{
	struct ipc_listener *l = xcalloc(1, sizeof(*l));
	struct error err = {0};

	*l = (struct ipc_listener){
	    .io = {.fd = fd, .ready = listener_ready},
	    .ev = ev,
	    .self = self,
	    .roles = roles,
	    .ops = ops,
	    .ctx = ctx,
	    .pause = {.fire = pause_over},
	};
	list_init(&l->peers);
	if (fd_nonblock(fd, true, &err) == -1 ||
	    ev_io_add(ev, &l->io, EV_READ, &err) == -1) {
		log_error("listen for peers: %s", err.msg);
		abort();
	}
	return l;
}

void ipc_listener_free(struct ipc_listener *l)
{
	struct peer *p;

	if (!l)
		return;
	ev_io_del(&l->io);
	ev_timer_stop(&l->pause);
	list_each(p, &l->peers, link)
	{
		list_del(&p->link);
		peer_close(p);
	}
	free(l);
}

/* --- adopted ones -------------------------------------------------------- */

/* Only from here on is it read, so that up() comes before any frame. */
static void adopted_up(void *arg)
{
	struct peer *p = arg;
	struct error err = {0};

	p->deferred = false;
	if (p->state != PEER_UP) {
		peer_settle(p);
		return;
	}
	if (ev_io_add(p->ev, &p->io, EV_READ, &err) == -1) {
		peer_fail(p, &err);
		return;
	}
	peer_want(p);
	say_up(p);
}

struct peer *ipc_adopt(struct ev *ev, int fd, enum role self, enum role other,
    const struct peer_ops *ops, void *ctx)
{
	struct peer *p = peer_new(ev, self, other, ops, ctx);
	struct error err = {0};

	if (fd_nonblock(fd, true, &err) == -1) {
		log_error("adopt a peer: %s", err.msg);
		abort();
	}
	p->io = (struct ev_io){.fd = fd, .ready = peer_ready};
	p->state = PEER_UP;
	p->said_up = true; /* its user may lose it before up() */
	p->deferred = true;
	ev_defer(ev, adopted_up, p);
	return p;
}

/* --- what the user asks -------------------------------------------------- */

bool peer_is_up(const struct peer *p)
{
	return p && p->state == PEER_UP;
}

enum role peer_role(const struct peer *p)
{
	return p->other;
}

uint64_t peer_id(const struct peer *p)
{
	return p->id;
}

uint32_t peer_next_id(struct peer *p)
{
	if (++p->next_frame == 0)
		p->next_frame = 1;
	return p->next_frame;
}
