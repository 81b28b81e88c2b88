/*
 * ctl - what jail asks of the shim, over the instance's ctl socket.
 *
 * One connection of uid 0 at a time; while it lasts, others wait in the
 * backlog. Frames are those of ipc/msg.h: HELLO each way, then SHIM_SIGNAL,
 * SHIM_ATTACH and SHIM_RESIZE, which are not answered. What breaks a rule ends
 * the connection.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "wire/frame.h"

#define CTL_FRAME_MAX 512 /* bytes; both requests are far smaller */

struct ctl {
	int listener;
	int peer; /* -1: none */
	bool greeted;
};

struct ctl_request {
	int signo;                 /* 0: none */
	int client;                /* -1: none; the caller's */
	unsigned short rows, cols; /* of the terminal; 0: as it is */
};

/* The listener stays the caller's until ctl_close. */
void ctl_init(struct ctl *c, int listener);
/* What to poll for reading. */
int ctl_fd(const struct ctl *c);
/* It is readable. True when there is a request. */
bool ctl_ready(struct ctl *c, struct ctl_request *ret);
void ctl_close(struct ctl *c);

/* Is f the hello of a jail that can speak our version? For the tests. */
bool ctl_welcome(const struct frame *f);
/* Our hello, as it goes over the wire. */
struct str ctl_hello(void);
