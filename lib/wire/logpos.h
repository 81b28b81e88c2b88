/*
 * logpos - where a reader of an app's log stands, so that it can go on.
 *
 * Pure. Each line that logd gives has an id "TIME.STREAM.SEQ": microseconds
 * since 1970, the stream it is of (an instance in 16 hex digits, "platform" or
 * "router") and its number there. A reader that comes back says what it had
 * last: "TIME" of the first line it ever saw, and "STREAM.SEQ" of each stream
 * joined by commas: "TIME;STREAM.SEQ,STREAM.SEQ". Of these streams it gets
 * what comes behind, of all others what is later than TIME. So nothing is
 * missed and nothing comes twice, also of lines of one microsecond.
 * Parsed by web and logd; fuzzed.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define LOGPOS_ID_MAX 64     /* bytes of an id */
#define LOGPOS_MAX 8000      /* of a whole position */
#define LOGPOS_STREAM_MAX 16 /* of a stream's key */
#define LOGPOS_SEQ_MAX (UINT64_MAX >> 1)

struct logpos {
	struct str stream;
	uint64_t seq;
};

/* An id. False when it is not one. */
bool logpos_id(struct str id, uint64_t *ret_time_us, struct logpos *ret);

/* Take TIME off the front of a position; *rest holds the streams then. */
bool logpos_time(struct str *rest, uint64_t *ret_time_us);
/* Take the next stream off. 1, 0 at the end, -1 when it is malformed. */
int logpos_next(struct str *rest, struct logpos *ret);
/* Is all of it well formed? */
bool logpos_valid(struct str position);
