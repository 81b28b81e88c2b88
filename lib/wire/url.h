/*
 * url - request targets and query strings: split first, then decode once.
 *
 * Pure. Called by web and gitd (libmicrohttpd's own unescaping is off), the
 * router and the fuzzer.
 */
#pragma once
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define URL_SEGMENTS_MAX 16

struct url_path {
	int n;
	struct str seg[URL_SEGMENTS_MAX]; /* decoded, in the caller's mem */
};

/*
 * Split a path at '/' and decode each segment into mem (path.len bytes are
 * enough). Refuses: not starting with '/', an empty segment except a last
 * one (dropped), "." and "..", NUL, a bad %XX, more than the maximum.
 */
int url_path_parse(
    struct str path, char *mem, struct url_path *ret, struct error *err);

/* Decode %XX (and '+' as space when plus) into mem; the length, or -1. */
ssize_t url_decode(struct str in, bool plus, char *mem, struct error *err);

/* The first value of name in "a=b&c=d", decoded into mem; false: not there. */
bool url_query_get(
    struct str query, struct str name, char *mem, struct str *ret);

/* Append s with everything but unreserved characters as %XX. */
void url_encode(struct buf *out, struct str s);
