#include "gone.h"

#include <inttypes.h>

#include "ask.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/msg.h"

#define WAIT_MS 600000 /* instances stop in their own time */
#define AGAIN_MS 60000 /* after one that could not be done */

struct farewell {
	struct ask ask;
	struct ev_timer again;
	struct web *w;
	uint64_t app;
	size_t part;
};

static const struct {
	enum gone who;
	enum msg type;
	enum field field;
} parts[] = {
    {GONE_PLAN, MSG_WANT_GONE, F_APP},
    {GONE_LOGD, MSG_LOG_DROP, F_APP},
    {GONE_GITD, MSG_REPO_DROP, F_REPO},
};

static struct peer *peer_of(const struct web *w, enum gone who)
{
	switch (who) {
	case GONE_PLAN:
		return w->plan;
	case GONE_LOGD:
		return w->logd;
	default:
		return w->gitd;
	}
}

/* Frees v where its peer is away: gone_up comes when it is back. */
static void ask(struct farewell *v)
{
	struct peer *p = peer_of(v->w, parts[v->part].who);
	struct frame_out o;

	if (!peer_is_up(p)) {
		free(v);
		return;
	}
	o = ask_begin(&v->ask, p, parts[v->part].type);
	frame_put_u64(&o, parts[v->part].field, v->app);
	if (ask_send(v->w, &v->ask, p, &o, WAIT_MS, NULL) == -1)
		free(v);
}

static void ask_again(struct ev_timer *t)
{
	ask(container_of(t, struct farewell, again));
}

static void answered(
    struct ask *a, const struct frame *f, const struct error *err)
{
	struct farewell *v = container_of(a, struct farewell, ask);
	struct error why = {0};

	if (err)
		why = *err;
	if ((f && store_gone_done(
	              v->w->store, v->app, parts[v->part].who, &why) == 0) ||
	    !peer_is_up(peer_of(v->w, parts[v->part].who))) {
		free(v);
		return;
	}
	log_warn("a destroyed app is not gone, telling again id=%" PRIu64
	         ": %s",
	    v->app, why.msg);
	ev_timer_set(v->w->ev, &v->again, AGAIN_MS);
}

static void tell(struct web *w, uint64_t app, size_t part)
{
	struct farewell *v = xcalloc(1, sizeof(*v));

	*v = (struct farewell){.ask = {.done = answered},
	    .again = {.fire = ask_again},
	    .w = w,
	    .app = app,
	    .part = part};
	ask(v);
}

void gone_tell(struct web *w, uint64_t app)
{
	for (size_t i = 0; i < NELEM(parts); i++)
		tell(w, app, i);
}

struct telling {
	struct web *w;
	size_t part;
};

static void tell_one(void *arg, uint64_t app)
{
	struct telling *t = arg;

	tell(t->w, app, t->part);
}

void gone_up(struct web *w, enum gone who)
{
	for (size_t i = 0; i < NELEM(parts); i++) {
		struct telling t = {w, i};

		if (parts[i].who == who)
			(void)store_gone_list(
			    w->store, who, tell_one, &t, NULL);
	}
}
