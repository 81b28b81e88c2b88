#include "ipc/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char mem[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
	struct cmsghdr align;
};

int packet_send(
    int fd, struct str bytes, const int *fds, int nfds, struct error *err)
{
	union control control;
	struct iovec part = {(char *)bytes.p, bytes.len};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	if (nfds > 0) {
		size_t size = sizeof(int) * (size_t)nfds;
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		m.msg_control = control.mem;
		m.msg_controllen = CMSG_SPACE(size);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(c), fds, size);
	}
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == -1 ? error_sys(err, "send a frame") : 0;
}

static void collect_fds(struct msghdr *m, struct frame *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (ret->nfds < FRAME_FDS_MAX)
				ret->fds[ret->nfds++] = fd;
			else
				close(fd);
		}
	}
}

int packet_recv(int fd, char *mem, struct frame *ret, struct error *err)
{
	union control control;
	struct iovec part = {mem, FRAME_MAX};
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.mem,
	    .msg_controllen = sizeof(control.mem)};
	struct frame got = {0};
	ssize_t n;

	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return error_sys(err, "receive a frame");
	collect_fds(&m, &got);
	if (n == 0) {
		frame_close_fds(&got);
		return 0;
	}
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		frame_close_fds(&got);
		return error_set(err, ERR_LIMIT, "a frame was cut short");
	}
	if (frame_parse(str_make(mem, (size_t)n), ret, err) == -1) {
		frame_close_fds(&got);
		return -1;
	}
	memcpy(ret->fds, got.fds, sizeof(got.fds));
	ret->nfds = got.nfds;
	return 1;
}
