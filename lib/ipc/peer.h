/*
 * peer - frames between daemons over SOCK_SEQPACKET unix sockets.
 *
 * The listener checks SO_PEERCRED against the role that the hello claims;
 * the connector trusts the path. Every received frame is checked against the
 * table in msg.h (fields, grammar, descriptors, who may send it) before the
 * handler sees it; a peer that breaks a rule is cut off and logged.
 *
 * A peer is owned by the loop and its listener or connector. After down()
 * the pointer of an accepted or adopted one is dead; hold ids across turns,
 * not pointers. The three functions below are called by the loop alone, never
 * from within peer_send or peer_close; ctx lives as long as the peer.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ev/ev.h"
#include "ipc/msg.h"
#include "ipc/role.h"
#include "wire/frame.h"

#define IPC_QUEUE_MAX (8u << 20) /* bytes that may wait for a slow peer */

struct peer; /* opaque */

struct peer_ops {
	/* The hello is done: send the snapshot now. */
	void (*up)(struct peer *p, void *ctx);
	/* f is valid until return; fds not taken are closed afterwards. */
	void (*frame)(struct peer *p, struct frame *f, void *ctx);
	/* The connection is gone. A connector tries again by itself. */
	void (*down)(struct peer *p, void *ctx);
};

/* Accept peers on a listening descriptor (kept open, owned by the caller). */
struct ipc_listener *ipc_listen(struct ev *ev, int fd, enum role self,
    const struct roles *roles, const struct peer_ops *ops, void *ctx);
/* Closes its peers, too. */
void ipc_listener_free(struct ipc_listener *l);

/*
 * Connect to path and stay connected: tries at once, then after 20, 40 ...
 * 1000 ms. The returned peer lives until peer_close and may be used at any
 * time; what is sent while it is down is refused.
 */
struct peer *ipc_connect(struct ev *ev, const char *path, enum role self,
    enum role other, const struct peer_ops *ops, void *ctx);

/*
 * Take over a connected descriptor (owned from now on) whose other end is
 * known to be `other`: a pair made by super, or a worker's descriptor 0. No
 * hello is exchanged; up() is called on the next turn, down() alone when the
 * connection is lost before that. What is sent meanwhile goes out.
 */
struct peer *ipc_adopt(struct ev *ev, int fd, enum role self, enum role other,
    const struct peer_ops *ops, void *ctx);

/*
 * Send a frame; queues when the other side is slow and returns -1 when the
 * peer is down, the frame breaks its row in msg.h (which is logged), or the
 * queue is full (the peer is then cut off: it gets a snapshot when it is
 * back). Descriptors are duplicated as needed; o is released in every case.
 */
int peer_send(struct peer *p, struct frame_out *o);
/* Answer question with ERROR {code, text}. */
int peer_send_error(struct peer *p, uint32_t id, const struct error *err);
/* Answer question with OK. */
int peer_send_ok(struct peer *p, uint32_t id);

bool peer_is_up(const struct peer *p);
enum role peer_role(const struct peer *p);
uint64_t peer_id(const struct peer *p); /* unique in this process */
uint32_t peer_next_id(struct peer *p);  /* a fresh non-zero frame id */
/* End it; down() comes at the end of the turn if it was up. NULL is fine. */
void peer_close(struct peer *p);

/* The struct error that an ERROR frame carries. */
void frame_error(const struct frame *f, struct error *ret);

/*
 * Blocking use, for workers and short tools (no loop, fd in blocking mode).
 * o is released in every case.
 */
int ipc_send_fd(int fd, struct frame_out *o, struct error *err);
/* One checked frame into mem (FRAME_MAX bytes): 1, 0 at the end, -1. */
int ipc_recv_fd(int fd, enum role self, enum role other, char *mem,
    struct frame *ret, struct error *err);
