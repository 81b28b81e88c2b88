/*
 * seen - which lines of a log have been printed, so that it can go on.
 *
 * Pure. Holds the number of the last line of each stream (wire/logpos.h), and
 * the earliest time that concerns us; says both as the server takes them.
 */
#pragma once
#include "base/buf.h"
#include "wire/logpos.h"

#define SEEN_MAX 200 /* streams; LOGPOS_MAX holds as many */

struct seen {
	uint64_t from_us; /* 0: nothing yet */
	size_t n;
	struct {
		char stream[LOGPOS_STREAM_MAX + 1];
		uint64_t seq, time_us;
	} v[SEEN_MAX];
};

/* The server gives what is written from now on, at least. */
void seen_from(struct seen *s, uint64_t time_us);
/* A line with this id was printed. */
void seen_line(struct seen *s, struct str id);
/* Append the position; nothing when nothing is known. */
void seen_put(const struct seen *s, struct buf *out);
