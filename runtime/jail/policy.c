#include "policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define APPS_MAX 0x0fffffffu /* that a group can tell apart */
#define BOTH "meta l4proto { tcp, udp } "

/* --- an app --------------------------------------------------------------- */

struct policy_app *policy_app_new(uint64_t id)
{
	struct policy_app *a = xcalloc(1, sizeof(*a));

	a->id = id;
	return a;
}

void policy_app_free(struct policy_app *a)
{
	if (!a)
		return;
	free(a->egress);
	free(a->links);
	free(a->open);
	free(a);
}

bool policy_app_egress(struct policy_app *a, struct str text)
{
	struct egress e;

	if (a->negress == POLICY_RULES_MAX ||
	    egress_parse(text, &e, NULL) == -1)
		return false;
	a->egress = xrealloc(a->egress, (a->negress + 1) * sizeof(*a->egress));
	a->egress[a->negress++] = e;
	return true;
}

static bool links_to(const struct policy_app *a, uint64_t to)
{
	for (size_t i = 0; i < a->nlinks; i++)
		if (a->links[i] == to)
			return true;
	return false;
}

void policy_app_link(struct policy_app *a, uint64_t to)
{
	if (a->nlinks == POLICY_RULES_MAX || to == a->id || links_to(a, to))
		return;
	a->links = xrealloc(a->links, (a->nlinks + 1) * sizeof(*a->links));
	a->links[a->nlinks++] = to;
}

bool policy_app_same(const struct policy_app *a, const struct policy_app *b)
{
	if (a->negress != b->negress || a->nlinks != b->nlinks)
		return false;
	for (size_t i = 0; i < a->negress; i++)
		if (!egress_eq(&a->egress[i], &b->egress[i]))
			return false;
	for (size_t i = 0; i < a->nlinks; i++)
		if (a->links[i] != b->links[i])
			return false;
	return true;
}

/* Is there a rule by name for this port, of the app or of all? */
static bool may_open(const struct policy_app *a, uint16_t port)
{
	for (size_t i = 0; a && i < a->negress; i++)
		if (a->egress[i].kind == EGRESS_NAME &&
		    a->egress[i].port == port)
			return true;
	return false;
}

uint32_t policy_group(uint64_t app)
{
	return app <= APPS_MAX ? POLICY_GROUP + (uint32_t)app : POLICY_GROUP;
}

/* --- all of them ---------------------------------------------------------- */

void policy_init(struct policy *p)
{
	p->apps = map_new();
}

void policy_release(struct policy *p)
{
	size_t pos = 0;
	void *a;

	while (p->apps && map_next(p->apps, &pos, NULL, &a))
		policy_app_free(a);
	map_free(p->apps);
	p->apps = NULL;
}

/* A key of 0 is a key like any other; + 1 keeps it apart from none. */
static struct policy_app *find(const struct policy *p, uint64_t id)
{
	return map_get_id(p->apps, id + 1);
}

const struct policy_app *policy_find(const struct policy *p, uint64_t id)
{
	return find(p, id);
}

struct policy_app *policy_take(struct policy *p, uint64_t id)
{
	return map_del_id(p->apps, id + 1);
}

static bool is_empty(const struct policy_app *a)
{
	return !a->negress && !a->nlinks && !a->nopen;
}

static void move_open(
    const struct policy *p, struct policy_app *to, struct policy_app *from)
{
	const struct policy_app *all = to->id ? find(p, 0) : NULL;
	size_t n = 0;

	to->open = take(from->open);
	for (size_t i = 0; i < from->nopen; i++)
		if (may_open(to, to->open[i].port) ||
		    may_open(all, to->open[i].port))
			to->open[n++] = to->open[i];
	to->nopen = n;
	from->nopen = 0;
}

