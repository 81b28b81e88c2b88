/*
 * tls - TLS on accepted connections, by OpenSSL.
 *
 * A tls_front holds certificate and key and may be shared by all loops; a
 * tls is one connection's. conn alone reads and writes through it, in the
 * way of recv and sendmsg; main's part (alone.c) makes the front.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/error.h"

struct tls_front; /* opaque */
struct tls;       /* opaque */

/* PEM files: the certificate with its chain, and its key. */
struct tls_front *tls_front_new(
    const char *cert, const char *key, struct error *err);
void tls_front_free(struct tls_front *f); /* NULL is fine */

/* fd is accepted and non-blocking, and stays the caller's. NULL: no memory. */
struct tls *tls_new(struct tls_front *f, int fd);
void tls_free(struct tls *t); /* says nothing to the other side; NULL is fine */

/*
 * As recv and sendmsg: bytes, 0 at the end, -1 with errno, which is EAGAIN
 * where the socket has to be waited for and EPROTO when the peer broke rules.
 * What tls_write did not take has to be offered again, with more behind it
 * or not, before anything else is.
 */
ssize_t tls_read(struct tls *t, void *p, size_t n);
ssize_t tls_write(struct tls *t, const struct iovec *parts, int n);
/* Is there something to read that the socket would not tell of? */
bool tls_has_more(const struct tls *t);
/* Does the handshake wait for room to write? Then read when there is. */
bool tls_wants_write(const struct tls *t);
/* Tell the other side that this is the proper end. */
void tls_bye(struct tls *t);
