/*
 * head - writing the heads that leave the router.
 *
 * Pure. No byte of a head goes on as it came: each is written anew from what
 * was parsed, without the fields that belong to one hop and with what the
 * router itself vouches for.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/http1.h"

#define HEAD_OUT_MAX (HTTP1_HEAD_MAX + 8192) /* bytes of a head we write */
#define REQUEST_ID_MAX 200                   /* longest that we keep */

/* Is a client's X-Request-Id one to keep? As Heroku: 20 to 200 of a set. */
bool head_request_id_ok(struct str id);

struct head_added {
	struct str request_id;
	struct str client; /* the address, for X-Forwarded-For */
	unsigned port;     /* where the client connected to */
	bool tls;          /* and that by TLS */
	uint64_t real_ms;  /* now */
	bool upgrade;      /* pass Upgrade on */
};

/* Where in the written head the log finds its words. */
struct head_marks {
	size_t method, target, host, request_id, client; /* offsets */
	size_t method_len, target_len, host_len, request_id_len, client_len;
};

/* Append the request to an app. out->bad when it passes its limit. */
void head_request(struct buf *out, const struct http1_head *h,
    const struct head_added *add, struct head_marks *ret);

struct head_answer {
	bool chunked;    /* the body leaves in chunks */
	bool close;      /* we close the connection after it */
	bool keep;       /* say that we don't, for HTTP/1.0 */
	bool upgrade;    /* a 101 */
	struct str date; /* for an answer without one */
	/* Apps live below this domain: a cookie for all of it is dropped.
	 * Empty: none is. */
	struct str apps_domain;
};

/* Append the answer to a client. */
void head_response(
    struct buf *out, const struct http1_head *h, const struct head_answer *how);

void head_number(struct buf *out, uint64_t n); /* in decimal digits */
/* "Sat, 31 Jan 2026 12:00:00 GMT" of seconds since 1970, and a NUL. */
void head_date(int64_t real_s, char out[30]);
