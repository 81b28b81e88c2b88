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
#include "wire/logrec.h"

#define HISTORY_MAX 1500     /* lines; what Heroku keeps */
#define RECORDS_A_FILL 20000 /* looked at, so that others get their turn */
#define STREAMS_MAX 1024     /* of one app */

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
	uint64_t had;       /* records up to this one are known there */
	bool dirty;         /* there may be more to read */
	bool skipped;       /* not all was read: count what is missing */
	struct window *win; /* while reader_fill runs */
};

/* A record as it is given out. */
struct shown {
	const struct seg *seg; /* of its stream */
	uint64_t time_us, seq;
	struct origin origin;
	struct str text;
	bool cut; /* it goes on in the next one: it was too long */
};

struct reader {
	struct seg_source source;
	struct filter filter;
	/* Append what becomes of it, at most SHOWN_ROOM bytes. */
	void (*show)(void *arg, struct buf *out, const struct shown *s);
	void *show_arg;
	struct stream *v;
	size_t n;
	uint64_t lost; /* records missed since the last fill */
};

/*
 * Stand before the last `lines` lines that pass the filter. The caller sets
 * show afterwards.
 */
int reader_open(struct reader *r, const struct seg_source *source,
    const struct filter *f, uint64_t lines, uint64_t now_us, struct error *err);
/*
 * Stand where a position of wire/logpos.h says. Streams that it does not
 * name begin at what is later than its time.
 */
int reader_open_after(struct reader *r, const struct seg_source *source,
    const struct filter *f, struct str position, struct error *err);
/*
 * Stand where reader_save was; streams that are new since then begin at
 * their start, but for records before from_us.
 */
int reader_open_at(struct reader *r, const struct seg_source *source,
    struct str place, uint64_t from_us, struct error *err);
/* Append where it stands: lines of "FILE OFFSET SEQ FROM_US". */
void reader_save(const struct reader *r, struct buf *out);
void reader_release(struct reader *r);

/* seg, whose last record has this number, is removed: count what is missed. */
void reader_forfeit(struct reader *r, const struct seg *s, uint64_t last);
/* Forget streams of which no segment is left. */
void reader_prune(struct reader *r);
/* Might there be something to read? */
bool reader_dirty(const struct reader *r);

/* This file has grown, or is new. */
void reader_mark(struct reader *r, const struct seg *s);
/* Any file may have grown. */
void reader_mark_all(struct reader *r);

/*
 * Show records, oldest first, at most *lines of them, until there is no more
 * or out has no room for a longest one. True: there is more.
 */
#define SHOWN_ROOM (512 + 4 * LOGREC_TEXT_MAX)
bool reader_fill(struct reader *r, struct buf *out, uint64_t *lines);
