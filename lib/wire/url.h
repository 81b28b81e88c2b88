/*
 * url - the path of a request: split first, then decoded once.
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

/* Decode %XX into mem, which is as long as in; the length, or -1. */
ssize_t url_decode(struct str in, char *mem, struct error *err);

/* Append s with everything but unreserved characters as %XX. */
void url_encode(struct buf *out, struct str s);
