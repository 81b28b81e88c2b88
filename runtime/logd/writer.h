/*
 * writer - one of logd's own streams of an app, in bounded segments.
 *
 * A stream is "logd.platform" (what the platform says about the app) or
 * "logd.router" (its requests): two, so that traffic can't push out events.
 * Each has a rate of its own; what is over it is dropped and counted, and
 * the count is written as soon as there is room again.
 *
 * Until the app's folder exists (jail makes it with the first instance) the
 * lines wait in logd's own folder as "wait-APP-STREAM", in the form of
 * segment 0, and move to the app's with it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "line.h"

#define WRITER_MEMORY_MAX 65536 /* bytes that wait for the folder */

struct writer_limits {
	uint64_t segment_bytes;
	uint64_t segments;
	uint64_t rate, burst; /* lines a second; lines at once */
};

struct writer {
	const char *name; /* of the stream, a literal */
	const struct writer_limits *limits;
	int fd;       /* the segment being written, -1 when closed */
	bool known;   /* index, bytes and seq are as on disk */
	bool memory;  /* fd is what waits, not a segment */
	int wait_dir; /* borrowed */
	uint64_t app;
	uint32_t index;
	uint64_t bytes, seq;
	uint64_t tokens, filled_ms;   /* of the rate */
	uint64_t dropped, dropped_us; /* how many, since when */
};

void writer_init(
    struct writer *w, const char *name, const struct writer_limits *limits);
/* Where lines wait; without it writer_add needs the app's folder. */
void writer_wait_in(struct writer *w, int dir, uint64_t app);
void writer_release(struct writer *w);

/*
 * Write text, line by line. dir is the app's folder, -1 when there is none.
 * now_us is the real time, mono_ms the monotonic one.
 */
int writer_add(struct writer *w, int dir, uint64_t now_us, uint64_t mono_ms,
    struct origin o, struct str text, struct error *err);
/* Open what an earlier logd left waiting, if there is any. */
int writer_wake(struct writer *w, struct error *err);
/* The folder has come: move what waits there. */
int writer_spill(struct writer *w, int dir, struct error *err);
/* Close the file; the next line opens it again. What waits stays open. */
void writer_rest(struct writer *w);
/* Remove all segments of this stream, and what waits. */
void writer_drop(struct writer *w, int dir);
