/* Which instance gets a request: a decision, so without sockets or clock. */
#include "fleet.h"

#include <stddef.h>

#include "base/mem.h"

/* A socket is there, or one can be made. */
static bool can_connect(const struct target *t)
{
	return !t->by_jail || t->nidle > 0 || t->nstock > 0;
}

static bool is_fit(const struct target *t, uint64_t now_ms, uint64_t avoid)
{
	return can_connect(t) && t->refused_until_ms <= now_ms &&
	       (avoid == 0 || t->id != avoid);
}

static struct target *least_busy(
    const struct app *a, uint64_t now_ms, uint64_t avoid)
{
	struct target *best = NULL;

	for (size_t i = 0; i < a->nserving; i++) {
		struct target *t = a->serving[i];

		if (is_fit(t, now_ms, avoid) &&
		    (!best || t->active < best->active))
			best = t;
	}
	return best;
}

struct target *app_choose(
    const struct app *a, uint64_t now_ms, uint64_t avoid, uint64_t random)
{
	struct target *one, *two, *best;
	size_t n = a->nserving, first;

	if (n == 0)
		return NULL;
	first = (uint32_t)random % n;
	one = a->serving[first];
	/* Never the same twice, but for an app of one. */
	two = n == 1 ? one
	             : a->serving[(first + 1 + (random >> 32) % (n - 1)) % n];
	best = two->active < one->active ? two : one;
	if (is_fit(best, now_ms, avoid))
		return best;
	best = best == one ? two : one;
	if (is_fit(best, now_ms, avoid))
		return best;
	best = least_busy(a, now_ms, avoid);
	return best || avoid == 0 ? best : least_busy(a, now_ms, 0);
}

enum place app_place(const struct app *a, bool fleet_known)
{
	if (a->nserving > 0)
		return PLACE_SERVE;
	if (!fleet_known || a->nchecking > 0 || a->front == FRONT_HOLD ||
	    a->front == FRONT_ASLEEP)
		return PLACE_HOLD;
	return a->front == FRONT_CRASHED ? PLACE_CRASHED : PLACE_NONE;
}

static bool any_is_ready(const struct app *a)
{
	struct target *t;

	list_each(t, &a->targets, of_app)
	{
		if (!t->gone && t->state == TARGET_SERVE && !t->unready)
			return true;
	}
	return false;
}

void app_count_targets(struct app *a)
{
	bool some_ready = any_is_ready(a);
	struct target *t;

	a->nserving = a->nchecking = 0;
	list_each(t, &a->targets, of_app)
	{
		if (t->gone)
			continue;
		a->nchecking += t->state == TARGET_CHECK;
		if (t->state != TARGET_SERVE || (t->unready && some_ready))
			continue;
		if (a->nserving == a->cap) {
			a->cap = a->cap ? a->cap * 2 : 4;
			a->serving = xrealloc(
			    a->serving, a->cap * sizeof(struct target *));
		}
		a->serving[a->nserving++] = t;
	}
}
