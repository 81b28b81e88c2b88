#include "history.h"

#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "damage.h"
#include "wire/logrec.h"

#define WINDOW (256u * 1024)
#define CLOCK_SLACK_US 1000000 /* a file's time may lag behind its records */

/* The latest lines found so far: a heap with the oldest one on top. */
struct pick {
	uint64_t us, offset;
	size_t seg;
};

struct picks {
	struct pick *v;
	size_t n, max;
};

bool history_origin(const struct seg *s, struct str *text, struct origin *ret)
{
	if (seg_own(s))
		return origin_take(text, ret);
	*ret = (struct origin){STR("app"), str_z(s->name)};
	return true;
}

static void swap(struct pick *a, struct pick *b)
{
	struct pick t = *a;

	*a = *b;
	*b = t;
}

/* Of two records of one time the one further behind is the later one. */
static bool older(const struct pick *a, const struct pick *b)
{
	if (a->us != b->us)
		return a->us < b->us;
	return a->seg == b->seg ? a->offset < b->offset : a->seg < b->seg;
}

static void sift_down(struct picks *h)
{
	for (size_t i = 0, kid; (kid = 2 * i + 1) < h->n; i = kid) {
		if (kid + 1 < h->n && older(&h->v[kid + 1], &h->v[kid]))
			kid++;
		if (!older(&h->v[kid], &h->v[i]))
			return;
		swap(&h->v[kid], &h->v[i]);
	}
}

static void picks_add(struct picks *h, struct pick p)
{
	if (h->n == h->max) {
		if (h->max && older(&h->v[0], &p)) {
			h->v[0] = p;
			sift_down(h);
		}
		return;
	}
	h->v[h->n] = p;
	for (size_t i = h->n++; i && older(&h->v[i], &h->v[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(&h->v[i], &h->v[(i - 1) / 2]);
}

/* Could a record no later than us still be among the last lines? */
static bool picks_want(const struct picks *h, uint64_t us)
{
	return h->n < h->max || (h->max && h->v[0].us <= us);
}

/* Are there records behind bytes that are none? Sets *at to the next one. */
static bool step_over(int fd, ssize_t got, uint64_t *at)
{
	int64_t next = got > 0 ? damage_skip(fd, *at) : -1;

	if (next != -1)
		*at = (uint64_t)next;
	return next != -1;
}

/*
 * Offer all records of fd. A clock that was set back does not break a
 * stream's order: a record counts as no earlier than the one before it.
 */
static uint64_t scan(int fd, const struct seg *s, size_t nr,
    const struct filter *f, char *win, struct picks *h)
{
	uint64_t at = 0, us = 0;

	for (;;) {
		ssize_t got = pread(fd, win, WINDOW, (off_t)at);
		size_t used = 0;

		while (got > 0 && used < (size_t)got) {
			struct error err = {0};
			struct logrec rec;
			struct origin o;
			ssize_t n = logrec_parse(
			    str_make(win + used, (size_t)got - used), &rec,
			    &err);

			if (n <= 0)
				break;
			us = rec.time_us > us ? rec.time_us : us;
			if (history_origin(s, &rec.text, &o) &&
			    filter_passes(f, o))
				picks_add(h, (struct pick){us, at + used, nr});
			used += (size_t)n;
		}
		at += used;
		if (!used && !step_over(fd, got, &at))
			return at;
	}
}

/* The segments' numbers, the latest written first. */
static size_t *by_time(const struct segs *list)
{
	size_t *order = xcalloc(list->n + 1, sizeof(*order));

	for (size_t i = 0; i < list->n; i++) {
		size_t at = i;

		for (; at &&
		       list->v[order[at - 1]].mtime_us < list->v[i].mtime_us;
		     at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	return order;
}

void history_find(const struct segs *list, const struct filter *f, size_t lines,
    int (*open)(void *arg, const struct seg *s), void *arg,
    struct seg_mark *ret)
{
	scoped_free size_t *order = by_time(list);
	scoped_free char *win = lines ? xmalloc(WINDOW) : NULL;
	struct picks h = {.max = lines};

	h.v = xcalloc(lines + 1, sizeof(*h.v));
	for (size_t i = 0; i < list->n; i++)
		ret[i] = (struct seg_mark){0};
	for (size_t i = 0; i < list->n; i++) {
		const struct seg *s = &list->v[order[i]];
		struct seg_mark *m = &ret[order[i]];
		scoped_fd int fd = -1;

		if (!picks_want(&h, s->mtime_us + CLOCK_SLACK_US))
			break;
		fd = open(arg, s);
		if (fd == -1)
			continue;
		m->end = m->first = scan(fd, s, order[i], f, win, &h);
		m->scanned = true;
	}
	for (size_t i = 0; i < h.n; i++) {
		struct seg_mark *m = &ret[h.v[i].seg];

		if (h.v[i].offset < m->first)
			m->first = h.v[i].offset;
	}
	free(h.v);
}
