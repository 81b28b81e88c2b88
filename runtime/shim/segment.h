/*
 * segment - writes log records into files of bounded size and number.
 *
 * The form is that of wire/logrec.h, read by logd while it grows. Records
 * gather until segment_flush, which writes them at once and keeps whole ones
 * only: a disk that is full costs records, never the form of the file, and
 * never waits. The files outlive their writer; one that starts again goes on
 * behind the last. Does no more I/O than that; the unit tests use a folder
 * of their own.
 */
#pragma once
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "wire/logrec.h"

#define SEGMENT_BATCH 32 /* records in one write */

struct segment {
	/* set by the caller, as of struct options */
	int dir;
	const char *name;
	uint64_t instance, bytes_max, pieces;

	int fd;         /* -1: the next record opens a file */
	uint32_t index; /* of that file, or of the next one */
	uint64_t at;    /* bytes in it */
	uint64_t seq;   /* of the last record */

	uint64_t lost; /* records that could not be written */
	int lost_sys;  /* why, the last time */

	int queued;
	uint64_t queued_bytes;
	unsigned char heads[SEGMENT_BATCH][LOGREC_HEAD];
	struct iovec parts[2 * SEGMENT_BATCH];
};

/* Find what is there of this instance, and stand behind it. */
int segment_resume(struct segment *g, struct error *err);
/* Queue rec; its seq is set here, its text borrowed until the flush. */
void segment_add(struct segment *g, struct logrec *rec);
void segment_flush(struct segment *g);
/* Flush, make durable, close. */
void segment_close(struct segment *g);
