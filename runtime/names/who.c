#include "who.h"

#include <string.h>

#include "base/mem.h"

/* --- apps ----------------------------------------------------------------- */

void who_init(struct who *w)
{
	w->apps = map_new();
	w->by_id = map_new();
	w->by_address = map_new();
	list_init(&w->endpoints);
}

struct who_app *who_app_new(uint64_t id)
{
	struct who_app *a = xcalloc(1, sizeof(*a));

	a->id = id;
	return a;
}

void who_app_free(struct who_app *a)
{
	if (!a)
		return;
	free(a->rules);
	free(a->links);
	free(a);
}

void who_app_rule(struct who_app *a, struct str text)
{
	struct egress e;

	if (a->nrules == WHO_RULES_MAX || egress_parse(text, &e, NULL) == -1 ||
	    e.kind != EGRESS_NAME)
		return;
	a->rules = xrealloc(a->rules, (a->nrules + 1) * sizeof(*a->rules));
	a->rules[a->nrules++] = e;
}

void who_app_link(struct who_app *a, uint64_t app, struct str name)
{
	struct who_link *l;

	if (a->nlinks == WHO_RULES_MAX)
		return;
	a->links = xrealloc(a->links, (a->nlinks + 1) * sizeof(*a->links));
	l = &a->links[a->nlinks++];
	l->app = app;
	str_copy(name, l->name, sizeof(l->name));
}

void who_app_put(struct who *w, struct who_app *a)
{
	who_app_free(map_del_id(w->apps, a->id + 1));
	if (a->nrules == 0 && a->nlinks == 0)
		who_app_free(a);
	else
		(void)map_set_id(w->apps, a->id + 1, a);
}

const struct who_app *who_app(const struct who *w, uint64_t id)
{
	return map_get_id(w->apps, id + 1);
}

void who_apps_mark(struct who *w)
{
	size_t pos = 0;
	void *a;

	while (map_next(w->apps, &pos, NULL, &a))
		((struct who_app *)a)->stale = true;
}

void who_apps_sweep(struct who *w)
{
	size_t pos = 0;
	void *value;

	while (map_next(w->apps, &pos, NULL, &value)) {
		struct who_app *a = value;

		if (a->stale)
			who_app_free(map_del_id(w->apps, a->id + 1));
	}
}

/* --- endpoints ------------------------------------------------------------ */

bool who_is_instance(const struct ip *ip)
{
	return ip_is4(ip) && ip_v4(ip) >> 22 == 0x64400000u >> 22;
}

static uint64_t key(const struct ip *ip)
{
	return (uint64_t)ip_v4(ip) + 1;
}

/* An address is another's by now when an instance was removed late. */
static void forget_address(struct who *w, const struct endpoint *e)
{
	if (map_get_id(w->by_address, key(&e->ip)) == e)
		(void)map_del_id(w->by_address, key(&e->ip));
}

struct endpoint *who_endpoint(struct who *w, uint64_t id, const struct ip *ip)
{
	struct endpoint *e = map_get_id(w->by_id, id);

	if (!e) {
		e = xcalloc(1, sizeof(*e));
		e->id = id;
		list_add(&w->endpoints, &e->all);
		(void)map_set_id(w->by_id, id, e);
	} else {
		forget_address(w, e);
	}
	e->ip = *ip;
	e->stale = false;
	(void)map_set_id(w->by_address, key(ip), e);
	return e;
}

void who_endpoint_drop(struct who *w, uint64_t id)
{
	struct endpoint *e = map_del_id(w->by_id, id);

	if (!e)
		return;
	forget_address(w, e);
	list_del(&e->all);
	free(e);
}

const struct endpoint *who_at(const struct who *w, const struct ip *ip)
{
	const struct endpoint *e = map_get_id(w->by_address, key(ip));

	return e && ip_eq(&e->ip, ip) ? e : NULL;
}

void who_endpoints_mark(struct who *w)
{
	struct endpoint *e;

	list_each(e, &w->endpoints, all) e->stale = true;
}

void who_endpoints_sweep(struct who *w)
{
	struct endpoint *e;

	list_each(e, &w->endpoints, all)
	{
		if (e->stale)
			who_endpoint_drop(w, e->id);
	}
}

void who_release(struct who *w)
{
	who_endpoints_mark(w);
	who_endpoints_sweep(w);
	who_apps_mark(w);
	who_apps_sweep(w);
	map_free(w->apps);
	map_free(w->by_id);
	map_free(w->by_address);
}

/* --- names ---------------------------------------------------------------- */

static const struct who_link *find_link(
    const struct who_app *a, struct str name)
{
	for (size_t i = 0; a && i < a->nlinks; i++)
		if (str_eqz(name, a->links[i].name))
			return &a->links[i];
	return NULL;
}

static size_t gather(const struct who *w, uint64_t app, struct str type,
    struct ip *out, size_t max)
{
	struct endpoint *e;
	size_t n = 0;

	list_each(e, &w->endpoints, all)
	{
		if (n < max && e->found && e->app == app &&
		    str_eq_nocase(type, str_z(e->type)))
			out[n++] = e->ip;
	}
	return n;
}

/* Split the last label off a name with a dot in it. */
static bool split_last(struct str *name, struct str *ret_last)
{
	for (size_t i = name->len; i-- > 0;) {
		if (name->p[i] != '.')
			continue;
		*ret_last = str_sub(*name, i + 1, name->len);
		*name = str_sub(*name, 0, i);
		return true;
	}
	return false;
}

enum who_answer who_find(const struct who *w, uint64_t app, struct str name,
    struct ip *out, size_t max, size_t *ret_n)
{
	const struct who_link *link;
	struct str rest = name, label;
	struct str type = STR("web");

	*ret_n = 0;
	if (str_eqz(name, EGRESS_HOST)) {
		out[0] = ip_from4(WHO_GATEWAY);
		*ret_n = 1;
		return WHO_FOUND;
	}
	if (!split_last(&rest, &label) || !str_eqz(label, "internal"))
		return WHO_OTHERS;
	if (!split_last(&rest, &label)) {
		label = rest;
		link = find_link(who_app(w, app), label);
		if (!link)
			return WHO_NONE;
	} else {
		link = find_link(who_app(w, app), label);
		if (!link || str_find(rest, '.') != -1)
			return WHO_OTHERS;
		type = rest;
	}
	*ret_n = gather(w, link->app, type, out, max);
	return WHO_FOUND;
}

static size_t add_ports(const struct who_app *a, const char *name,
    uint16_t *out, size_t n, size_t max)
{
	for (size_t i = 0; a && i < a->nrules && n < max; i++) {
		bool known = strcmp(a->rules[i].name, name) != 0;

		for (size_t j = 0; j < n; j++)
			known |= out[j] == a->rules[i].port;
		if (!known)
			out[n++] = a->rules[i].port;
	}
	return n;
}

size_t who_ports(const struct who *w, uint64_t app, const char *name,
    uint16_t *out, size_t max)
{
	size_t n = add_ports(who_app(w, app), name, out, 0, max);

	return add_ports(who_app(w, 0), name, out, n, max);
}
