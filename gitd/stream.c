#include "stream.h"

#include "base/mem.h"

/* A report of the most refs with the longest names and reasons fits. */
#define STREAM_MAX (16u << 20)

struct stream *stream_new(void)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	*s = (struct stream){.bytes = BUF_INIT(STREAM_MAX), .holders = 2};
	return s;
}

static void unhold(struct stream *s)
{
	if (--s->holders)
		return;
	buf_release(&s->bytes);
	free(s);
}

void stream_leave(struct stream *s)
{
	if (!s)
		return;
	s->room = NULL;
	if (s->end == STREAM_OPEN)
		stream_end(s, false);
	unhold(s);
}

void stream_drop(struct stream *s)
{
	void (*room)(void *ctx);

	if (!s)
		return;
	room = s->room;
	s->dropped = true;
	s->more = NULL;
	buf_release(&s->bytes);
	if (room)
		room(s->room_ctx);
	unhold(s);
}

static void tell(struct stream *s)
{
	if (s->more)
		s->more(s->more_ctx);
}

void stream_begin(struct stream *s, unsigned status, const char *type)
{
	if (s->status)
		return;
	s->status = status;
	s->type = type;
	tell(s);
}

void stream_put(struct stream *s, struct str bytes)
{
	if (s->dropped || !bytes.len)
		return;
	buf_add(&s->bytes, bytes);
	tell(s);
}

bool stream_full(const struct stream *s)
{
	return !s->dropped && s->bytes.len >= STREAM_HIGH;
}

void stream_end(struct stream *s, bool ok)
{
	s->end = ok && !s->bytes.bad ? STREAM_ENDED : STREAM_BROKEN;
	tell(s);
}

size_t stream_take(struct stream *s, char *p, size_t max)
{
	bool full = stream_full(s);
	size_t n = s->bytes.len < max ? s->bytes.len : max;

	if (!n)
		return 0;
	memcpy(p, s->bytes.p, n);
	buf_consume(&s->bytes, n);
	if (full && !stream_full(s) && s->room)
		s->room(s->room_ctx);
	return n;
}
