#include "table.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "forward.h"
#include "link.h"
#include "nft.h"
#include "resolv.h"

#define KEPT "net" /* in the run folder */
#define CHANGE_MAX (1u << 20)

/* Addresses of the internet, to look up the way there: root name servers. */
#define OUTSIDE4 0xc6290004u

struct table {
	const struct settings *settings;
	struct link *link;
	char name[16];
	struct rules rules; /* as loaded; nothing in them before the first */
	bool loaded;
	uint16_t dns_udp, dns_tcp;
	uint32_t generation;
	struct uplinks ways[2]; /* of the policy, by family */
	struct policy policy;
	struct policy coming; /* apps NULL unless all of it comes */
};

static uint64_t now(void)
{
	return clock_mono_ms() / 1000;
}

/* --- what is kept --------------------------------------------------------- */

static void keep(const struct table *t)
{
	scoped_buf struct buf text = BUF_INIT(POLICY_TEXT_MAX);
	scoped_fd int run =
	    open(t->settings->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	policy_print(&t->policy, &text);
	if (run == -1)
		(void)error_sys(&err, "open %s", t->settings->run);
	if (run == -1 ||
	    fd_write_file(run, KEPT, buf_str(&text), 0600, &err) == -1)
		log_error("rules are not kept: %s", err.msg);
}

static void read_kept(struct table *t)
{
	scoped_buf struct buf text = BUF_INIT(POLICY_TEXT_MAX);
	scoped_fd int run =
	    open(t->settings->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (run != -1 && fd_read_file(run, KEPT, &text, NULL) == 0)
		policy_parse(&t->policy, buf_str(&text));
}

/* --- loading -------------------------------------------------------------- */

static int load(struct table *t, const struct rules *rules, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(POLICY_TEXT_MAX);

	rules_print(rules, &t->policy, now(), &text);
	if (text.bad)
		return error_set(err, ERR_INTERNAL, "rules are too long");
	if (nft_load(buf_str(&text), err) == -1)
		return -1;
	t->generation = nft_generation();
	t->rules = *rules;
	t->loaded = true;
	log_info("network rules loaded ipv6=%d apps=%zu", rules->ipv6,
	    map_len(t->policy.apps));
	return 0;
}

static int command(struct table *t, struct buf *text, struct error *err)
{
	if (text->bad)
		return error_set(err, ERR_LIMIT, "too many rules at once");
	if (text->len > 0 && nft_load(buf_str(text), err) == -1)
		return -1;
	t->generation = nft_generation();
	return 0;
}

/* The interface that leads to this address, to those of its family. */
static void add_uplink(
    struct table *t, const struct ip *address, struct uplinks ret[2])
{
	char name[LINK_NAME];
	int index;

	if (link_route_lookup(t->link, address, &index, NULL) == -1 ||
	    link_name(t->link, index, name, NULL) == -1)
		return; /* no way there, now */
	if (strcmp(name, "lo") != 0 && strncmp(name, "paas", 4) != 0)
		(void)uplinks_add(
		    &ret[ip_is4(address) ? FORWARD4 : FORWARD6], name);
}

/* What was opened may lie behind other interfaces than the internet. */
static void find_ways(struct table *t)
{
	size_t pos = 0;
	void *value;

	memset(t->ways, 0, sizeof(t->ways));
	while (map_next(t->policy.apps, &pos, NULL, &value)) {
		const struct policy_app *a = value;

		for (size_t i = 0; i < a->negress; i++)
			if (a->egress[i].kind == EGRESS_NET)
				add_uplink(t, &a->egress[i].net.ip, t->ways);
		for (size_t i = 0; i < a->nopen; i++)
			add_uplink(t, &a->open[i].ip, t->ways);
	}
}

static void find_uplinks(struct table *t, struct uplinks ret[2])
{
	static const struct ip outside6 = {
	    {0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, [13] = 2, [15] = 0x30}};
	struct ip outside4 = ip_from4(OUTSIDE4);

	memset(ret, 0, 2 * sizeof(*ret));
	add_uplink(t, &outside4, ret);
	add_uplink(t, &outside6, ret);
	for (int f = FORWARD4; f <= FORWARD6; f++)
		for (uint32_t i = 0; i < t->ways[f].n; i++)
			(void)uplinks_add(&ret[f], t->ways[f].name[i]);
}

/* The whole of it as it should be, now. */
static int want_rules(struct table *t, struct rules *want,
    const struct uplinks uplinks[2], struct error *err)
{
	const struct settings *s = t->settings;

	memset(want, 0, sizeof(*want)); /* to be compared bytewise */
	want->slot = s->slot;
	want->flows = s->app_flows;
	want->dns_udp = t->dns_udp;
	want->dns_tcp = t->dns_tcp;
	want->smtp = strcmp(s->smtp, "open") == 0;
	want->ipv6 = uplinks[FORWARD6].n > 0 && forward_possible(FORWARD6);
	if (forward_claim(FORWARD4, s->slot, &uplinks[FORWARD4], &want->opened,
	        err) == -1)
		return -1;
	return want->ipv6 ? forward_claim(FORWARD6, s->slot, &uplinks[FORWARD6],
	                        &want->opened6, err)
	                  : 0;
}

int table_refresh(struct table *t, struct error *err)
{
	struct uplinks uplinks[2];
	struct rules want;

	find_uplinks(t, uplinks);
	if (want_rules(t, &want, uplinks, err) == -1)
		return -1;
	if ((!t->loaded || memcmp(&want, &t->rules, sizeof(want)) != 0 ||
	        !nft_has(t->name)) &&
	    load(t, &want, err) == -1)
		return -1;
	if (want.ipv6 && forward_on(FORWARD6, &uplinks[FORWARD6], err) == -1)
		return -1;
	return forward_on(FORWARD4, &uplinks[FORWARD4], err);
}

int table_repair(struct table *t, struct error *err)
{
	t->loaded = false;
	return table_refresh(t, err);
}

struct table *table_open(const struct settings *s, struct link *l,
    uint16_t dns_udp, uint16_t dns_tcp, struct error *err)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->settings = s;
	t->link = l;
	t->dns_udp = dns_udp;
	t->dns_tcp = dns_tcp;
	rules_table(s->slot, t->name);
	policy_init(&t->policy);
	read_kept(t);
	find_ways(t);
	if (table_refresh(t, err) == -1) {
		table_free(t);
		return NULL;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	policy_release(&t->policy);
	policy_release(&t->coming);
	free(t);
}

bool table_has_ipv6(const struct table *t)
{
	return t->rules.ipv6;
}

uint32_t table_generation(const struct table *t)
{
	return t->generation;
}

const char *table_name(const struct table *t)
{
	return t->name;
}

/* --- what plan says ------------------------------------------------------- */

static void load_or_say(struct table *t)
{
	struct error err = {0};

	if (table_repair(t, &err) == -1)
		log_error("rules of apps are not loaded: %s", err.msg);
}

/* What is open by name, or for all, is not changed by a few commands. */
static bool is_wide(const struct policy_app *a)
{
	return a && (a->id == 0 || a->nopen > 0);
}

static void apply(struct table *t, struct buf *text)
{
	struct error err = {0};

	keep(t);
	find_ways(t);
	if (text->len > 0 && t->loaded) {
		if (command(t, text, &err) == 0 && table_refresh(t, &err) == 0)
			return;
		log_warn("rules of an app: %s", err.msg);
	}
	load_or_say(t);
}

void table_set(struct table *t, struct policy_app *a)
{
	static const struct policy_app none;
	scoped_buf struct buf text = BUF_INIT(CHANGE_MAX);
	const struct policy_app *old;
	uint64_t id = a->id;

	if (t->coming.apps) {
		(void)policy_put(&t->coming, a);
		return;
	}
	old = policy_find(&t->policy, id);
	if (policy_app_same(old ? old : &none, a)) {
		policy_app_free(a);
		return;
	}
	if (!is_wide(old) && !is_wide(a))
		policy_change(
		    t->name, old, a->negress || a->nlinks ? a : NULL, &text);
	(void)policy_put(&t->policy, a);
	apply(t, &text);
	log_info("rules of an app changed app=%" PRIu64, id);
}

void table_begin(struct table *t)
{
	policy_release(&t->coming);
	policy_init(&t->coming);
}

/* What did not come is no more. */
static bool drop_others(struct table *t, const struct policy *coming)
{
	scoped_free uint64_t *ids =
	    xcalloc(map_len(t->policy.apps) + 1, sizeof(*ids));
	size_t n = 0, pos = 0;
	bool changed = false;
	void *value;

	while (map_next(t->policy.apps, &pos, NULL, &value)) {
		ids[n] = ((struct policy_app *)value)->id;
		n += ids[n] != 0 && !policy_find(coming, ids[n]);
	}
	for (size_t i = 0; i < n; i++)
		changed |= policy_put(&t->policy, policy_app_new(ids[i]));
	return changed;
}

void table_end(struct table *t)
{
	scoped_buf struct buf none = BUF_INIT(0);
	struct policy coming = t->coming;
	struct policy_app *all;
	size_t pos = 0;
	bool changed;
	void *value;

	if (!coming.apps)
		return;
	t->coming.apps = NULL;
	/* Every app's first: what is open by name may be so by its leave. */
	all = policy_take(&coming, 0);
	changed = policy_put(&t->policy, all ? all : policy_app_new(0));
	changed |= drop_others(t, &coming);
	while (map_next(coming.apps, &pos, NULL, &value))
		changed |= policy_put(&t->policy, value);
	map_free(coming.apps);
	if (changed)
		apply(t, &none);
}

int table_open_addresses(struct table *t, uint64_t app, uint16_t port,
    const struct ip *ips, size_t n, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(CHANGE_MAX);
	uint64_t at = now();

	if (policy_group(app) == POLICY_GROUP)
		return error_set(err, ERR_LIMIT, "an app without a group");
	/* Whoever asks read a stranger's answer, or a rule that is gone. */
	if (!policy_may_open(&t->policy, app, port))
		return error_set(err, ERR_FORBIDDEN,
		    "app %" PRIu64 " has no rule by name for port %u", app,
		    (unsigned)port);
	for (size_t i = 0; i < n; i++)
		if (policy_open(&t->policy, app, &ips[i], port, at,
		        at + POLICY_OPEN_SECONDS))
			policy_open_print(t->name, app, &ips[i], port,
			    POLICY_OPEN_SECONDS, &text);
	if (text.len == 0)
		return 0;
	keep(t);
	find_ways(t);
	if (command(t, &text, err) == -1)
		return table_repair(t, err);
	return table_refresh(t, err);
}
