#include "reader.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "damage.h"
#include "history.h"
#include "wire/logpos.h"
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
		reader_prune(r);
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

/* All segments there are, ordered, less what the filter holds back. */
static int list_all(struct reader *r, const struct seg_source *source,
    const struct filter *f, struct segs *list, struct error *err)
{
	int dir = source->dir(source->arg);

	*r = (struct reader){.source = *source};
	if (f)
		r->filter = *f;
	if (dir != -1 && segs_list(dir, list, err) == -1)
		return -1;
	narrow(r, list);
	add_memory(list, source);
	return 0;
}

int reader_open(struct reader *r, const struct seg_source *source,
    const struct filter *f, uint64_t lines, uint64_t now_us, struct error *err)
{
	scoped_segs struct segs list = {0};
	scoped_free struct seg_mark *marks = NULL;

	if (list_all(r, source, f, &list, err) == -1)
		return -1;
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

/* Each stream of the list, at the start of its oldest segment. */
static void add_streams(struct reader *r, const struct segs *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct seg *seg = &list->v[i];
		struct stream *s = stream_find(r, seg);

		if (!s)
			s = stream_add(r, seg);
		if (!s)
			continue;
		if (seg->index > s->newest)
			s->newest = seg->index;
		s->dirty = true;
	}
}

static void stand_behind(struct reader *r, const struct logpos *place)
{
	char key[SEG_KEY_MAX + 1];

	for (size_t i = 0; i < r->n; i++) {
		struct stream *s = &r->v[i];

		seg_key(&s->at, key);
		if (!str_eqz(place->stream, key))
			continue;
		s->seq = s->had = place->seq;
		s->from_us = 0;
		s->skipped = true; /* what was removed meanwhile is counted */
	}
}

int reader_open_after(struct reader *r, const struct seg_source *source,
    const struct filter *f, struct str position, struct error *err)
{
	scoped_segs struct segs list = {0};
	struct logpos place;
	uint64_t time_us;

	if (!logpos_time(&position, &time_us))
		return error_set(err, ERR_INVALID, "no position of a log");
	if (list_all(r, source, f, &list, err) == -1)
		return -1;
	add_streams(r, &list);
	for (size_t i = 0; i < r->n; i++)
		r->v[i].from_us = time_us + 1;
	while (logpos_next(&position, &place) == 1)
		stand_behind(r, &place);
	return 0;
}

/* One line of a place; a stream whose segments are gone has none to read. */
static void restore(struct reader *r, struct str line)
{
	struct str word[4];
	struct seg seg;
	struct stream *s;
	uint64_t n[3];

	for (size_t i = 0; i < NELEM(word); i++)
		if (!str_split(&line, ' ', &word[i]) ||
		    (i && !str_u64(word[i], UINT64_MAX, &n[i - 1])))
			return;
	if (!seg_parse(word[0], &seg) || stream_find(r, &seg))
		return;
	s = stream_add(r, &seg);
	if (!s)
		return;
	s->offset = n[0];
	s->seq = n[1];
	s->from_us = n[2];
	s->skipped = true;
}

int reader_open_at(struct reader *r, const struct seg_source *source,
    struct str place, uint64_t from_us, struct error *err)
{
	scoped_segs struct segs list = {0};
	struct str line;
	size_t known;

	if (list_all(r, source, NULL, &list, err) == -1)
		return -1;
	while (place.len && str_split(&place, '\n', &line))
		restore(r, line);
	known = r->n;
	add_streams(r, &list);
	for (size_t i = known; i < r->n; i++)
		r->v[i].from_us = from_us;
	return 0;
}

void reader_save(const struct reader *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct stream *s = &r->v[i];
		char file[SEG_FILE_MAX];

		seg_file(&s->at, file);
		buf_addf(out, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", file,
		    s->offset, s->seq, s->from_us);
	}
}

bool reader_dirty(const struct reader *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].dirty)
			return true;
	return false;
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

static bool has_segment(const struct segs *list, const struct seg *s)
{
	for (size_t i = 0; i < list->n; i++)
		if (seg_same_stream(&list->v[i], s))
			return true;
	return false;
}

void reader_prune(struct reader *r)
{
	scoped_segs struct segs list = {0};
	int dir = r->source.dir(r->source.arg);
	size_t kept = 0;

	if (dir == -1 || segs_list(dir, &list, NULL) == -1)
		return;
	for (size_t i = 0; i < r->n; i++) {
		if (seg_own(&r->v[i].at) || has_segment(&list, &r->v[i].at))
			r->v[kept++] = r->v[i];
		else
			window_close(&r->v[i]);
	}
	r->n = kept;
}

void reader_forfeit(struct reader *r, const struct seg *seg, uint64_t last)
{
	struct stream *s = stream_find(r, seg);

	if (!s || s->at.index > seg->index)
		return;
	if (last > s->seq) {
		/* Of a stream that was never read all but history is missed. */
		if (s->seq || !s->from_us)
			r->lost += last - s->seq;
		s->seq = last;
	}
	window_close(s);
	s->at.index = seg->index + 1;
	s->offset = 0;
	if (s->newest < s->at.index)
		s->newest = s->at.index;
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

/* What stands at the stream's offset is no record: go on at the next one. */
static bool resync(struct reader *r, struct stream *s)
{
	scoped_fd int fd = source_open(&r->source, &s->at);
	int64_t next = fd == -1 ? -1 : damage_skip(fd, s->offset);

	if (next == -1)
		return false;
	s->offset = (uint64_t)next;
	s->skipped = true;
	s->win->have = 0;
	s->win->len = 0;
	s->win->base = s->offset;
	return true;
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
		if (s->win && s->win->have == -1 && resync(r, s))
			continue;
		if (s->win && s->win->len > s->offset - s->win->base)
			s->skipped = true; /* a torn end, if one follows */
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
	if (rec.seq <= s->had)
		return false;
	s->skipped = false;
	s->seq = rec.seq;
	if (rec.time_us < s->from_us)
		return false;
	s->from_us = 0;
	if (!history_origin(&s->at, &rec.text, &o) ||
	    !filter_passes(&r->filter, o))
		return false;
	r->show(r->show_arg, out,
	    &(struct shown){.seg = &s->at,
	        .time_us = rec.time_us,
	        .seq = rec.seq,
	        .origin = o,
	        .text = rec.text,
	        .cut = rec.partial && rec.text.len == LOGREC_TEXT_MAX});
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
	struct stream *s = NULL;
	unsigned budget = RECORDS_A_FILL;

	while (*lines && budget-- > 0 && out->max - out->len >= SHOWN_ROOM &&
	       (s = earliest(r)))
		*lines -= stream_take(r, s, out);
	for (size_t i = 0; i < r->n; i++)
		window_close(&r->v[i]);
	return s && *lines;
}
