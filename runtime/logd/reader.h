/*
 * reader - a follower's place in an app's log: all its streams, by time.
 *
 * A stream is the segments of one instance (or of logd itself), read in
 * order. A place is numbers only (segment, offset); files are open only
 * while reader_fill runs. So a slow follower holds nothing up and costs
 * nothing: when segments are removed under it, it goes on at the oldest one
 * left and counts what it missed by the records' sequence numbers.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "line.h"
#include "segs.h"

#define HISTORY_MAX 1500 /* lines; what Heroku keeps */
#define STREAMS_MAX 1024 /* of one app */

/* Where segments come from: a folder, or memory for logd's own. */
struct seg_source {
	int (*dir)(void *arg); /* the folder, borrowed; -1: there is none */
	int (*memory)(void *arg, const char *name); /* borrowed, or -1 */
	void *arg;
};

struct stream {
	struct seg at;      /* the segment being read */
	uint32_t newest;    /* index of the last segment known */
	uint64_t offset;    /* in it */
	uint64_t from_us;   /* records before this are history not asked for */
	uint64_t seq;       /* of the last record read, 0: none */
	bool dirty;         /* there may be more to read */
	bool skipped;       /* segments went away: count what is missing */
	struct window *win; /* while reader_fill runs */
};

struct reader {
	struct seg_source source;
	struct filter filter;
	struct stream *v;
	size_t n;
	uint64_t lost; /* records missed since the last fill */
};

/* Stand before the last `lines` lines that pass the filter. */
int reader_open(struct reader *r, const struct seg_source *source,
    const struct filter *f, uint64_t lines, uint64_t now_us, struct error *err);
void reader_release(struct reader *r);

/* This file has grown, or is new. */
void reader_mark(struct reader *r, const struct seg *s);
/* Any file may have grown. */
void reader_mark_all(struct reader *r);

/*
 * Append rendered lines, oldest first, at most *lines of them, until there
 * is no more or out has no room for a longest line. True: there is more.
 */
bool reader_fill(struct reader *r, struct buf *out, uint64_t *lines);
