#include "api/stream.h"

#define BLOCK_BYTES 16384

static void beat(struct ev_timer *t)
{
	struct stream *s = container_of(t, struct stream, timer);

	s->due = true;
	request_resume(s->r);
}

/* An MHD_ContentReaderCallback. */
static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t max)
{
	struct stream *s = cls;
	ssize_t n = s->read(s, to, max);

	if (n == -1)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0 && s->due && s->beat.len && s->beat.len <= max) {
		memcpy(to, s->beat.p, s->beat.len);
		n = (ssize_t)s->beat.len;
	}
	s->due = false;
	if (n == 0) {
		if (s->beat.len)
			ev_timer_set(s->r->w->ev, &s->timer, STREAM_BEAT_MS);
		request_suspend(s->r);
	}
	return n;
}

bool stream_may(struct request *r)
{
	if (r->w->streams < STREAMS_MAX)
		return true;
	request_refuse(r, 503, "unavailable",
	    "%d logs and outputs are being read, and no more are served at "
	    "once. Try again in a moment.",
	    STREAMS_MAX);
	return false;
}

void stream_answer(struct request *r, struct stream *s, const char *type)
{
	struct MHD_Response *answer = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, s, NULL);

	s->r = r;
	s->timer.fire = beat;
	r->stream = s;
	r->w->streams++;
	request_begin(r, 200, type, answer);
}

void stream_more(struct stream *s)
{
	ev_timer_stop(&s->timer);
	request_resume(s->r);
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	ev_timer_stop(&s->timer);
	s->r->w->streams--;
	s->free(s);
}
