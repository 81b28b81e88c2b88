/*
 * attach - the terminal or pipes of a container, and the client at them.
 *
 * Owned by the loop of a shim in MODE_PTY or MODE_PIPE.
 *
 *   WAITING --client--> JOINED --all delivered--> CLOSING --> DONE
 *
 * A client that leaves, or that does not come, leads from WAITING or JOINED
 * to LEFT: the container is hung up, then killed; its end leads to DONE.
 * 1. Output is read in JOINED only: until then it waits where it is. (When
 *    the container has ended, one read tells whether there is any.)
 * 2. CLOSING is entered after the container's end only, and waits for the
 *    client to have read all.
 */
#pragma once
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ATTACH_CLIENT_MS 60000 /* for a client to come */
#define ATTACH_HANGUP_MS 5000  /* from SIGHUP to SIGKILL */
#define ATTACH_END_MS 10000    /* for a client to read the last output */

enum attach_state {
	ATTACH_WAITING,
	ATTACH_JOINED,
	ATTACH_CLOSING,
	ATTACH_LEFT,
	ATTACH_DONE
};

struct leg {
	size_t at, len;
	bool ended;
	char bytes[4096];
};

struct attach {
	enum attach_state state;
	bool pty;
	bool exited;         /* the container has ended */
	int input, output;   /* the container's, -1 when closed */
	int client;          /* -1 in WAITING */
	uint64_t due_ms;     /* of the state; UINT64_MAX for none */
	struct leg down, up; /* to the container, to the client */
};

/* Takes over both descriptors, which do not block. */
void attach_init(
    struct attach *a, bool pty, int input, int output, uint64_t now_ms);
/* Join a connected stream socket; on failure it stays the caller's. */
int attach_join(struct attach *a, int client, struct error *err);
/* Its terminal, if it has one, is of this size from now on. */
void attach_resize(
    const struct attach *a, unsigned short rows, unsigned short cols);
/* Fill in what to wait for: input, output, client. */
void attach_want(const struct attach *a, struct pollfd p[3]);
/*
 * Move bytes, look at p as poll left it, and at the time. Returns a signal
 * that the container should get, or 0.
 */
int attach_turn(struct attach *a, const struct pollfd p[3], uint64_t now_ms);
/* The container has ended; ATTACH_DONE may take a while yet. */
void attach_exited(struct attach *a, uint64_t now_ms);
