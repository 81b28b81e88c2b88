#include "net.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "forward.h"
#include "link.h"
#include "nft.h"
#include "resolv.h"
#include "rules.h"

#define OWN_NAMESPACE "/proc/thread-self/ns/net"
#define INSIDE "eth0" /* the instance's end of its veth */

/* An address of the internet, to look up the way there: a.root-servers.net. */
#define OUTSIDE 0xc6290004u

/* The group of a slot's veths, so that one request removes them all. */
#define GROUP(slot) (0x70610000u + (uint32_t)(slot))

struct net {
	uint64_t slot;
	int home;           /* the host's network namespace */
	struct link *link;  /* in it */
	struct rules rules; /* as loaded; nothing in them before the first */
	bool loaded;
};

struct key {
	const char *name, *value;
	bool optional; /* the host may have IPv6 off altogether */
};

/* In the namespace, before it has an interface but lo. */
static const struct key inside[] = {
    {"ipv4/ip_unprivileged_port_start", "0", false},
    {"ipv4/conf/all/accept_redirects", "0", false},
    {"ipv4/conf/default/accept_redirects", "0", false},
    {"ipv6/conf/default/disable_ipv6", "1", true},
    {"ipv6/conf/default/accept_ra", "0", true},
};

/* Of the host end, before it is up. */
static const struct key outside[] = {
    {"ipv4/conf/%s/rp_filter", "1", false},
    {"ipv4/conf/%s/forwarding", "1", false},
    {"ipv6/conf/%s/disable_ipv6", "1", true},
};

static int set_keys(
    const struct key *keys, size_t n, const char *name, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct error why = {0};

		if (sysctl_set(keys[i].name, name, keys[i].value, &why) == 0 ||
		    (keys[i].optional && why.code == ERR_NOT_FOUND))
			continue;
		if (err)
			*err = why;
		return -1;
	}
	return 0;
}

/* --- the slot's table ---------------------------------------------------- */

static void add_uplink(struct net *n, uint32_t address, struct uplinks *ret)
{
	char name[LINK_NAME];
	int index;

	if (link_route_lookup(n->link, address, &index, NULL) == -1 ||
	    link_name(n->link, index, name, NULL) == -1)
		return; /* no way there, now */
	if (strcmp(name, "lo") != 0 && strncmp(name, "paas", 4) != 0)
		(void)uplinks_add(ret, name);
}

static int load(struct net *n, const struct rules *rules, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(RULES_MAX);

	rules_print(rules, &text);
	if (text.bad)
		return error_set(err, ERR_INTERNAL, "rules are too long");
	if (nft_load(buf_str(&text), err) == -1)
		return -1;
	n->rules = *rules;
	n->loaded = true;
	log_info("network rules loaded resolvers=%" PRIu32, rules->resolvers.n);
	if (rules->resolvers.n == 0)
		log_warn("the host names no resolver that instances can reach: "
		         "they have no DNS (/etc/resolv.conf)");
	return 0;
}

/*
 * Have the table and the uplinks as the host is now: resolvers and the way
 * out may have changed, and somebody may have emptied all of nftables. Costs
 * some system calls when nothing is to be done.
 */
static int refresh(struct net *n, struct error *err)
{
	struct rules want;
	struct uplinks uplinks = {0};
	char table[16];

	memset(&want, 0, sizeof(want)); /* to be compared bytewise */
	want.slot = n->slot;
	resolv_read(&want.resolvers);
	add_uplink(n, OUTSIDE, &uplinks);
	for (uint32_t i = 0; i < want.resolvers.n; i++)
		add_uplink(n, want.resolvers.address[i], &uplinks);
	if (forward_claim(n->slot, &uplinks, &want.opened, err) == -1)
		return -1;
	rules_table(n->slot, table);
	if ((!n->loaded || memcmp(&want, &n->rules, sizeof(want)) != 0 ||
	        !nft_has(table)) &&
	    load(n, &want, err) == -1)
		return -1;
	return forward_on(&uplinks, err);
}

struct net *net_open(uint64_t slot, struct error *err)
{
	struct net *n = xcalloc(1, sizeof(*n));

	n->slot = slot;
	n->home = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	if (n->home == -1) {
		(void)error_sys(err, "open " OWN_NAMESPACE);
		net_free(n);
		return NULL;
	}
	n->link = link_open(err);
	if (!n->link || refresh(n, err) == -1) {
		(void)error_wrap(err, "network of instances");
		net_free(n);
		return NULL;
	}
	return n;
}

void net_free(struct net *n)
{
	if (!n)
		return;
	link_close(n->link);
	fd_close(&n->home);
	free(n);
}

void net_numbers(uint32_t *ret_first, uint32_t *ret_count)
{
	*ret_first = ADDRESS_FIRST;
	*ret_count = ADDRESS_LAST - ADDRESS_FIRST + 1;
}

void net_resolv(const struct net *n, struct buf *out)
{
	resolv_print(&n->rules.resolvers, out);
}

/* --- namespaces ---------------------------------------------------------- */

/* A thread lost in a stranger's network must not do one step more. */
static void go_home(const struct net *n)
{
	int back = setns(n->home, CLONE_NEWNET);

	assert(back == 0);
}

