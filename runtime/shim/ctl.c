#include "ctl.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "ipc/msg.h"
#include "ipc/role.h"

#define LE16(n) (n) & 0xff, (n) >> 8 & 0xff
#define LE64(n) LE16(n), 0, 0, 0, 0, 0, 0 /* of a small n */
#define SIGNALS_MOST 64

struct str ctl_hello(void)
{
	/* Written out, since a frame_out allocates. */
	static const unsigned char hello[] = {LE16(MSG_HELLO), 0, 0, 0, 0, 0, 0,
	    LE16(F_VERSION), LE16(8), LE64(IPC_VERSION), LE16(F_ROLE), LE16(8),
	    LE64(ROLE_SHIM)};

	return str_make(hello, sizeof(hello));
}

/*
 * The shim stays while jail is replaced, so a jail of a later version is fine:
 * it reads the shim's version, and keeps to it.
 */
bool ctl_welcome(const struct frame *f)
{
	return f->type == MSG_HELLO &&
	       frame_u64(f, F_VERSION) + 1 >= IPC_VERSION &&
	       frame_u64(f, F_ROLE) == ROLE_JAIL;
}

/* --- the connection ------------------------------------------------------ */

void ctl_init(struct ctl *c, int listener)
{
	*c = (struct ctl){.listener = listener, .peer = -1};
}

int ctl_fd(const struct ctl *c)
{
	return c->peer == -1 ? c->listener : c->peer;
}

static void hang_up(struct ctl *c)
{
	fd_close(&c->peer);
	c->greeted = false;
}

void ctl_close(struct ctl *c)
{
	hang_up(c);
	fd_close(&c->listener);
}

static void accept_one(struct ctl *c)
{
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t len = sizeof(who);

	c->peer =
	    accept4(c->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c->peer != -1 &&
	    (getsockopt(c->peer, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1 ||
	        who.uid != 0))
		hang_up(c);
}

/* --- frames -------------------------------------------------------------- */

static void collect_fds(struct msghdr *m, struct frame *ret)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	ret->nfds = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(ret->fds, CMSG_DATA(c), (size_t)ret->nfds * sizeof(int));
}

/* One packet: 1 with *ret, 0 for none now, -1 at the end or a bad one. */
static int receive(int fd, char *mem, struct frame *ret)
{
	union {
		char mem[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec part = {mem, CTL_FRAME_MAX};
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.mem,
	    .msg_controllen = sizeof(control.mem)};
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	int parsed;

	if (n <= 0)
		return n == -1 && errno == EAGAIN ? 0 : -1;
	parsed = frame_parse(str_make(mem, (size_t)n), ret, NULL);
	collect_fds(&m, ret);
	if (parsed == -1 || m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -1;
	return 1;
}

static bool take_size(const struct frame *f, struct ctl_request *ret)
{
	uint64_t rows = frame_u64(f, F_ROWS), cols = frame_u64(f, F_COLS);

	if (!rows || !cols || rows > UINT16_MAX || cols > UINT16_MAX)
		return false;
	ret->rows = (unsigned short)rows;
	ret->cols = (unsigned short)cols;
	return f->nfds == 0;
}

/* 1 when it is a request, 0 when it needs nothing, -1 when it breaks a rule. */
static int take_frame(struct ctl *c, struct frame *f, struct ctl_request *ret)
{
	uint64_t signo = frame_u64(f, F_SIGNO);
	struct str hello = ctl_hello();

	if (!c->greeted) {
		c->greeted = ctl_welcome(f);
		return c->greeted && send(c->peer, hello.p, hello.len,
		                         MSG_NOSIGNAL) != -1
		           ? 0
		           : -1;
	}
	switch (f->type) {
	case MSG_SHIM_SIGNAL:
		if (signo < 1 || signo > SIGNALS_MOST || f->nfds != 0)
			return -1;
		ret->signo = (int)signo;
		return 1;
	case MSG_SHIM_ATTACH:
		if (f->nfds != 1)
			return -1;
		ret->client = frame_take_fd(f, 0);
		return 1;
	case MSG_SHIM_RESIZE:
		return take_size(f, ret) ? 1 : -1;
	case MSG_OK:
	case MSG_ERROR:
		return 0;
	default:
		return -1;
	}
}

bool ctl_ready(struct ctl *c, struct ctl_request *ret)
{
	struct frame f = {0};
	char mem[CTL_FRAME_MAX];
	int n;

	*ret = (struct ctl_request){.client = -1};
	if (c->peer == -1) {
		accept_one(c);
		return false;
	}
	n = receive(c->peer, mem, &f);
	if (n == 1)
		n = take_frame(c, &f, ret);
	frame_close_fds(&f);
	if (n == -1)
		hang_up(c);
	return n == 1;
}
