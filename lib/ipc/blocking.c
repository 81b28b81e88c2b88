/* The blocking half of ipc/peer.h: for workers and short tools. */
#include "ipc/packet.h"
#include "ipc/peer.h"

int ipc_send_fd(int fd, struct frame_out *o, struct error *err)
{
	int result =
	    o->bytes.bad
	        ? error_set(err, ERR_LIMIT, "a frame grew past its limit")
	        : packet_send(fd, buf_str(&o->bytes), o->fds, o->nfds, err);

	frame_out_release(o);
	return result;
}

int ipc_recv_fd(int fd, enum role self, enum role other, char *mem,
    struct frame *ret, struct error *err)
{
	int n = packet_recv(fd, mem, ret, err);

	if (n == 1 && msg_check(ret, other, self, err) == -1) {
		frame_close_fds(ret);
		return -1;
	}
	return n;
}

void frame_error(const struct frame *f, struct error *ret)
{
	struct str text = frame_str(f, F_TEXT);
	uint64_t code = frame_u64(f, F_CODE);

	*ret = (struct error){0};
	(void)error_set(ret,
	    code > ERR_NONE && code < ERR_N ? (enum errc)code : ERR_INTERNAL,
	    STR_FMT, STR_ARG(text));
	ret->sys = (int)frame_u64(f, F_SYS);
}
