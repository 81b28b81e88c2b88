/*
 * body - the body of a request, from the HTTP side into a worker's pipe.
 *
 * Fed by the request; owned by it. Inflates gzip. Gathers the first 64 KiB
 * (or all, if it ends sooner) before it calls ready(): a stalled client holds
 * no worker. From body_connect on it writes into the pipe, and takes no more
 * from the client than the pipe takes. When the worker stops reading, the
 * rest is read and thrown away, so that the client sees our answer.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "ev/ev.h"

#define BODY_GATHER (64u << 10)

struct body; /* opaque */

struct body_ops {
	void (*ready)(void *ctx); /* once: now a worker is worth it */
	void (*room)(void *ctx);  /* feed again */
};

/* max bytes are let through; a few times more is read and thrown away. */
struct body *body_new(struct ev *ev, bool gzip, uint64_t max,
    const struct body_ops *ops, void *ctx);
/*
 * Let go of it; NULL is fine. One that was fed to its end still writes what
 * it has into the pipe, without further calls; else the pipe ends here.
 */
void body_free(struct body *b);

/*
 * Give it bytes; returns how many it took, fewer when it is full (room() is
 * called later). -1: the connection has to be closed.
 */
ssize_t body_feed(struct body *b, struct str bytes, struct error *err);
bool body_full(const struct body *b); /* room() will be called */
void body_end(struct body *b);        /* the last byte was fed */

/* The whole body is one flush: the probe before a large push. */
bool body_is_probe(const struct body *b);
/* Make the pipe; returns its reading end, the caller's. */
int body_connect(struct body *b, struct error *err);
/* Nobody reads any more. */
void body_discard(struct body *b);
/* The client took too long: the next byte of it ends the connection. */
void body_expire(struct body *b);
