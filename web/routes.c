#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ipc/msg.h"

#define ATTACH_WAIT_MS 5000

static const struct own {
	const char *prefix;
	enum route_target target;
} own[] = {
    {"", ROUTE_PLATFORM},
    {"api.", ROUTE_PLATFORM},
    {"git.", ROUTE_GITD},
};

static void send_route(
    struct web *w, const char *host, enum route_target to, int64_t app)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_ROUTE, 0);

	frame_put_z(&o, F_HOST, host);
	frame_put_u64(&o, F_TARGET, to);
	if (app)
		frame_put_u64(&o, F_APP, (uint64_t)app);
	(void)peer_send(w->router, &o); /* away: it gets all when it is back */
}

static void send_plain(struct web *w, uint16_t type)
{
	scoped_frame_out struct frame_out o = frame_begin(type, 0);

	(void)peer_send(w->router, &o);
}

void routes_host(const struct web *w, const char *app, char out[288])
{
	snprintf(out, 288, "%s.%s", app, w->settings.apps_domain);
}

struct put {
	struct web *w;
	const struct app *app;
};

static enum route_target target_of(const struct app *a)
{
	return a->maintenance ? ROUTE_PLATFORM : ROUTE_APP;
}

static void put_domain(void *arg, const struct domain *d)
{
	struct put *p = arg;

	send_route(p->w, d->hostname, target_of(p->app), p->app->id);
}

void routes_put(struct web *w, const struct app *a)
{
	struct put p = {w, a};
	char host[288];

	routes_host(w, a->name, host);
	send_route(w, host, target_of(a), a->id);
	(void)store_domain_list(w->store, a->id, put_domain, &p, NULL);
}

static void drop_domain(void *arg, const struct domain *d)
{
	routes_drop_host(arg, d->hostname);
}

void routes_drop_host(struct web *w, const char *host)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_ROUTE_DROP, 0);

	frame_put_z(&o, F_HOST, host);
	(void)peer_send(w->router, &o);
}

void routes_drop_name(struct web *w, const char *app)
{
	char host[288];

	routes_host(w, app, host);
	routes_drop_host(w, host);
}

void routes_drop(struct web *w, const struct app *a)
{
	routes_drop_name(w, a->name);
	(void)store_domain_list(w->store, a->id, drop_domain, w, NULL);
}

/* --- rendezvous ----------------------------------------------------------- */

/* What the router was told; a new router is told again. */
struct attachment {
	struct list item; /* in w->attaches, the oldest first */
	char secret[44];
	uint64_t instance, until_ms;
};

static void forget_old(struct web *w)
{
	struct attachment *t;

	list_each(t, &w->attaches, item)
	{
		if (t->until_ms > ev_now_ms(w->ev))
			continue;
		list_del(&t->item);
		explicit_bzero(t->secret, sizeof(t->secret));
		free(t);
	}
}

static void remember(
    struct web *w, const char *secret, uint64_t instance, uint64_t ms)
{
	struct attachment *t;

	forget_old(w);
	list_each(t, &w->attaches, item)
	{
		if (strcmp(t->secret, secret) == 0)
			return;
	}
	t = xcalloc(1, sizeof(*t));
	str_copy(str_z(secret), t->secret, sizeof(t->secret));
	t->instance = instance;
	t->until_ms = ev_now_ms(w->ev) + ms;
	list_add(&w->attaches, &t->item);
}

static void put_attach(
    struct frame_out *o, const char *secret, uint64_t instance, uint64_t ms)
{
	frame_put_z(o, F_SECRET, secret);
	frame_put_u64(o, F_INSTANCE, instance);
	frame_put_u64(o, F_MS, ms);
}

int routes_attach(struct web *w, struct ask *a, const char *secret,
    uint64_t instance, uint64_t ms, struct error *err)
{
	scoped_frame_out struct frame_out o =
	    ask_begin(a, w->router, MSG_ATTACH_ADD);

	remember(w, secret, instance, ms);
	put_attach(&o, secret, instance, ms);
	return ask_send(w, a, w->router, &o, ATTACH_WAIT_MS, err);
}

static void attach_again(struct web *w)
{
	struct attachment *t;

	forget_old(w);
	list_each(t, &w->attaches, item)
	{
		struct frame_out o = frame_begin(MSG_ATTACH_ADD, 0);

		put_attach(
		    &o, t->secret, t->instance, t->until_ms - ev_now_ms(w->ev));
		(void)peer_send(w->router, &o);
	}
}

/* --- all ------------------------------------------------------------------ */

static void put_app(void *arg, const struct app *a)
{
	routes_put(arg, a);
}

void routes_up(struct web *w)
{
	char host[288];

	send_plain(w, MSG_ROUTES_BEGIN);
	for (size_t i = 0; i < NELEM(own); i++) {
		snprintf(host, sizeof(host), "%s%s", own[i].prefix,
		    w->settings.host);
		send_route(w, host, own[i].target, 0);
	}
	send_route(w, "localhost", ROUTE_PLATFORM, 0);
	(void)store_app_list(w->store, 0, put_app, w, NULL);
	attach_again(w); /* requests wait for the end of the routes */
	send_plain(w, MSG_ROUTES_END);
}

bool routes_is_own(const struct web *w, struct str host)
{
	struct str base = str_z(w->settings.host);

	if (str_eqz(host, "localhost"))
		return true;
	for (size_t i = 0; i < NELEM(own); i++) {
		struct str prefix = str_z(own[i].prefix);

		if (str_starts(host, prefix) &&
		    str_eq(str_sub(host, prefix.len, host.len), base))
			return true;
	}
	return false;
}

int routes_app(
    struct web *w, struct str host, struct app *ret, struct error *err)
{
	struct str domain = str_z(w->settings.apps_domain);
	struct domain d;

	if (host.len > domain.len + 1 && str_ends(host, domain) &&
	    host.p[host.len - domain.len - 1] == '.' &&
	    store_app_find(w->store,
	        str_sub(host, 0, host.len - domain.len - 1), ret, err) == 0)
		return 0;
	if (store_domain_find(w->store, host, &d, err) == -1)
		return -1;
	return store_app_get(w->store, d.app, ret, err);
}
