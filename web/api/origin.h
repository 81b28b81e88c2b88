/*
 * origin - who may send a credential, and from where.
 *
 * Pure. A browser sends the session's cookie along with requests that other
 * pages make; those are told by Sec-Fetch-Site, or by Origin where a browser
 * has no such field. A token in clear text goes no further than this machine.
 */
#pragma once
#include <stdbool.h>

#include "base/str.h"

struct origin {
	struct str site;   /* Sec-Fetch-Site; p NULL: absent */
	struct str origin; /* Origin */
	struct str proto;  /* X-Forwarded-Proto */
	struct str host;   /* Host */
	struct str client; /* X-Forwarded-For */
};

/* Does the session's cookie count for this request? */
bool origin_cookie_counts(const struct origin *o, bool changes);
/* May a page log in, as far as its origin goes? */
bool origin_may_log_in(const struct origin *o);
/* Is the way from the client to here closed to eavesdroppers? */
bool origin_is_private(const struct origin *o);
