/*
 * http - libmicrohttpd in our loop: connections in, requests to request.c.
 *
 * libmicrohttpd gets no listening socket: we accept, look at the peer's user
 * id, and hand the connection over. No threads.
 */
#pragma once
#include "web.h"

struct http; /* opaque; lives as long as the program */

/*
 * Serve what comes on the listening descriptor fd, from processes of this
 * user alone.
 */
struct http *http_open(struct web *w, int fd, uid_t uid, struct error *err);
/* A connection that slept goes on: look at it in the next turn. */
void http_wake(struct http *h);
