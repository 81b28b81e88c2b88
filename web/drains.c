#include "drains.h"

#include <inttypes.h>

#include "applog.h"
#include "audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "ipc/msg.h"
#include "wire/drain.h"

static void tell(struct web *w, const struct log_drain *d, uint64_t since_ms)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_DRAIN, 0);

	frame_put_u64(&o, F_DRAIN, (uint64_t)d->id);
	frame_put_u64(&o, F_APP, (uint64_t)d->app);
	frame_put_z(&o, F_DRAIN_URL, d->url);
	frame_put_z(&o, F_DRAIN_TOKEN, d->token);
	frame_put_u64(&o, F_TIME, since_ms);
	(void)peer_send(w->logd, &o); /* away: it gets all when it is back */
}

static void tell_one(void *arg, const struct log_drain *d)
{
	tell(arg, d, (uint64_t)d->created_at * 1000);
}

void drains_up(struct web *w)
{
	struct frame_out begin = frame_begin(MSG_DRAINS_BEGIN, 0);
	struct frame_out end = frame_begin(MSG_DRAINS_END, 0);
	struct error err = {0};

	(void)peer_send(w->logd, &begin);
	if (store_drain_list(w->store, 0, tell_one, w, &err) == -1) {
		/* Without an END nothing is forgotten. */
		log_error("logd is not told of all drains: %s", err.msg);
		frame_out_release(&end);
		return;
	}
	(void)peer_send(w->logd, &end);
}

/* --- looking for one ------------------------------------------------------ */

struct search {
	struct str key;
	struct log_drain *ret;
	uint64_t n;
	bool found;
};

/* An address may be written in more than one way. */
static bool leads_to(const struct log_drain *d, struct str url)
{
	struct drain_url own, other;

	return drain_parse(str_z(d->url), &own, NULL) == 0 &&
	       drain_parse(url, &other, NULL) == 0 && drain_same(&own, &other);
}

static void look(void *arg, const struct log_drain *d)
{
	struct search *s = arg;

	s->n++;
	if (s->found || (!str_eqz(s->key, d->uuid) &&
	                    !str_eqz(s->key, d->token) && !leads_to(d, s->key)))
		return;
	s->found = true;
	*s->ret = *d;
}

int drains_find(struct web *w, const struct app *a, struct str key,
    struct log_drain *ret, struct error *err)
{
	struct search s = {.key = key, .ret = ret};

	if (store_drain_list(w->store, a->id, look, &s, err) == -1)
		return -1;
	if (!s.found)
		return error_set(err, ERR_NOT_FOUND,
		    "The app has no such drain. See `paas drains`.");
	return 0;
}

/* --- changes -------------------------------------------------------------- */

static int check(
    struct web *w, const struct app *a, struct str url, struct error *err)
{
	struct log_drain other;
	struct search s = {.key = url, .ret = &other};
	struct drain_url parts;

	if (drain_parse(url, &parts, err) == -1 ||
	    store_drain_list(w->store, a->id, look, &s, err) == -1)
		return -1;
	if (strcmp(w->settings.drain_private, "yes") != 0 &&
	    drain_host_private(&parts))
		return error_set(err, ERR_INVALID,
		    "Drains do not lead to this machine or private networks. "
		    "The platform's owner allows it with the setting "
		    "drain_private = yes.");
	if (s.found)
		return error_set(
		    err, ERR_INVALID, "The app has this drain already.");
	if (s.n >= w->settings.drains_max)
		return error_set(err, ERR_LIMIT,
		    "%s has %" PRIu64 " drains, and no more are allowed. "
		    "Remove one first: paas drains:remove",
		    a->name, s.n);
	return 0;
}

int drains_add(struct web *w, const struct account *by, const struct app *a,
    struct str url, struct log_drain *ret, struct error *err)
{
	scoped_tx struct store *tx = NULL;

	if (check(w, a, url, err) == -1)
		return -1;
	tx = store_begin(w->store, err);
	if (!tx || store_drain_add(w->store, a->id, url, ret, err) == -1 ||
	    audit(w, by, a, "drain:add", ret->token, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	tell(w, ret, clock_real_ms());
	applog(w, a->id, "Drain %s added by user %s", ret->token, by->email);
	return 0;
}

int drains_del(struct web *w, const struct account *by, const struct app *a,
    const struct log_drain *d, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	struct frame_out o;

	if (!tx || store_drain_del(w->store, d->id, err) == -1 ||
	    audit(w, by, a, "drain:remove", d->token, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	o = frame_begin(MSG_DRAIN_DROP, 0);
	frame_put_u64(&o, F_DRAIN, (uint64_t)d->id);
	(void)peer_send(w->logd, &o);
	applog(w, a->id, "Drain %s removed by user %s", d->token, by->email);
	return 0;
}
