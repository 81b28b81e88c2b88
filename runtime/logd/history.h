/*
 * history - where the last N lines of an app begin, segment by segment.
 *
 * Reads segments newest first and stops at the first one that can't hold a
 * line late enough, so the cost is bounded by N and not by what is kept.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"
#include "segs.h"

struct seg_mark {
	uint64_t first; /* offset of the first of the N lines; end if none */
	uint64_t end;   /* offset behind the last whole record */
	bool scanned;   /* false: it was not looked at, all in it is older */
};

/*
 * open(arg, seg) gives a descriptor to read, to be closed here, or -1.
 * Sets ret[i] for each of list->v[i].
 */
void history_find(const struct segs *list, const struct filter *f, size_t lines,
    int (*open)(void *arg, const struct seg *s), void *arg,
    struct seg_mark *ret);

/* Does a record of this segment with this text pass? Takes the origin off. */
bool history_origin(const struct seg *s, struct str *text, struct origin *ret);