bool policy_put(struct policy *p, struct policy_app *a)
{
	static const struct policy_app none;
	struct policy_app *old = find(p, a->id);
	bool changed = !policy_app_same(old ? old : &none, a);

	if (old)
		move_open(p, a, old);
	(void)map_del_id(p->apps, a->id + 1);
	policy_app_free(old);
	if (is_empty(a))
		policy_app_free(a);
	else
		(void)map_set_id(p->apps, a->id + 1, a);
	return changed;
}

/* Room for one more: the one that is over first gives way. */
static struct policy_open *place(struct policy_app *a, uint64_t now)
{
	struct policy_open *first = a->open;

	for (size_t i = 0; i < a->nopen; i++) {
		if (a->open[i].until <= now)
			return a->open + i;
		if (a->open[i].until < first->until)
			first = a->open + i;
	}
	if (a->nopen == POLICY_OPEN_MAX)
		return first;
	a->open = xrealloc(a->open, (a->nopen + 1) * sizeof(*a->open));
	return a->open + a->nopen++;
}

bool policy_may_open(const struct policy *p, uint64_t app, uint16_t port)
{
	return may_open(find(p, app), port) || may_open(find(p, 0), port);
}

bool policy_open(struct policy *p, uint64_t app, const struct ip *ip,
    uint16_t port, uint64_t now, uint64_t until)
{
	struct policy_app *a = find(p, app);

	if (!a) {
		a = policy_app_new(app);
		(void)map_set_id(p->apps, app + 1, a);
	}
	for (size_t i = 0; i < a->nopen; i++) {
		struct policy_open *o = a->open + i;

		if (!ip_eq(&o->ip, ip) || o->port != port)
			continue;
		if (o->until >= until)
			return false;
		o->until = until;
		return true;
	}
	*place(a, now) = (struct policy_open){*ip, port, until};
	return true;
}

/* --- as text of its own --------------------------------------------------- */

static void print_app(const struct policy_app *a, struct buf *out)
{
	char text[EGRESS_TEXT], ip[IP_TEXT];

	buf_addf(out, "app %" PRIu64 "\n", a->id);
	for (size_t i = 0; i < a->negress; i++) {
		egress_print(&a->egress[i], text);
		buf_addf(out, "egress %s\n", text);
	}
	for (size_t i = 0; i < a->nlinks; i++)
		buf_addf(out, "link %" PRIu64 "\n", a->links[i]);
	for (size_t i = 0; i < a->nopen; i++) {
		ip_print(&a->open[i].ip, ip);
		buf_addf(out, "open %s %u %" PRIu64 "\n", ip, a->open[i].port,
		    a->open[i].until);
	}
}

void policy_print(const struct policy *p, struct buf *out)
{
	size_t pos = 0;
	void *a;

	while (map_next(p->apps, &pos, NULL, &a))
		print_app(a, out);
}

static void parse_open(struct policy *p, uint64_t app, struct str line)
{
	struct str ip_text, port_text;
	uint64_t port, until;
	struct ip ip;

	if (str_split(&line, ' ', &ip_text) &&
	    str_split(&line, ' ', &port_text) && ip_parse(ip_text, &ip) &&
	    str_u64(port_text, 65535, &port) &&
	    str_u64(line, UINT64_MAX, &until))
		(void)policy_open(p, app, &ip, (uint16_t)port, 0, until);
}

void policy_parse(struct policy *p, struct str text)
{
	struct policy_app *a = NULL;
	struct str line, word;
	uint64_t id;

	while (str_split(&text, '\n', &line)) {
		if (!str_split(&line, ' ', &word))
			continue;
		if (str_eqz(word, "app") &&
		    str_u64(line, UINT64_MAX - 1, &id) && !find(p, id)) {
			a = policy_app_new(id);
			(void)map_set_id(p->apps, id + 1, a);
		} else if (a && str_eqz(word, "egress")) {
			(void)policy_app_egress(a, line);
		} else if (a && str_eqz(word, "link") &&
		           str_u64(line, UINT64_MAX, &id)) {
			policy_app_link(a, id);
		} else if (a && str_eqz(word, "open")) {
			parse_open(p, a->id, line);
		}
	}
}

