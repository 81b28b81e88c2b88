/*
 * packet - one frame and its descriptors through a SOCK_SEQPACKET socket.
 *
 * Called by peer.c and by blocking.c alone.
 */
#pragma once
#include <sys/types.h>

#include "base/error.h"
#include "wire/frame.h"

/* Send bytes and fds at once. 0, or -1 with err (err->sys EAGAIN: full). */
int packet_send(
    int fd, struct str bytes, const int *fds, int nfds, struct error *err);

/*
 * Receive one packet into mem (FRAME_MAX bytes) and parse it; its descriptors
 * belong to ret. 1, 0 at the end, -1 with err (err->sys EAGAIN: nothing).
 */
int packet_recv(int fd, char *mem, struct frame *ret, struct error *err);
