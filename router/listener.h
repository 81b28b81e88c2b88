/*
 * listener - accepting clients, and what to do when there are too many.
 *
 * Past limits.clients a client gets a 503 at once. When the process itself
 * is out of descriptors, accepting pauses instead of spinning.
 */
#pragma once
#include "base/error.h"
#include "ev/ev.h"

#define LISTENERS_MAX 8

struct router;
struct tls_front;

struct listener {
	struct ev_io io;
	struct ev_timer pause;
	struct router *router;
	struct tls_front *tls; /* borrowed; NULL when plain */
	unsigned port;         /* for X-Forwarded-Port */
};

/* fd listens already and is owned from now on; tls may be NULL. */
int listener_open(struct router *r, struct listener *l, int fd,
    struct tls_front *tls, struct error *err);
void listener_close(struct listener *l);
