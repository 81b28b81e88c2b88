/*
 * sockets - the stock of unconnected sockets that jail makes inside the
 * instances' network namespaces, over the pair.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct router;
struct target;

struct sockets {
	struct peer *jail;
	uint64_t epoch;
	bool ready;      /* jail has answered our epoch */
	unsigned nstock; /* of all targets */
};

/* Take the pair's end over. */
void sockets_close(struct router *r);
void sockets_open(struct router *r, int pair);
/* See to it that t has enough of them, or gets them. */
void sockets_refill(struct target *t);
/* One out of the stock, -1 when it is empty. */
int sockets_take(struct target *t);
void sockets_release(struct target *t); /* close the stock */

/* Hand a client's connection to an instance; fd stays the caller's. */
int sockets_attach(
    struct router *r, uint64_t instance, int fd, struct error *err);
