/*
 * conn - one end of a stream: reads into a borrowed block, sends at once
 * what the kernel takes, keeps the rest, and has a deadline that is cheap to
 * move.
 *
 * Embedded in a client and in an upstream, which own it. It reports what
 * happened and decides nothing.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "bytes.h"
#include "ev/ev.h"

struct tls;

struct conn {
	struct ev_io io;
	struct tls *tls; /* owned; NULL when plain */
	struct ev_timer timer;
	uint64_t deadline_ms; /* the timer may ring earlier and go on */
	struct bytes *in;     /* read and not yet used; NULL when none */
	struct bytes *out;    /* taken and not yet sent; NULL when none */
	bool eof;             /* nothing more will come */
	bool reset;           /* and that not by a proper end */
	bool broken;          /* nothing more can be sent */
	bool fin;             /* our end follows what is in out */
};

/* c->io.fd is open (owned from now on), io.ready and timer.fire are set. */
int conn_open(struct ev *ev, struct conn *c, struct error *err);
void conn_close(struct conn *c, struct pool *pool); /* twice is harmless */

/*
 * Read once. Returns 1 when bytes came, 0 when none did (also at the end:
 * c->eof), -1 when the connection is lost (c->eof and c->reset).
 */
int conn_fill(struct conn *c, struct pool *pool, struct error *err);
/* Give back, or move to a smaller block, what is not needed till the next. */
void conn_settle(struct conn *c, struct pool *pool);

/*
 * Send the n parts: as much as goes at once, the rest waits in c->out.
 * Returns the bytes sent at once, -1 when the connection is lost (broken).
 */
ssize_t conn_send(
    struct conn *c, const struct iovec *parts, int n, struct error *err);
/* Send what waits; returns as above. */
ssize_t conn_flush(struct conn *c, struct error *err);
/* Send our end behind what waits. */
void conn_finish(struct conn *c);
/* Before a close that is no cut: where TLS tells the two apart, say so. */
void conn_bye(struct conn *c);
/* Before a close that has to be seen as a cut, whatever was sent. */
void conn_abort(struct conn *c);

/* Wait for input if read, and for room if something waits to be sent. */
void conn_want(struct ev *ev, struct conn *c, bool read);
/* In io.ready: should conn_fill be called? */
bool conn_may_read(const struct conn *c, unsigned events);
/*
 * Both directions are dead and nobody wants them now: stop the kernel from
 * telling it again. conn_want takes the descriptor up again.
 */
void conn_mute(struct conn *c);

/* (Re)set the deadline; timer.fire is called then or, harmlessly, earlier. */
void conn_deadline(struct ev *ev, struct conn *c, uint64_t after_ms);
/* In timer.fire: is it so far? If not, the timer is set again. */
bool conn_is_due(struct ev *ev, struct conn *c);
