/*
 * mask - keeps config values out of a build's log: a stream in, the same
 * stream out with "[REDACTED]" in their place.
 *
 * Pure. A value that is split over two pieces of the stream is found all the
 * same: what may be its beginning is held back until more comes. Of a value
 * of many lines each line counts for itself, since tools indent what they
 * print; lines of less than MASK_LEAST bytes and a few plain words are left.
 */
#pragma once
#include "base/buf.h"
#include "base/str.h"

#define MASK_LEAST 8 /* bytes; shorter values would hide half of a log */
#define MASK_WORD "[REDACTED]"

struct mask; /* opaque */

/* config is KEY=value NUL KEY=value ...; its values are copied. */
struct mask *mask_new(struct str config);
void mask_free(struct mask *m); /* wipes them; NULL is fine */

/* Append to out what of the stream, in included, can be told by now. */
void mask_feed(struct mask *m, struct str in, struct buf *out);
/* The stream has ended: append the rest. */
void mask_end(struct mask *m, struct buf *out);
