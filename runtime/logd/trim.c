#include "trim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "drain.h"

/* What may go: of ended instances first, then the oldest. */
struct candidate {
	struct app_log *app;
	struct seg seg;
	bool lives;
};

struct candidates {
	struct candidate *v;
	size_t n, ended;
};

bool trim_ended(const struct logd *d, const struct seg *s)
{
	char path[160];

	if (seg_own(s))
		return false;
	/* One without a folder in the run folder never writes again. */
	snprintf(path, sizeof(path), "%s/i/%016" PRIx64, d->settings->run,
	    s->instance);
	return access(path, F_OK) == -1 && errno == ENOENT;
}

static int first_to_go(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;

	if (a->lives != b->lives)
		return a->lives - b->lives;
	if (a->seg.mtime_us != b->seg.mtime_us)
		return a->seg.mtime_us < b->seg.mtime_us ? -1 : 1;
	return a->seg.index < b->seg.index ? -1 : a->seg.index > b->seg.index;
}

/* Add the app's segments that may go; sets a->bytes to what all take. */
static void gather(struct app_log *a, struct candidates *c)
{
	scoped_segs struct segs list = {0};
	int dir = app_dir(a);
	bool ended = false;

	a->bytes = 0;
	if (dir == -1 || segs_list(dir, &list, NULL) == -1)
		return;
	c->v = xrealloc(c->v, (c->n + list.n + 1) * sizeof(*c->v));
	for (size_t i = 0; i < list.n; i++) {
		const struct seg *s = &list.v[i];
		bool last =
		    i + 1 == list.n || !seg_same_stream(s, &list.v[i + 1]);

		a->bytes += s->bytes;
		if (i == 0 || !seg_same_stream(s, &list.v[i - 1]))
			ended = trim_ended(a->d, s);
		c->ended += ended;
		if (ended || !last)
			c->v[c->n++] = (struct candidate){a, *s, !ended};
	}
	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), first_to_go);
}

static bool remove_one(struct candidate *c)
{
	struct error err = {0};

	drains_forfeit(c->app, &c->seg);
	if (seg_remove(app_dir(c->app), &c->seg, &err) == -1) {
		log_warn("an old log segment stays app=%" PRIu64 ": %s",
		    c->app->id, err.msg);
		return false;
	}
	c->app->bytes -= c->seg.bytes;
	return true;
}

static void trim_app(struct app_log *a)
{
	struct candidates c = {0};
	size_t gone = 0;

	gather(a, &c);
	while (gone < c.n && (a->bytes > a->d->settings->log_app_bytes ||
	                         c.ended > ENDED_FILES_MAX + gone)) {
		if (!remove_one(&c.v[gone++]))
			break;
	}
	if (gone)
		log_info("old log segments removed app=%" PRIu64 " files=%zu",
		    a->id, gone);
	free(c.v);
}

static uint64_t all_bytes(const struct logd *d)
{
	uint64_t sum = 0;
	size_t pos = 0;
	void *v;

	while (map_next(d->apps, &pos, NULL, &v))
		sum += ((struct app_log *)v)->bytes;
	return sum;
}

static void trim_host(struct logd *d)
{
	struct candidates c = {0};
	size_t pos = 0, gone = 0;
	uint64_t sum;
	void *v;

	if (all_bytes(d) <= d->settings->log_host_bytes)
		return;
	while (map_next(d->apps, &pos, NULL, &v))
		gather(v, &c);
	sum = all_bytes(d);
	while (gone < c.n && sum > d->settings->log_host_bytes) {
		sum -= c.v[gone].seg.bytes;
		if (!remove_one(&c.v[gone++]))
			break;
	}
	if (gone)
		log_info(
		    "old log segments of all apps removed files=%zu", gone);
	free(c.v);
}

static void fire(struct ev_timer *t)
{
	struct logd *d = container_of(t, struct logd, trim);
	size_t pos = 0;
	void *v;

	while (map_next(d->apps, &pos, NULL, &v)) {
		struct app_log *a = v;

		if (!a->grew && !d->trim_all)
			continue;
		a->grew = false;
		trim_app(a);
	}
	d->trim_all = false;
	trim_host(d);
}

void trim_want(struct logd *d, struct app_log *a)
{
	if (a)
		a->grew = true;
	else
		d->trim_all = true;
	if (!d->trim.at_ms)
		ev_timer_set(d->ev, &d->trim, TRIM_MS);
}

void trim_init(struct logd *d)
{
	d->trim.fire = fire;
	trim_want(d, NULL);
}

void trim_release(struct logd *d)
{
	ev_timer_stop(&d->trim);
}