/* --- as text for nft ------------------------------------------------------ */

static void print_net(
    const struct egress *e, const char *before, struct buf *out)
{
	char net[IP_NET_TEXT];

	ip_net_print(&e->net, net);
	buf_addf(out, "%s%s daddr %s ", before,
	    ip_is4(&e->net.ip) ? "ip" : "ip6", net);
	if (e->port)
		buf_addf(out, BOTH "th dport %u ", e->port);
	buf_addz(out, "accept\n");
}

static void print_nets(
    const struct policy_app *a, const char *before, struct buf *out)
{
	for (size_t i = 0; a && i < a->negress; i++)
		if (a->egress[i].kind == EGRESS_NET)
			print_net(&a->egress[i], before, out);
}

/*
 * The elements of one kind, of all apps: the function adds those of an app,
 * each with a comma behind, which nft takes at the end of a list, too.
 */
static void print_elements(const struct policy *p, uint64_t now,
    void (*fn)(const struct policy_app *a, uint64_t now, struct buf *out),
    struct buf *out)
{
	static const char head[] = "\t\telements = { ";
	size_t before = out->len, pos = 0, start;
	void *a;

	buf_addz(out, head);
	start = out->len;
	while (map_next(p->apps, &pos, NULL, &a))
		fn(a, now, out);
	if (out->len == start)
		out->len = before; /* nft takes no empty list */
	else
		buf_addz(out, " }\n");
	buf_addz(out, "\t}\n");
}

static bool has_group(const struct policy_app *a)
{
	return a->id > 0 && a->id <= APPS_MAX;
}

static void add_chain(const struct policy_app *a, uint64_t now, struct buf *out)
{
	if (has_group(a))
		buf_addf(out, "%u : jump app_%" PRIu64 ", ",
		    policy_group(a->id), a->id);
}

static void add_links(const struct policy_app *a, uint64_t now, struct buf *out)
{
	for (size_t i = 0; has_group(a) && i < a->nlinks; i++)
		if (a->links[i] > 0 && a->links[i] <= APPS_MAX)
			buf_addf(out, "%u . %u, ", policy_group(a->id),
			    policy_group(a->links[i]));
}

/* One port may be named by two rules of other text, but not twice in a set. */
static bool is_first(const struct policy_app *a, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (a->egress[j].kind == EGRESS_MACHINE &&
		    a->egress[j].port == a->egress[i].port)
			return false;
	return a->egress[i].kind == EGRESS_MACHINE;
}

static void add_ports(const struct policy_app *a, uint64_t now, struct buf *out)
{
	for (size_t i = 0; has_group(a) && i < a->negress; i++)
		if (is_first(a, i))
			buf_addf(out, "%u . %u, ", policy_group(a->id),
			    a->egress[i].port);
}

static void add_open(
    const struct policy_app *a, uint64_t now, bool four, struct buf *out)
{
	char ip[IP_TEXT];

	for (size_t i = 0; has_group(a) && i < a->nopen; i++) {
		const struct policy_open *o = a->open + i;

		if (o->until <= now || ip_is4(&o->ip) != four)
			continue;
		ip_print(&o->ip, ip);
		buf_addf(out, "%u . %s . %u timeout %" PRIu64 "s, ",
		    policy_group(a->id), ip, o->port,
		    o->until - now > POLICY_OPEN_SECONDS ? POLICY_OPEN_SECONDS
		                                         : o->until - now);
	}
}

static void add_open4(const struct policy_app *a, uint64_t now, struct buf *out)
{
	add_open(a, now, true, out);
}

static void add_open6(const struct policy_app *a, uint64_t now, struct buf *out)
{
	add_open(a, now, false, out);
}

