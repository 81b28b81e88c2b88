#include "reader.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "history.h"
#include "wire/logrec.h"

/* The bytes ahead in one stream: room for more than one longest record. */
struct window {
	uint64_t base; /* offset of p[0] in the segment */
	size_t len;
	ssize_t have; /* bytes of the record at the stream's offset, or 0 */
	struct logrec rec; /* that record */
	char p[LOGREC_HEAD + LOGREC_TEXT_MAX + 8192];
};

static int source_open(const struct seg_source *src, const struct seg *s)
{
	int dir, fd = seg_own(s) ? src->memory(src->arg, s->name) : -1;

	if (fd != -1)
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	dir = src->dir(src->arg);
	return dir == -1 ? -1 : seg_open(dir, s);
}

static int open_for_history(void *arg, const struct seg *s)
{
	return source_open(arg, s);
}

static struct stream *stream_find(struct reader *r, const struct seg *s)
{
	for (size_t i = 0; i < r->n; i++)
		if (seg_same_stream(&r->v[i].at, s))
			return &r->v[i];
	return NULL;
}

static struct stream *stream_add(struct reader *r, const struct seg *s)
{
	if (r->n == STREAMS_MAX)
		return NULL;
	r->v = xrealloc(r->v, (r->n + 1) * sizeof(*r->v));
	r->v[r->n] = (struct stream){.at = *s, .newest = s->index};
	return &r->v[r->n++];
}

/* Streams whose every line the filter would hold back are left out. */
static bool wanted(const struct reader *r, const struct seg *s)
{
	struct origin o = {STR("app"), str_z(s->name)};

	if (r->filter.instance && s->instance != r->filter.instance)
		return false;
	return seg_own(s) || filter_passes(&r->filter, o);
}

/*
 * Stand the stream of v[0..n), which are its segments in order, at its first
 * line of history, or at its end. A last segment that was not scanned is
 * read from its start when it grows, past all that is older than now.
 */
static void place(struct reader *r, const struct seg *v,
    const struct seg_mark *m, size_t n, uint64_t now_us)
{
	struct stream *s = stream_add(r, &v[n - 1]);

	if (!s)
		return;
	s->offset = m[n - 1].scanned ? m[n - 1].first : 0;
	s->from_us = m[n - 1].scanned ? 0 : now_us;
	s->dirty = m[n - 1].scanned;
	for (size_t i = n - 1; i-- > 0;) {
		if (!m[i].scanned || m[i].first == m[i].end)
			continue;
		s->at = v[i];
		s->offset = m[i].first;
	}
}

/* logd's own streams that are still in memory count as segment 0. */
static void add_memory(struct segs *list, const struct seg_source *src)
{
	static const struct seg own[] = {
	    {.name = OWN_PREFIX "platform", .mtime_us = UINT64_MAX / 2},
	    {.name = OWN_PREFIX "router", .mtime_us = UINT64_MAX / 2},
	};

	for (size_t i = 0; i < NELEM(own); i++) {
		if (src->memory(src->arg, own[i].name) == -1)
			continue;
		list->v = xrealloc(list->v, (list->n + 1) * sizeof(*list->v));
		list->v[list->n++] = own[i];
	}
}

/* Leave out what the filter never lets through. */
static void narrow(const struct reader *r, struct segs *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++)
		if (wanted(r, &list->v[i]))
			list->v[kept++] = list->v[i];
	list->n = kept;
}

int reader_open(struct reader *r, const struct seg_source *source,
    const struct filter *f, uint64_t lines, uint64_t now_us, struct error *err)
{
	scoped_segs struct segs list = {0};
	scoped_free struct seg_mark *marks = NULL;
	int dir = source->dir(source->arg);

	*r = (struct reader){.source = *source, .filter = *f};
	if (dir != -1 && segs_list(dir, &list, err) == -1)
		return -1;
	narrow(r, &list);
	add_memory(&list, source);
	marks = xcalloc(list.n + 1, sizeof(*marks));
	history_find(&list, f, lines < HISTORY_MAX ? lines : HISTORY_MAX,
	    open_for_history, &r->source, marks);
	for (size_t i = 0, n; i < list.n; i += n) {
		n = 1;
		while (i + n < list.n &&
		       seg_same_stream(&list.v[i], &list.v[i + n]))
			n++;
		place(r, &list.v[i], &marks[i], n, now_us);
	}
	return 0;
}

static void window_close(struct stream *s)
{
	free(s->win);
	s->win = NULL;
}

