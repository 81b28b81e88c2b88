/*
 * stream - the answer to one request, on its way from who makes it to who
 * carries it.
 *
 * One producer (a push, a fetch) and one consumer (an HTTP connection, or
 * standard output) hold it; each lets go in its own time and the last one
 * frees it. What is put after the consumer went is thrown away, so a
 * producer need not ask.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

#define STREAM_HIGH (256u << 10) /* a producer that can wait waits above */

enum stream_end { STREAM_OPEN, STREAM_ENDED, STREAM_BROKEN };

struct stream {
	struct buf bytes;
	unsigned status; /* of HTTP; 0 until the head can go */
	const char *type;
	enum stream_end end;
	bool dropped; /* the consumer is gone */
	int holders;
	void (*more)(void *ctx); /* consumer: look again; or NULL */
	void (*room)(void *ctx); /* producer: there is room again; or NULL */
	void *more_ctx, *room_ctx;
};

/* A stream with both its holders. */
struct stream *stream_new(void);
/* The producer's last word; it holds no more. NULL is fine. */
void stream_leave(struct stream *s);
/* The consumer is gone; it holds no more. NULL is fine. */
void stream_drop(struct stream *s);

/* Producer: the head can go, with this status and media type. */
void stream_begin(struct stream *s, unsigned status, const char *type);
void stream_put(struct stream *s, struct str bytes);
bool stream_full(const struct stream *s); /* false when it is dropped */
/* Nothing follows; ok false tells that something is missing. */
void stream_end(struct stream *s, bool ok);

/* Consumer: at most max bytes into p; 0 when there are none now. */
size_t stream_take(struct stream *s, char *p, size_t max);
