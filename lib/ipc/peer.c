#include "ipc/peer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/packet.h"

#define FRAMES_A_TURN 64 /* then others have their turn */
#define RETRY_FIRST_MS 20
#define RETRY_MOST_MS 1000
#define ACCEPT_PAUSE_MS 100 /* after running out of descriptors */

/*
 *   DOWN --connected or accepted--> GREETING --hello--> UP --cut--> DOWN
 *
 * GREETING may go back to DOWN too. An adopted peer starts in GREETING and
 * is UP on the next turn. Only a connector leaves DOWN; the others are freed.
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
	struct list link; /* in its listener's */
	char *path;	  /* a connector's */
	struct ev_timer retry;
	uint64_t retry_ms;
	uid_t uid; /* the kernel's word on an accepted one */
	uint64_t id;
	uint32_t next_frame;
	void *data;
	struct list queue; /* struct waiting */
	size_t queued;	   /* bytes in it */
	bool was_up;	   /* down() is owed */
	bool doomed;	   /* to be freed at the end of the turn */
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

static char packet_mem[FRAME_MAX]; /* one loop, one frame at a time */

static void peer_settle(void *arg);

static struct peer *peer_new(struct ev *ev, enum role self, enum role other,
    const struct peer_ops *ops, void *ctx)
{
	static uint64_t ids;
	struct peer *p = xcalloc(1, sizeof(*p));

	p->ev = ev;
	p->self = self;
	p->other = other;
	p->ops = ops;
	p->ctx = ctx;
	p->io.fd = -1;
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

static void drop_queue(struct peer *p)
{
	struct waiting *w;

	list_each(w, &p->queue, link)
	{
		list_del(&w->link);
		for (int i = 0; i < w->nfds; i++)
			close(w->fds[i]);
		free(w);
	}
	p->queued = 0;
}

/* End the connection; down() and what follows come at the end of the turn. */
static void peer_cut(struct peer *p)
{
	ev_io_del(&p->io);
	fd_close(&p->io.fd);
	drop_queue(p);
	p->was_up |= p->state == PEER_UP;
	p->state = PEER_DOWN;
	if (!p->path)
		p->doomed = true;
	settle_later(p);
}

static void peer_fail(struct peer *p, const struct error *err)
{
	log_warn("peer cut off peer=%s reason=%s", role_name(p->other),
	    log_quote(str_z(err->msg)));
	peer_cut(p);
}

static void say_up(struct peer *p)
{
	p->state = PEER_UP;
	p->retry_ms = 0;
	if (p->ops->up)
		p->ops->up(p, p->ctx);
}

static void peer_want(struct peer *p)
{
	ev_io_want(
	    &p->io, EV_READ | (list_empty(&p->queue) ? 0 : EV_WRITE));
}

/* --- sending --------------------------------------------------------------- */

static void enqueue(struct peer *p, const struct frame_out *o)
{
	struct waiting *w = xmalloc(sizeof(*w) + o->bytes.len);

	w->len = o->bytes.len;
	w->nfds = 0;
	memcpy(w->bytes, o->bytes.p, o->bytes.len);
	for (int i = 0; i < o->nfds; i++) {
		int fd = fcntl(o->fds[i], F_DUPFD_CLOEXEC, 3);

		if (fd != -1)
			w->fds[w->nfds++] = fd;
	}
	list_init(&w->link);
	list_add(&p->queue, &w->link);
	p->queued += w->len;
	peer_want(p);
}

static int send_now(struct peer *p, const struct frame_out *o)
{
	struct error err = {0};

	if (!list_empty(&p->queue)) {
		err.sys = EAGAIN;
	} else if (packet_send(p->io.fd, buf_str(&o->bytes), o->fds, o->nfds,
		       &err) == 0) {
		return 0;
	}
	if (err.sys != EAGAIN && err.sys != ETOOMANYREFS) {
		peer_fail(p, &err);
		return -1;
	}
	if (p->queued + o->bytes.len > IPC_QUEUE_MAX) {
		(void)error_set(&err, ERR_LIMIT, "it does not keep up");
		peer_fail(p, &err);
		return -1;
	}
	enqueue(p, o);
	return 0;
}

/* Send in any state but DOWN: the hello goes out while GREETING. */
static int send_frame(struct peer *p, struct frame_out *o)
{
	int result = -1;

	if (p->state != PEER_DOWN && !o->bytes.bad)
		result = send_now(p, o);
	else if (o->bytes.bad)
		log_warn("frame too large for peer=%s", role_name(p->other));
	frame_out_release(o);
	return result;
}

int peer_send(struct peer *p, struct frame_out *o)
{
	if (p->state == PEER_UP)
		return send_frame(p, o);
	frame_out_release(o);
	return -1;
}

static void send_waiting(struct peer *p)
{
	struct waiting *w;

	list_each(w, &p->queue, link)
	{
		struct error err = {0};

		if (packet_send(p->io.fd, str_make(w->bytes, w->len), w->fds,
			w->nfds, &err) == -1) {
			if (err.sys != EAGAIN && err.sys != ETOOMANYREFS)
				peer_fail(p, &err);
			return;
		}
		p->queued -= w->len;
		list_del(&w->link);
		for (int i = 0; i < w->nfds; i++)
			close(w->fds[i]);
		free(w);
	}
	peer_want(p);
}

static int send_hello(struct peer *p)
{
	struct frame_out o = frame_begin(MSG_HELLO, 0);

	frame_put_u64(&o, F_VERSION, IPC_VERSION);
	frame_put_u64(&o, F_ROLE, p->self);
	return send_frame(p, &o);
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

/* --- receiving ------------------------------------------------------------- */

static int check_hello(struct peer *p, const struct frame *f, struct error *err)
{
	enum role role = (enum role)frame_u64(f, F_ROLE);

	if (f->type != MSG_HELLO)
		return error_set(err, ERR_INVALID, "no hello but %s",
		    msg_name(f->type));
	if (frame_u64(f, F_VERSION) != IPC_VERSION)
		return error_set(err, ERR_INVALID, "version %llu",
		    (unsigned long long)frame_u64(f, F_VERSION));
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

	if (msg_check(f, from, p->self, &err) == -1)
		peer_fail(p, &err);
	else if (p->state == PEER_GREETING)
		greet(p, f);
	else if (f->type != MSG_HELLO)
		p->ops->frame(p, f, p->ctx);
}

static void peer_read(struct peer *p)
{
	for (int i = 0; i < FRAMES_A_TURN && p->io.fd != -1; i++) {
		struct error err = {0};
		struct frame f;
		int n = packet_recv(p->io.fd, packet_mem, &f, &err);

		if (n == 1) {
			take_frame(p, &f);
			frame_close_fds(&f);
		} else if (n == 0) {
			peer_cut(p);
		} else {
			if (err.sys == ECONNRESET)
				peer_cut(p);
			else if (err.sys != EAGAIN)
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
	if (events & (EV_READ | EV_HUP))
		peer_read(p);
}

static int peer_start(struct peer *p, int fd, struct error *err)
{
	p->io = (struct ev_io){.fd = fd, .ready = peer_ready};
	p->state = PEER_GREETING;
	return ev_io_add(p->ev, &p->io, EV_READ, err);
}

/* --- the end of a turn: down(), a new try, or the end ---------------------- */

static void retry_later(struct peer *p)
{
	p->retry_ms = p->retry_ms ? p->retry_ms * 2 : RETRY_FIRST_MS;
	if (p->retry_ms > RETRY_MOST_MS)
		p->retry_ms = RETRY_MOST_MS;
	ev_timer_set(p->ev, &p->retry, p->retry_ms);
}

static void peer_settle(void *arg)
{
	struct peer *p = arg;

	p->deferred = false;
	if (p->was_up) {
		p->was_up = false;
		if (p->ops->down)
			p->ops->down(p, p->ctx);
	}
	if (p->doomed) {
		ev_timer_stop(&p->retry);
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

/* --- connectors ------------------------------------------------------------ */

static int connect_fd(const char *path, struct error *err)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	scoped_fd int fd = -1;

	if (strlen(path) >= sizeof(to.sun_path))
		return error_set(err, ERR_LIMIT, "socket path %s", path);
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(
	    AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return error_sys(err, "socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		return error_sys(err, "connect to %s", path);
	return take_fd(&fd);
}

static void try_connect(struct peer *p)
{
	struct error err = {0};
	int fd = connect_fd(p->path, &err);

	if (fd == -1) {
		log_debug("%s", err.msg);
		retry_later(p);
	} else if (peer_start(p, fd, &err) == -1) {
		peer_fail(p, &err);
	} else {
		(void)send_hello(p);
	}
}

static void retry_fired(struct ev_timer *t)
{
	try_connect(container_of(t, struct peer, retry));
}

struct peer *ipc_connect(struct ev *ev, const char *path, enum role self,
    enum role other, const struct peer_ops *ops, void *ctx)
{
	struct peer *p = peer_new(ev, self, other, ops, ctx);

	p->path = xstrdup(path);
	p->retry.fire = retry_fired;
	try_connect(p);
	return p;
}

/* --- listeners ------------------------------------------------------------- */

static void accept_one(struct ipc_listener *l, int fd)
{
	struct peer *p = peer_new(l->ev, l->self, ROLE_NONE, l->ops, l->ctx);
	struct ucred who;
	socklen_t len = sizeof(who);
	struct error err = {0};

	p->roles = l->roles;
	p->uid = (uid_t)-1;
	list_add(&l->peers, &p->link);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		p->uid = who.uid;
	if (peer_start(p, fd, &err) == -1)
		peer_fail(p, &err);
}

static void listener_ready(struct ev_io *io, unsigned events)
{
	struct ipc_listener *l = container_of(io, struct ipc_listener, io);
	int fd;

	while ((fd = accept4(io->fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1)
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

/* --- adopted ones ---------------------------------------------------------- */

static void adopted_up(void *arg)
{
	struct peer *p = arg;

	p->deferred = false;
	if (p->doomed)
		peer_settle(p);
	else
		say_up(p);
}

struct peer *ipc_adopt(struct ev *ev, int fd, enum role self, enum role other,
    const struct peer_ops *ops, void *ctx)
{
	struct peer *p = peer_new(ev, self, other, ops, ctx);
	struct error err = {0};

	if (fd_nonblock(fd, true, &err) == -1 ||
	    peer_start(p, fd, &err) == -1) {
		log_error("adopt a peer: %s", err.msg);
		abort();
	}
	p->state = PEER_UP;
	p->deferred = true;
	ev_defer(ev, adopted_up, p);
	return p;
}

/* --- what the user asks ---------------------------------------------------- */

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

void peer_set_data(struct peer *p, void *data)
{
	p->data = data;
}

void *peer_data(const struct peer *p)
{
	return p->data;
}
