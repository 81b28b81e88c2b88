#include "settle.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "cron.h"
#include "push.h"
#include "queue.h"
#include "release.h"
#include "want.h"

/* --- formation ------------------------------------------------------------ */

struct types {
	struct web *w;
	int64_t app;
	struct error *err;
	bool failed;
};

/* A type that is new gets its row: as many as run by default. */
static void keep_type(void *arg, const struct process *p)
{
	struct types *t = arg;
	struct formation f;

	if (t->failed || want_is_phase(p->type) ||
	    store_formation_find(t->w->store, t->app, p->type, &f, NULL) == 0)
		return;
	t->failed = store_formation_put(t->w->store, t->app, p->type,
	                want_default(p->type), SIZE_DEFAULT, t->err) == -1;
}

static int keep_types(struct web *w, const struct release *r, struct error *err)
{
	struct types t = {w, r->app, err, false};

	if (store_process_list(w->store, r->image, keep_type, &t, err) == -1 ||
	    t.failed)
		return -1;
	return store_formation_trim(w->store, r->app, r->image, err);
}

/* --- what waits ----------------------------------------------------------- */

struct waiting {
	struct queued *v;
	size_t n;
};

static void waiting_free(struct waiting *q)
{
	free(q->v);
}
#define scoped_waiting __attribute__((cleanup(waiting_free)))

static void collect(void *arg, const struct release *r)
{
	struct waiting *q = arg;

	q->v = xrealloc(q->v, (q->n + 1) * sizeof(*q->v));
	q->v[q->n++] = (struct queued){r->id, r->image, r->build != 0};
}

bool settle_next(struct web *w, int64_t app, struct release *ret)
{
	scoped_waiting struct waiting q = {0};
	struct error err = {0};
	size_t next;

	if (store_release_pending(w->store, app, collect, &q, &err) == -1)
		log_error("pending releases app=%" PRId64 ": %s", app, err.msg);
	if (q.n == 0)
		return false;
	next = queue_next(q.v, q.n);
	for (size_t i = 0; i < next; i++)
		(void)store_release_settle(w->store, q.v[i].release,
		    RELEASE_EXPIRED, "a later release took its place", NULL);
	return store_release_get(w->store, q.v[next].release, ret, NULL) == 0;
}

/* What waits with a refused image is made anew. */
static int untaint(
    struct web *w, const struct release *failed, struct error *err)
{
	scoped_waiting struct waiting q = {0};
	struct release live = {0}, r;

	if (store_release_pending(w->store, failed->app, collect, &q, err) ==
	    -1)
		return -1;
	(void)store_release_live(w->store, failed->app, true, &live, NULL);
	for (size_t i = 0; i < q.n; i++) {
		if (!queue_is_tainted(&q.v[i], failed->image, live.image))
			continue;
		if (store_release_get(w->store, q.v[i].release, &r, err) ==
		        -1 ||
		    store_release_settle(w->store, r.id, RELEASE_EXPIRED,
		        "the code that it was made with was refused",
		        err) == -1 ||
		    release_remake(w, &r, err) == -1)
			return -1;
	}
	return 0;
}

/* --- the end -------------------------------------------------------------- */

/* The build and push behind a release end with it. */
static int settle_build(struct web *w, const struct release *r, bool live,
    const char *reason, struct error *err)
{
	if (!r->build)
		return 0;
	if (store_build_settle(w->store, r->build,
	        live ? BUILD_SUCCEEDED : BUILD_FAILED, reason, err) == -1)
		return -1;
	return push_decide(w, r->build, live, reason, err);
}

int settle_live(
    struct web *w, const struct release *r, uint64_t ms, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);

	if (!tx ||
	    store_release_settle(w->store, r->id, RELEASE_SUCCEEDED, "", err) ==
	        -1 ||
	    keep_types(w, r, err) == -1 || cron_settle(w, r, err) == -1 ||
	    settle_build(w, r, true, "", err) == -1 ||
	    (r->build && store_stage_put(w->store, r->build, STR("launch"), ms,
	                     false, err) == -1))
		return -1;
	return store_commit(&tx, err);
}

int settle_failed(struct web *w, const struct release *r, const char *reason,
    struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);

	if (!tx ||
	    store_release_settle(
	        w->store, r->id, RELEASE_FAILED, reason, err) == -1 ||
	    settle_build(w, r, false, reason, err) == -1 ||
	    untaint(w, r, err) == -1)
		return -1;
	return store_commit(&tx, err);
}
