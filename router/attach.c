#include "attach.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "router.h"

#define SWEEP_MS 60000

struct attach_secret {
	uint64_t instance, until_ms;
};

static void sweep(struct ev_timer *t)
{
	struct attach *a = container_of(t, struct attach, sweep);
	struct router *r = container_of(a, struct router, attach);
	size_t pos = 0;
	struct str secret;
	void *value;

	while (map_next(a->secrets, &pos, &secret, &value)) {
		if (((struct attach_secret *)value)->until_ms >
		    ev_now_ms(r->ev))
			continue;
		(void)map_del(a->secrets, secret);
		free(value);
	}
	if (map_len(a->secrets) > 0)
		ev_timer_set(r->ev, &a->sweep, SWEEP_MS);
}

void attach_init(struct attach *a)
{
	a->secrets = map_new();
	a->sweep.fire = sweep;
}

void attach_release(struct attach *a)
{
	size_t pos = 0;
	void *value;

	ev_timer_stop(&a->sweep);
	while (map_next(a->secrets, &pos, NULL, &value))
		free(value);
	map_free(a->secrets);
	a->secrets = NULL;
}

void attach_add(
    struct router *r, struct str secret, uint64_t instance, uint64_t ms)
{
	struct attach *a = &r->attach;
	struct attach_secret *s;

	if (map_len(a->secrets) >= ATTACH_MAX) {
		log_warn("too many rendezvous secrets instance=%llu",
		    (unsigned long long)instance);
		return;
	}
	s = xmalloc(sizeof(*s));
	*s = (struct attach_secret){instance, ev_now_ms(r->ev) + ms};
	free(map_set(a->secrets, secret, s));
	if (a->sweep.at_ms == 0)
		ev_timer_set(r->ev, &a->sweep, SWEEP_MS);
}

uint64_t attach_find(struct router *r, struct str secret)
{
	const struct attach_secret *s = map_get(r->attach.secrets, secret);

	return s && s->until_ms > ev_now_ms(r->ev) ? s->instance : 0;
}

void attach_forget(struct router *r, struct str secret)
{
	free(map_del(r->attach.secrets, secret));
}
