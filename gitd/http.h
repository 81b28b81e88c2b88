/*
 * http - libmicrohttpd in our loop: connections in, requests to request.c.
 *
 * libmicrohttpd gets no listening socket: we accept, look at the peer's user
 * id, and hand the connection over.
 */
#pragma once
#include "gitd.h"

struct http; /* opaque; lives as long as the program */

/*
 * Serve what comes on the listening descriptor fd. Unless uid is -1, only
 * peers of that user are let in.
 */
struct http *http_open(struct gitd *g, int fd, uid_t uid, struct error *err);
/*
 * A connection was resumed: libmicrohttpd, polled by our loop, does not tell
 * itself. Harmless at any time.
 */
void http_wake(struct http *h);
