/*
 * log - the app's output: from its two FIFOs into log segments.
 *
 * Owned by the loop of a shim in MODE_LOG. Reads whatever comes, always, so
 * that neither a full disk nor a flood of lines ever blocks the app: what is
 * too much is dropped, and a line says how much that was.
 */
#pragma once
#include <stdint.h>

#include "rate.h"
#include "segment.h"
#include "split.h"

#define LOG_STREAMS 2 /* stdout, stderr */

/* What is small stands first: then few pages are in use as a rule. */
struct log {
	struct rate rate;
	uint64_t dropped;    /* lines over the rate, not told yet */
	uint64_t dropped_us; /* when the first of them came */
	uint64_t lost_us;    /* not before then the disk is tried to tell */
	uint64_t trim_us;    /* when to give memory back; 0: nothing to */
	uint64_t last_us[LOG_STREAMS]; /* when bytes came last */
	struct segment out;
	struct split in[LOG_STREAMS];
};

/* out must be resumed. Times are those of the monotonic clock. */
void log_init(struct log *l, uint64_t now_us);
/* Read once. Returns the bytes, 0 when there are none. */
size_t log_read(struct log *l, int stream, int fd, uint64_t now_us);
/* What time asks for: unfinished lines that pause, dropped lines to tell. */
void log_tick(struct log *l, uint64_t now_us);
/* When log_tick is due next; UINT64_MAX for never. */
uint64_t log_due(const struct log *l);
/* Nothing comes any more: write all that is left, durably. */
void log_end(struct log *l);