static void print_all_apps(const struct policy_app *all, struct buf *out)
{
	buf_addz(out, "\tchain app_0 {\n");
	print_nets(all, "\t\t", out);
	buf_addz(out, "\t}\n\tchain machine {\n");
	for (size_t i = 0; all && i < all->negress; i++)
		if (is_first(all, i))
			buf_addf(out, "\t\t" BOTH "th dport %u accept\n",
			    all->egress[i].port);
	buf_addz(out, "\t}\n");
}

void policy_rules(const struct policy *p, uint64_t now, struct buf *out)
{
	size_t pos = 0;
	void *value;

	while (map_next(p->apps, &pos, NULL, &value)) {
		const struct policy_app *a = value;

		if (!has_group(a))
			continue;
		buf_addf(out, "\tchain app_%" PRIu64 " {\n", a->id);
		print_nets(a, "\t\t", out);
		buf_addz(out, "\t}\n");
	}
	print_all_apps(find(p, 0), out);
	buf_addz(out, "\tmap apps {\n\t\ttype devgroup : verdict\n");
	print_elements(p, now, add_chain, out);
	buf_addz(out, "\tset links {\n\t\ttype devgroup . devgroup\n");
	print_elements(p, now, add_links, out);
	buf_addz(out, "\tset ports {\n\t\ttype devgroup . inet_service\n");
	print_elements(p, now, add_ports, out);
	buf_addz(out, "\tset open4 {\n\t\ttype devgroup . ipv4_addr . "
	              "inet_service\n\t\tflags timeout\n");
	print_elements(p, now, add_open4, out);
	buf_addz(out, "\tset open6 {\n\t\ttype devgroup . ipv6_addr . "
	              "inet_service\n\t\tflags timeout\n");
	print_elements(p, now, add_open6, out);
}

static void change_elements(const char *table, const char *verb,
    const char *set, const struct policy_app *a,
    void (*fn)(const struct policy_app *a, uint64_t now, struct buf *out),
    struct buf *out)
{
	size_t before = out->len, start;

	if (!a)
		return;
	buf_addf(out, "%s element inet %s %s { ", verb, table, set);
	start = out->len;
	fn(a, 0, out);
	if (out->len == start)
		out->len = before;
	else
		buf_addz(out, "}\n");
}

void policy_change(const char *table, const struct policy_app *old,
    const struct policy_app *new, struct buf *out)
{
	uint64_t id = new ? new->id : old->id;
	char rule[64];

	change_elements(table, "delete", "links", old, add_links, out);
	change_elements(table, "delete", "ports", old, add_ports, out);
	if (!new) {
		change_elements(table, "delete", "apps", old, add_chain, out);
		buf_addf(
		    out, "delete chain inet %s app_%" PRIu64 "\n", table, id);
		return;
	}
	buf_addf(out,
	    "add chain inet %s app_%" PRIu64 "\n"
	    "flush chain inet %s app_%" PRIu64 "\n",
	    table, id, table, id);
	snprintf(
	    rule, sizeof(rule), "add rule inet %s app_%" PRIu64 " ", table, id);
	print_nets(new, rule, out);
	change_elements(table, "add", "apps", new, add_chain, out);
	change_elements(table, "add", "links", new, add_links, out);
	change_elements(table, "add", "ports", new, add_ports, out);
}

void policy_open_print(const char *table, uint64_t app, const struct ip *ip,
    uint16_t port, uint64_t seconds, struct buf *out)
{
	char text[IP_TEXT];
	const char *set = ip_is4(ip) ? "open4" : "open6";

	ip_print(ip, text);
	/* A timeout is not made longer: out with it, and in again. */
	buf_addf(out,
	    "add element inet %s %s { %u . %s . %u }\n"
	    "delete element inet %s %s { %u . %s . %u }\n"
	    "add element inet %s %s { %u . %s . %u timeout %" PRIu64 "s }\n",
	    table, set, policy_group(app), text, port, table, set,
	    policy_group(app), text, port, table, set, policy_group(app), text,
	    port, seconds);
}
