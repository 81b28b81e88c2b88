/*
 * http1 - heads and chunked bodies of HTTP/1.1 and 1.0, strictly by table.
 *
 * Pure: bytes in, struct out, no allocation. Called by the router on requests
 * of strangers and answers of apps, by the unit tests and by the fuzzer.
 * On the wire: RFC 9112, less what two readers could see differently: lines
 * end in CR LF, no folded lines, no space around a field's colon, one Host,
 * one Content-Length of digits or the one transfer coding `chunked`, never
 * both.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

#define HTTP1_LINE_MAX 8192   /* bytes of one line with its CR LF */
#define HTTP1_FIELDS_MAX 1000 /* field lines of one head */
#define HTTP1_HEAD_MAX 65536  /* bytes of a whole head */

/* Fields that a hop has to understand. */
enum http1_name {
	HTTP1_OTHER,
	HTTP1_LOOKALIKE, /* one of the below, but with '_' for '-': drop it */
	HTTP1_ACCEPT,
	HTTP1_CONNECTION,
	HTTP1_CONTENT_LENGTH,
	HTTP1_DATE,
	HTTP1_EXPECT,
	HTTP1_FORWARDED,
	HTTP1_HOST,
	HTTP1_HTTP2_SETTINGS,
	HTTP1_KEEP_ALIVE,
	HTTP1_PROXY,
	HTTP1_PROXY_AUTHENTICATE,
	HTTP1_PROXY_AUTHORIZATION,
	HTTP1_PROXY_CONNECTION,
	HTTP1_SET_COOKIE,
	HTTP1_TE,
	HTTP1_TRAILER,
	HTTP1_TRANSFER_ENCODING,
	HTTP1_UPGRADE,
	HTTP1_X_FORWARDED, /* any X-Forwarded-..., and X-Real-IP */
	HTTP1_X_REQUEST_ID,
	HTTP1_X_REQUEST_START
};

struct http1_field {
	struct str name, value; /* value without white space at its ends */
	enum http1_name id;
};

enum http1_framing {
	HTTP1_NO_BODY,
	HTTP1_LENGTH,
	HTTP1_CHUNKED,
	HTTP1_TO_END /* until the sender closes; answers only */
};

/* One head; every str borrows the bytes that were parsed. */
struct http1_head {
	struct str method; /* of a request */
	struct str target; /* in origin form ("/x", "?x" after a bare host,
	                      "*"); for CONNECT as it came */
	struct str host;   /* Host, or the authority of an absolute target */
	bool connect;      /* the method is CONNECT */
	unsigned status;   /* of an answer */
	struct str reason;
	unsigned minor; /* HTTP/1.minor: 0 or 1 */

	enum http1_framing framing;
	bool has_length; /* Content-Length is there, whatever the framing */
	uint64_t length;
	bool keep_alive;         /* the sender is ready for another message */
	bool upgrade;            /* Connection names Upgrade */
	struct str protocol;     /* the value of Upgrade */
	bool expect;             /* Expect is there */
	bool names_more;         /* Connection names other fields, too */
	struct str x_request_id; /* empty when there is none */

	size_t nfields;
	struct http1_field fields[HTTP1_FIELDS_MAX];
};

/*
 * Parse the head at the start of in. Returns the bytes it took, 0 when in
 * ends before the head does, -1 when it is malformed (ERR_INVALID) or passes
 * a limit (ERR_LIMIT). What a prefix says, the whole says too. ret is only
 * meaningful on > 0.
 */
ssize_t http1_request(struct str in, struct http1_head *ret, struct error *err);
/* The same for an answer; to_head: to a HEAD request, so without a body. */
ssize_t http1_response(
    struct str in, bool to_head, struct http1_head *ret, struct error *err);

/* Is name one that a Connection field of h names? */
bool http1_is_named(const struct http1_head *h, struct str name);

/* A chunked body being read; starts zeroed. */
struct http1_chunks {
	unsigned char state;
	bool done;     /* the last chunk and the trailers are over */
	uint64_t left; /* of the current chunk */
	size_t count;  /* bytes of the current line or trailers */
};

/*
 * Decode in place what n bytes at p hold of a chunked body. Returns the bytes
 * it took, which are all unless done, -1 when malformed; their payload is the
 * *ret_payload bytes at p. Extensions and trailers are checked and dropped.
 */
ssize_t http1_dechunk(struct http1_chunks *c, char *p, size_t n,
    size_t *ret_payload, struct error *err);
