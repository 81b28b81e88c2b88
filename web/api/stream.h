/*
 * stream - an answer that grows: a build's output, an app's log.
 *
 * Read by libmicrohttpd as the client takes it; when there is nothing for
 * now the connection sleeps until stream_more(). A sign of life is sent
 * every STREAM_BEAT_MS, which is also how a client that left is noticed.
 */
#pragma once
#include "api/request.h"

#define STREAM_BEAT_MS 25000
#define STREAMS_MAX 512 /* half of the connections: the rest answers */

struct stream {
	struct request *r;
	/* Bytes into `to`, 0: nothing for now, -1: the end. */
	ssize_t (*read)(struct stream *s, char *to, size_t max);
	void (*free)(struct stream *s); /* what embeds s */
	struct str beat;                /* the sign of life; empty: none */
	struct ev_timer timer;
	bool due; /* a beat is */
};

/* Is there room for one more? Otherwise r has been told so. */
bool stream_may(struct request *r);
/* Answer 200 with what s->read gives; r owns s from now on. */
void stream_answer(struct request *r, struct stream *s, const char *type);
void stream_more(struct stream *s);
void stream_free(struct stream *s); /* NULL is fine */
