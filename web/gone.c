#include "gone.h"

#include "ask.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/msg.h"

#define WAIT_MS 600000 /* instances stop in their own time */

struct farewell {
	struct ask ask;
	struct web *w;
	uint64_t app;
	enum gone who;
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

static void answered(
    struct ask *a, const struct frame *f, const struct error *err)
{
	struct farewell *v = container_of(a, struct farewell, ask);
	struct error why = {0};

	if (f && store_gone_done(v->w->store, v->app, v->who, &why) == -1)
		log_warn("gone: %s", why.msg); /* it is told once more */
	free(v);
}

static void tell(struct web *w, uint64_t app, size_t i)
{
	struct peer *p = peer_of(w, parts[i].who);
	struct frame_out o;
	struct farewell *v;

	if (!peer_is_up(p))
		return;
	v = xcalloc(1, sizeof(*v));
	*v = (struct farewell){
	    .ask = {.done = answered}, .w = w, .app = app, .who = parts[i].who};
	o = ask_begin(&v->ask, p, parts[i].type);
	frame_put_u64(&o, parts[i].field, app);
	if (ask_send(w, &v->ask, p, &o, WAIT_MS, NULL) == -1)
		free(v);
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