void reader_release(struct reader *r)
{
	for (size_t i = 0; i < r->n; i++)
		window_close(&r->v[i]);
	free(r->v);
	*r = (struct reader){0};
}

void reader_mark(struct reader *r, const struct seg *seg)
{
	struct stream *s = stream_find(r, seg);

	if (!s && wanted(r, seg))
		s = stream_add(r, seg);
	if (!s)
		return;
	if (seg->index > s->newest)
		s->newest = seg->index;
	s->dirty = true;
}

void reader_mark_all(struct reader *r)
{
	scoped_segs struct segs list = {0};
	int dir = r->source.dir(r->source.arg);

	if (dir != -1 && segs_list(dir, &list, NULL) == 0)
		for (size_t i = 0; i < list.n; i++)
			reader_mark(r, &list.v[i]);
	for (size_t i = 0; i < r->n; i++)
		r->v[i].dirty = true;
}

/*
 * Go on to the next segment there is; false at the last one. The current
 * one is read to its end: what comes later goes to a later segment.
 */
static bool advance(struct reader *r, struct stream *s)
{
	scoped_segs struct segs list = {0};
	int dir = r->source.dir(r->source.arg);

	if (s->at.index >= s->newest || dir == -1 ||
	    segs_list(dir, &list, NULL) == -1)
		return false;
	for (size_t i = 0; i < list.n; i++) {
		const struct seg *next = &list.v[i];

		if (!seg_same_stream(next, &s->at) ||
		    next->index <= s->at.index)
			continue;
		s->skipped |= next->index != s->at.index + 1;
		s->at.index = next->index;
		s->offset = 0;
		return true;
	}
	return false;
}

/* Read the bytes at the stream's offset. False: there are none. */
static bool window_load(struct reader *r, struct stream *s)
{
	scoped_fd int fd = source_open(&r->source, &s->at);
	ssize_t got;

	if (fd == -1) {
		s->skipped = true; /* the segment was removed under us */
		return false;
	}
	if (!s->win)
		s->win = xmalloc(sizeof(*s->win));
	got = pread(fd, s->win->p, sizeof(s->win->p), (off_t)s->offset);
	s->win->have = 0;
	s->win->base = s->offset;
	s->win->len = got > 0 ? (size_t)got : 0;
	return got > 0;
}

/* Parse the record at the stream's offset, if the window holds all of it. */
static bool window_parse(struct stream *s)
{
	struct window *w = s->win;
	size_t at;

	if (!w)
		return false;
	at = (size_t)(s->offset - w->base);
	w->have = logrec_parse(str_make(w->p + at, w->len - at), &w->rec, NULL);
	return w->have > 0;
}

/* Have the next record in the window. False: there is no more for now. */
static bool stream_peek(struct reader *r, struct stream *s)
{
	while (s->dirty) {
		if ((s->win && s->win->have > 0) || window_parse(s) ||
		    (window_load(r, s) && window_parse(s)))
			return true;
		window_close(s);
		s->dirty = advance(r, s);
	}
	return false;
}

/* Take the record that stream_peek found; append its line if it passes. */
static bool stream_take(struct reader *r, struct stream *s, struct buf *out)
{
	struct logrec rec = s->win->rec;
	struct origin o;

	s->offset += (uint64_t)s->win->have;
	s->win->have = 0;
	if (s->skipped && s->seq && rec.seq > s->seq + 1)
		r->lost += rec.seq - s->seq - 1;
	s->skipped = false;
	s->seq = rec.seq;
	if (rec.time_us < s->from_us)
		return false;
	s->from_us = 0;
	if (!history_origin(&s->at, &rec.text, &o) ||
	    !filter_passes(&r->filter, o))
		return false;
	line_render(out, rec.time_us, o, rec.text);
	return true;
}

static struct stream *earliest(struct reader *r)
{
	struct stream *best = NULL;

	for (size_t i = 0; i < r->n; i++) {
		struct stream *s = &r->v[i];

		if (stream_peek(r, s) &&
		    (!best || s->win->rec.time_us < best->win->rec.time_us))
			best = s;
	}
	return best;
}

bool reader_fill(struct reader *r, struct buf *out, uint64_t *lines)
{
	size_t room = line_room(LOGREC_TEXT_MAX);
	struct stream *s = NULL;

	while (*lines && out->max - out->len >= room && (s = earliest(r)))
		*lines -= stream_take(r, s, out);
	for (size_t i = 0; i < r->n; i++)
		window_close(&r->v[i]);
	return s && *lines;
}
