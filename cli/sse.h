/*
 * sse - the lines of a text/event-stream: what follows "data:".
 *
 * Pure. Bytes come in pieces of any size; each data line is given out once
 * it is whole, with the id before it at hand. Events are skipped, and comments
 * but the platform's own ": from TIME".
 */
#pragma once
#include "base/buf.h"
#include "base/str.h"

#define SSE_LINE_MAX (256u * 1024)

struct sse {
	struct buf line; /* the unfinished one */
	char id[80];     /* the last one; empty for one that is too long */
	char from[24];   /* what the last such comment said */
};

#define SSE_INIT                                                               \
	{                                                                      \
		.line = BUF_INIT(SSE_LINE_MAX)                                 \
	}

/*
 * Take bytes; data() gets each line without its newline and may return -1
 * to stop. Returns -1 when it did, or when a line is too long.
 */
int sse_feed(struct sse *s, struct str bytes,
    int (*data)(void *arg, struct str line), void *arg);
void sse_release(struct sse *s);
