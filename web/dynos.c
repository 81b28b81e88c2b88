#include "dynos.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ipc/msg.h"

struct entry {
	struct dyno dyno;
	bool stale; /* not told again since BEGIN */
};

struct dynos {
	struct map *map;   /* by instance: struct entry */
	struct map *rests; /* by app, those that rest: enum app_rest */
	bool known;
	struct list waiting;
};

struct dynos *dynos_new(void)
{
	struct dynos *d = xcalloc(1, sizeof(*d));

	d->map = map_new();
	d->rests = map_new();
	list_init(&d->waiting);
	return d;
}

void dynos_begin(struct web *w, struct peer *p, struct frame *f)
{
	struct str key;
	size_t pos = 0;
	void *e;

	while (map_next(w->dynos->map, &pos, &key, &e))
		((struct entry *)e)->stale = true;
	map_free(w->dynos->rests);
	w->dynos->rests = map_new();
}

void dynos_rests(struct web *w, struct peer *p, struct frame *f)
{
	uint64_t app = frame_u64(f, F_APP), rest = frame_u64(f, F_STATE);

	(void)map_del_id(w->dynos->rests, app);
	if (rest == REST_FROZEN || rest == REST_STOPPED)
		(void)map_set_id(w->dynos->rests, app, (void *)(uintptr_t)rest);
}

enum app_rest dynos_rest(const struct web *w, uint64_t app)
{
	return (enum app_rest)(uintptr_t)map_get_id(w->dynos->rests, app);
}

void dynos_put(struct web *w, struct peer *p, struct frame *f)
{
	uint64_t id = frame_u64(f, F_INSTANCE);
	struct entry *e = map_get_id(w->dynos->map, id);

	if (!e) {
		e = xcalloc(1, sizeof(*e));
		(void)map_set_id(w->dynos->map, id, e);
	}
	e->stale = false;
	e->dyno = (struct dyno){
	    .instance = id,
	    .app = frame_u64(f, F_APP),
	    .version = frame_u64(f, F_RELEASE),
	    .kind = frame_u64(f, F_KIND),
	    .state = frame_u64(f, F_STATE),
	    .since = (int64_t)(frame_u64(f, F_TIME) / 1000),
	    .next_try = (int64_t)((frame_u64(f, F_RETRY) + 999) / 1000),
	};
	str_copy(frame_str(f, F_NAME), e->dyno.name, sizeof(e->dyno.name));
	str_copy(frame_str(f, F_PTYPE), e->dyno.type, sizeof(e->dyno.type));
	str_copy(frame_str(f, F_SIZE), e->dyno.size, sizeof(e->dyno.size));
	str_copy(frame_str(f, F_SHOWN), e->dyno.shown, sizeof(e->dyno.shown));
}

/* One stale entry, or NULL: the map can't be changed while it is walked. */
static struct entry *find_stale(struct dynos *d)
{
	struct str key;
	size_t pos = 0;
	void *e;

	while (map_next(d->map, &pos, &key, &e))
		if (((struct entry *)e)->stale)
			return e;
	return NULL;
}

void dynos_end(struct web *w, struct peer *p, struct frame *f)
{
	struct dynos *d = w->dynos;
	struct entry *e;

	while ((e = find_stale(d)) != NULL) {
		(void)map_del_id(d->map, e->dyno.instance);
		free(e);
	}
	d->known = true;
	while (!list_empty(&d->waiting)) {
		struct dynos_wait *wait =
		    container_of(d->waiting.next, struct dynos_wait, item);

		list_del(&wait->item);
		wait->known(wait);
	}
}

void dynos_gone(struct web *w, struct peer *p, struct frame *f)
{
	free(map_del_id(w->dynos->map, frame_u64(f, F_INSTANCE)));
}

bool dynos_known(const struct web *w)
{
	return w->dynos->known;
}

void dynos_wait_add(struct web *w, struct dynos_wait *wait)
{
	list_add(&w->dynos->waiting, &wait->item);
}

/* Steps of builds are not shown among an app's processes. */
static bool is_shown(const struct dyno *d)
{
	return d->kind == KIND_APP || d->kind == KIND_RUN ||
	       d->kind == KIND_RELEASE || d->kind == KIND_EXEC ||
	       d->kind == KIND_CRON;
}

/* "web.2" before "web.10". */
static int by_name(const void *a, const void *b)
{
	const struct dyno *x = *(const struct dyno *const *)a;
	const struct dyno *y = *(const struct dyno *const *)b;
	size_t nx = strlen(x->name), ny = strlen(y->name);
	int types = strcmp(x->type, y->type);

	if (types)
		return types;
	if (nx != ny)
		return nx < ny ? -1 : 1;
	return strcmp(x->name, y->name);
}

size_t dynos_of(const struct web *w, int64_t app, const struct dyno ***ret)
{
	const struct dyno **v = xcalloc(map_len(w->dynos->map) + 1, sizeof(*v));
	size_t n = 0, pos = 0;
	struct str key;
	void *e;

	while (map_next(w->dynos->map, &pos, &key, &e)) {
		const struct dyno *d = &((struct entry *)e)->dyno;

		if (d->app == (uint64_t)app && is_shown(d))
			v[n++] = d;
	}
	qsort(v, n, sizeof(*v), by_name);
	*ret = v;
	return n;
}

void dynos_count(const struct web *w, int64_t app, unsigned ret[DYNO_STATES])
{
	struct str key;
	size_t pos = 0;
	void *e;

	memset(ret, 0, DYNO_STATES * sizeof(*ret));
	while (map_next(w->dynos->map, &pos, &key, &e)) {
		const struct dyno *d = &((struct entry *)e)->dyno;

		if (d->app == (uint64_t)app && d->kind == KIND_APP &&
		    d->state < DYNO_STATES)
			ret[d->state]++;
	}
}

const struct dyno *dynos_find(const struct web *w, int64_t app, struct str name)
{
	struct str key;
	size_t pos = 0;
	void *e;

	while (map_next(w->dynos->map, &pos, &key, &e)) {
		const struct dyno *d = &((struct entry *)e)->dyno;

		if (d->app == (uint64_t)app && is_shown(d) &&
		    str_eqz(name, d->name))
			return d;
	}
	return NULL;
}
