/*
 * http - a batch as one POST, as Logplex does it.
 *
 * The body is logd's: "LENGTH MESSAGE" repeated. One batch at a time, so
 * that the order is kept; an answer of 2xx is its arrival. What says that
 * this very batch will never be taken drops it; all else is tried again.
 */
#include "outbound.h"

#include <inttypes.h>
#include <stdio.h>

static void add_header(struct drain *d, const char *text)
{
	struct curl_slist *more = curl_slist_append(d->headers, text);

	if (more)
		d->headers = more;
}

static void add_headers(struct drain *d, const struct batch *b)
{
	char text[128];

	add_header(d, "Content-Type: application/logplex-1");
	add_header(d, "User-Agent: Logplex/paas");
	add_header(d, "Expect:");
	(void)snprintf(
	    text, sizeof(text), "Logplex-Msg-Count: %" PRIu64, b->count);
	add_header(d, text);
	(void)snprintf(text, sizeof(text), "Logplex-Frame-Id: %s", b->id);
	add_header(d, text);
	(void)snprintf(text, sizeof(text), "Logplex-Drain-Token: %s", d->token);
	add_header(d, text);
}

int http_begin(struct drain *d, struct error *err)
{
	struct batch *b = drain_next(d);

	if (call_begin(d, err) == -1)
		return -1;
	add_headers(d, b);
	(void)curl_easy_setopt(d->easy, CURLOPT_HTTPHEADER, d->headers);
	(void)curl_easy_setopt(d->easy, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(d->easy, CURLOPT_POSTFIELDS, b->bytes);
	(void)curl_easy_setopt(
	    d->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)b->len);
	(void)curl_easy_setopt(
	    d->easy, CURLOPT_TIMEOUT, (long)(CONNECT_SECONDS + ANSWER_SECONDS));
	d->state = DRAIN_CALLING;
	if (curl_multi_add_handle(d->o->multi, d->easy) != CURLM_OK)
		return error_set(err, ERR_INTERNAL, "start a call");
	return 0;
}

static bool never_taken(long status)
{
	return status == 400 || status == 413 || status == 414 ||
	       status == 415 || status == 422;
}

void http_done(struct drain *d, CURLcode rc)
{
	struct error why = {0};
	long status = 0;

	(void)curl_easy_getinfo(d->easy, CURLINFO_RESPONSE_CODE, &status);
	if (rc == CURLE_OK && status >= 200 && status < 300) {
		struct batch *b = drain_next(d);

		b->sent = b->len;
		call_end(d);
		drain_arrived(d);
		drain_go(d);
		return;
	}
	if (rc != CURLE_OK)
		call_why(d, rc, &why);
	else
		(void)error_set(&why,
		    never_taken(status) ? ERR_INVALID : ERR_UNAVAILABLE,
		    "it answered %ld%s", status,
		    status / 100 == 3 ? ": redirects are not followed" : "");
	drain_failed(d, &why);
}
