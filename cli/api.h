/*
 * api - requests to the platform: JSON in, JSON out, by libcurl.
 *
 * A refusal becomes an error with the server's own message. The token goes
 * to the login's address only, and in clear text only to this machine.
 */
#pragma once
#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"
#include "cli.h"
#include "login.h"

struct api; /* opaque */

/* Open with the login for hint (see login.h). NULL with err. */
struct api *api_open(const char *hint, struct error *err);
/* Open with this login, kept by the caller. */
struct api *api_open_login(const struct login *l, struct error *err);
void api_free(struct api *a);
static inline void api_free_(struct api **a)
{
	api_free(*a);
}
#define scoped_api __attribute__((cleanup(api_free_)))

const char *api_url(const struct api *a);

/* "/a/b" of the segments, each escaped; ends in NULL. The caller frees it. */
char *api_path_(const char *first, ...) __attribute__((sentinel));
#define api_path(...) api_path_(__VA_ARGS__, NULL)

struct api_request {
	const char *method; /* NULL: GET */
	const char *path;   /* from api_path; freed by the call */
	json_t *body;       /* or NULL; released by the call */
	const char *range;  /* Heroku's Range header, or NULL */
};

/*
 * Ask; *ret is the answer (json null when it had none) for the caller to
 * release. ret may be NULL.
 */
int api_call(struct api *a, const struct api_request *q, json_t **ret,
    struct error *err);
#define api_get(a, ret, err, ...)                                              \
	api_call(                                                              \
	    a, &(struct api_request){.path = api_path(__VA_ARGS__)}, ret, err)

/*
 * Read url (absolute, or a path at the platform) as it grows, without the
 * token; sink gets the bytes and may return -1 to stop. *ret_sse says
 * whether they are text/event-stream.
 */
struct api_stream {
	const char *url;
	const char *last; /* Last-Event-ID: what came before, or NULL */
	int (*sink)(void *arg, struct str bytes);
	void *arg;
	bool sse; /* set before the first byte is given */
};
int api_stream(struct api *a, struct api_stream *s, struct error *err);

/* --- looking into JSON ---------------------------------------------------- */

/* The text of a value; "" when it is none. */
const char *json_value_text(const json_t *value);
/* The text at a dotted path ("user.email"); "" when there is none. */
const char *json_text(const json_t *o, const char *path);
long long json_number(const json_t *o, const char *path);
/*
 * Put the newest first: the server may list either way. key is a number or a
 * time that grows.
 */
void json_newest_first(json_t *array, const char *key);
