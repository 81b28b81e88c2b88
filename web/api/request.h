/*
 * request - one HTTP request: its head checked, who sends it, its answer.
 *
 * The steps: the route is found and authorised by the head alone; the body
 * is gathered, at most REQUEST_BODY_MAX of it; the handler answers with one
 * of the functions below, at once or later. Until it has answered, the
 * connection sleeps. Owned by libmicrohttpd's connection.
 */
#pragma once
#include <jansson.h>
#include <microhttpd.h>

#include "api/origin.h"
#include "api/range.h"
#include "api/route.h"
#include "login.h"
#include "web.h"

#define REQUEST_BODY_MAX (1u << 20)
#define COOKIE_PLAIN "paas_session"
#define COOKIE_HTTPS "__Host-paas_session" /* browsers keep it to TLS */

struct stream;

struct request {
	struct web *w;
	struct MHD_Connection *conn;
	enum method method;
	struct origin origin;
	struct route_match match;
	struct actor actor;
	struct app app; /* of an action on one */
	char *mem;      /* what match.args point into */
	struct buf body;
	json_t *json; /* an object: the body, or empty */
	size_t waste; /* bytes of the body that nobody wants */
	bool suspended, dispatched;
	unsigned status; /* of the answer */
	struct MHD_Response *answer;
	struct stream *stream;

	/* What a handler waits for: let go when the client does. */
	void *wait;
	void (*wait_free)(void *wait);
};

/* --- for handlers --------------------------------------------------------- */

/* A header's value; empty with p NULL when it is not there. */
struct str request_header(const struct request *r, const char *name);
struct range request_range(const struct request *r);
/* "http://HOST:PORT" as the client sees us. */
void request_base(const struct request *r, struct buf *out);

/* A member of the body: empty with p NULL when absent or null. */
int request_text(
    struct request *r, const char *name, struct str *ret, struct error *err);
/* The same of a value found elsewhere; name is what it is called. */
int request_word(
    const json_t *value, const char *name, struct str *ret, struct error *err);

/* Answers; body is taken. One of them is called once. */
void request_json(struct request *r, unsigned status, json_t *body);
void request_bytes(
    struct request *r, unsigned status, const char *type, struct str bytes);
void request_error(struct request *r, const struct error *err);
void request_refuse(struct request *r, unsigned status, const char *id,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Another field of an answer that was given. */
void request_field(struct request *r, const char *name, const char *value);

/* --- for http.c and stream.c ---------------------------------------------- */

enum MHD_Result request_step(void *cls, struct MHD_Connection *conn,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **state);
void request_done(void *cls, struct MHD_Connection *conn, void **state,
    enum MHD_RequestTerminationCode how);

/* Answer with this response, which is taken. */
void request_begin(struct request *r, unsigned status, const char *type,
    struct MHD_Response *answer);
void request_suspend(struct request *r);
void request_resume(struct request *r); /* of one that is awake: nothing */