/* In the fresh namespace: what needs to be there to be set. */
static int fill(int *ret, struct link **ret_link, struct error *err)
{
	scoped_fd int ns = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	scoped_link struct link *l = NULL;
	int lo;

	if (ns == -1)
		return error_sys(err, "open " OWN_NAMESPACE);
	l = link_open(err);
	if (!l || set_keys(inside, NELEM(inside), "", err) == -1 ||
	    link_find(l, "lo", &lo, err) == -1 || link_up(l, lo, err) == -1)
		return -1;
	*ret = take_fd(&ns);
	*ret_link = take(l);
	return 0;
}

/* The host end is up last: nothing comes out before all is in place. */
static int make_outside(
    struct net *n, uint32_t number, const char *name, struct error *err)
{
	int index;

	if (set_keys(outside, NELEM(outside), name, err) == -1 ||
	    link_find(n->link, name, &index, err) == -1 ||
	    link_address(
	        n->link, index, ADDRESS_GATEWAY, LINK_SCOPE_LINK, err) == -1 ||
	    link_up(n->link, index, err) == -1)
		return -1;
	return link_route_direct(
	    n->link, index, address_of(n->slot, number), err);
}

static int make_inside(
    const struct net *n, uint32_t number, struct link *l, struct error *err)
{
	int index;

	if (link_find(l, INSIDE, &index, err) == -1 ||
	    link_address(l, index, address_of(n->slot, number),
	        LINK_SCOPE_GLOBAL, err) == -1 ||
	    link_up(l, index, err) == -1 ||
	    link_route_direct(l, index, ADDRESS_GATEWAY, err) == -1)
		return -1;
	return link_route_default(l, index, ADDRESS_GATEWAY, err);
}

static int make_veth(
    struct net *n, uint32_t number, int ns, struct link *l, struct error *err)
{
	char name[VETH_NAME];

	veth_name(n->slot, number, name);
	/* One that is there is of an instance that was never finished. */
	(void)link_delete(n->link, name, NULL);
	if (link_veth(n->link, name, GROUP(n->slot), INSIDE, ns, err) == -1)
		return -1;
	if (make_inside(n, number, l, err) == -1 ||
	    make_outside(n, number, name, err) == -1) {
		(void)link_delete(n->link, name, NULL);
		return error_wrap(err, "%s", name);
	}
	return 0;
}

int net_make(struct net *n, uint32_t number, int *ret, struct error *err)
{
	scoped_link struct link *l = NULL;
	scoped_fd int ns = -1;
	int made;

	assert(number <= ADDRESS_LAST);
	if (number != 0 && refresh(n, err) == -1)
		return error_wrap(err, "network of instances");
	if (unshare(CLONE_NEWNET) == -1)
		return error_sys(err, "make a network namespace");
	made = fill(&ns, &l, err);
	go_home(n);
	if (made == -1)
		return error_wrap(err, "network namespace");
	if (number != 0 && make_veth(n, number, ns, l, err) == -1)
		return -1;
	*ret = take_fd(&ns);
	return 0;
}

int net_adopt(struct net *n, uint32_t number, struct error *err)
{
	char name[VETH_NAME];
	int index;

	if (number == 0)
		return 0;
	veth_name(n->slot, number, name);
	if (link_find(n->link, name, &index, err) == -1 ||
	    set_keys(outside, NELEM(outside), name, err) == -1)
		return -1;
	return link_route_direct(
	    n->link, index, address_of(n->slot, number), err);
}

/*
 * Without its route nothing reaches it, and all that it sends fails the check
 * of its source. Removing the veth would block for some 35 ms.
 */
void net_drop(struct net *n, uint32_t number)
{
	struct error err = {0};

	if (number != 0 &&
	    link_route_delete(n->link, address_of(n->slot, number), &err) ==
	        -1 &&
	    err.code != ERR_NOT_FOUND)
		log_warn("network of instances: %s", err.msg);
}

static int fill_sockets(int *fds, int count, struct error *err)
{
	int n = 0;

	while (n < count) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd == -1)
			break;
		fds[n++] = fd;
	}
	if (n == 0 && count > 0)
		return error_sys(err, "make a socket in a namespace");
	return n;
}

int net_sockets(struct net *n, int ns, int *fds, int count, struct error *err)
{
	int made;

	if (setns(ns, CLONE_NEWNET) == -1)
		return error_sys(err, "enter a network namespace");
	made = fill_sockets(fds, count, err);
	go_home(n);
	return made;
}

/* --- the end ------------------------------------------------------------- */

static int remove_veths(uint64_t slot, struct error *err)
{
	scoped_link struct link *l = link_open(err);
	struct error why = {0};

	if (!l)
		return -1;
	if (link_delete_group(l, GROUP(slot), &why) == -1 &&
	    why.code != ERR_NOT_FOUND) {
		if (err)
			*err = why;
		return -1;
	}
	return 0;
}

int net_clean(uint64_t slot, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(RULES_MAX);
	char table[16];

	/* The rules go when nobody is left that they hold. */
	if (remove_veths(slot, err) == -1)
		return -1;
	rules_table(slot, table);
	rules_print_end(slot, &text);
	if (nft_has(table) && nft_load(buf_str(&text), err) == -1)
		return -1;
	return forward_release(slot, err);
}
