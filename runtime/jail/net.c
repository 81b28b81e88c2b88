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
#include "rules.h"

#define OWN_NAMESPACE "/proc/thread-self/ns/net"
#define INSIDE "eth0" /* the instance's end of its veth */

/* The group of a slot's veths when all are removed by one request. */
#define GROUP(slot) (0x70610000u + (uint32_t)(slot))

static const struct ip gateway6 = {{0xfe, 0x80, [15] = 1}};

struct net {
	uint64_t slot;
	int home;          /* the host's network namespace */
	struct link *link; /* in it */
	struct table *table;
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
    {"ipv6/conf/default/accept_ra", "0", true},
    {"ipv6/conf/default/accept_redirects", "0", true},
    {"ipv6/conf/default/addr_gen_mode", "1", true}, /* none of its own */
};

/* And this, with IPv6 and without. */
static const struct key inside6[] = {
    {"ipv6/conf/default/disable_ipv6", "0", true}};
static const struct key inside4[] = {
    {"ipv6/conf/default/disable_ipv6", "1", true}};

/* Of the host end, before it is up. */
static const struct key outside[] = {
    {"ipv4/conf/%s/rp_filter", "1", false},
    {"ipv4/conf/%s/forwarding", "1", false},
};
static const struct key outside4[] = {
    {"ipv6/conf/%s/disable_ipv6", "1", true},
};
static const struct key outside6[] = {
    {"ipv6/conf/%s/addr_gen_mode", "1", false},
    {"ipv6/conf/%s/accept_ra", "0", false},
    {"ipv6/conf/%s/accept_redirects", "0", false},
    {"ipv6/conf/%s/disable_ipv6", "0", false},
    {"ipv6/conf/%s/force_forwarding", "1", true}, /* or all the host does */
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

struct net *net_open(const struct settings *settings, uint16_t dns_udp,
    uint16_t dns_tcp, struct error *err)
{
	struct net *n = xcalloc(1, sizeof(*n));

	n->slot = settings->slot;
	n->home = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	if (n->home == -1) {
		(void)error_sys(err, "open " OWN_NAMESPACE);
		net_free(n);
		return NULL;
	}
	n->link = link_open(err);
	if (n->link)
		n->table = table_open(settings, n->link, dns_udp, dns_tcp, err);
	if (!n->table) {
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
	table_free(n->table);
	link_close(n->link);
	fd_close(&n->home);
	free(n);
}

struct table *net_table(const struct net *n)
{
	return n->table;
}

void net_numbers(uint32_t *ret_first, uint32_t *ret_count)
{
	*ret_first = ADDRESS_FIRST;
	*ret_count = ADDRESS_LAST - ADDRESS_FIRST + 1;
}

struct ip net_address(const struct net *n, uint32_t number)
{
	return ip_from4(address_of(n->slot, number));
}

/* --- namespaces ---------------------------------------------------------- */

/* A thread lost in a stranger's network must not do one step more. */
static void go_home(const struct net *n)
{
	int back = setns(n->home, CLONE_NEWNET);

	assert(back == 0);
}

/* In the fresh namespace: what needs to be there to be set. */
static int fill(bool ipv6, int *ret, struct link **ret_link, struct error *err)
{
	scoped_fd int ns = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	scoped_link struct link *l = NULL;
	int lo;

	if (ns == -1)
		return error_sys(err, "open " OWN_NAMESPACE);
	l = link_open(err);
	if (!l || set_keys(inside, NELEM(inside), "", err) == -1 ||
	    set_keys(ipv6 ? inside6 : inside4, 1, "", err) == -1 ||
	    link_find(l, "lo", &lo, err) == -1 || link_up(l, lo, err) == -1)
		return -1;
	*ret = take_fd(&ns);
	*ret_link = take(l);
	return 0;
}

/* The way back to an instance, of both families. */
static int add_routes(
    struct net *n, uint32_t number, int index, bool ipv6, struct error *err)
{
	struct ip ip = net_address(n, number),
	          ip6 = address6_of(n->slot, number);

	if (link_route_direct(n->link, index, &ip, err) == -1)
		return -1;
	return ipv6 ? link_route_direct(n->link, index, &ip6, err) : 0;
}

static int set_outside(const char *name, bool ipv6, struct error *err)
{
	if (set_keys(outside, NELEM(outside), name, err) == -1)
		return -1;
	return ipv6 ? set_keys(outside6, NELEM(outside6), name, err)
	            : set_keys(outside4, NELEM(outside4), name, err);
}

/* The host end is up last: nothing comes out before all is in place. */
static int make_outside(
    struct net *n, uint32_t number, const char *name, struct error *err)
{
	bool ipv6 = table_has_ipv6(n->table);
	struct ip gateway = ip_from4(ADDRESS_GATEWAY);
	int index;

	if (set_outside(name, ipv6, err) == -1 ||
	    link_find(n->link, name, &index, err) == -1 ||
	    link_address(n->link, index, &gateway, LINK_SCOPE_LINK, err) == -1)
		return -1;
	if (ipv6 &&
	    link_address(n->link, index, &gateway6, LINK_SCOPE_LINK, err) == -1)
		return -1;
	if (link_up(n->link, index, err) == -1)
		return -1;
	return add_routes(n, number, index, ipv6, err);
}

static int make_inside6(const struct net *n, uint32_t number, struct link *l,
    int index, struct error *err)
{
	struct ip ip = address6_of(n->slot, number);

	if (link_address(l, index, &ip, LINK_SCOPE_GLOBAL, err) == -1 ||
	    link_route_direct(l, index, &gateway6, err) == -1)
		return -1;
	return link_route_default(l, index, &gateway6, err);
}

static int make_inside(
    const struct net *n, uint32_t number, struct link *l, struct error *err)
{
	struct ip ip = net_address(n, number),
	          gateway = ip_from4(ADDRESS_GATEWAY);
	int index;

	if (link_find(l, INSIDE, &index, err) == -1 ||
	    link_address(l, index, &ip, LINK_SCOPE_GLOBAL, err) == -1 ||
	    link_up(l, index, err) == -1 ||
	    link_route_direct(l, index, &gateway, err) == -1 ||
	    link_route_default(l, index, &gateway, err) == -1)
		return -1;
	return table_has_ipv6(n->table) ? make_inside6(n, number, l, index, err)
	                                : 0;
}

static int make_veth(struct net *n, uint32_t number, uint64_t app, int ns,
    struct link *l, struct error *err)
{
	char name[VETH_NAME];

	veth_name(n->slot, number, name);
	/* One that is there is of an instance that was never finished. */
	(void)link_delete(n->link, name, NULL);
	if (link_veth(n->link, name, policy_group(app), INSIDE, ns, err) == -1)
		return -1;
	if (make_inside(n, number, l, err) == -1 ||
	    make_outside(n, number, name, err) == -1) {
		(void)link_delete(n->link, name, NULL);
		return error_wrap(err, "%s", name);
	}
	return 0;
}

int net_make(
    struct net *n, uint32_t number, uint64_t app, int *ret, struct error *err)
{
	scoped_link struct link *l = NULL;
	scoped_fd int ns = -1;
	int made;

	assert(number <= ADDRESS_LAST);
	if (number != 0 && table_refresh(n->table, err) == -1)
		return error_wrap(err, "network of instances");
	if (unshare(CLONE_NEWNET) == -1)
		return error_sys(err, "make a network namespace");
	made = fill(number != 0 && table_has_ipv6(n->table), &ns, &l, err);
	go_home(n);
	if (made == -1)
		return error_wrap(err, "network namespace");
	if (number != 0 && make_veth(n, number, app, ns, l, err) == -1)
		return -1;
	*ret = take_fd(&ns);
	return 0;
}

/* Had it IPv6 when it was made? */
static bool has_ipv6(const char *veth)
{
	return sysctl_is("ipv6/conf/%s/disable_ipv6", veth, '0');
}

int net_adopt(struct net *n, uint32_t number, uint64_t app, struct error *err)
{
	char name[VETH_NAME];
	bool ipv6;
	int index;

	if (number == 0)
		return 0;
	veth_name(n->slot, number, name);
	ipv6 = table_has_ipv6(n->table) && has_ipv6(name);
	if (link_find(n->link, name, &index, err) == -1 ||
	    link_set_group(n->link, index, policy_group(app), err) == -1 ||
	    set_outside(name, ipv6, err) == -1)
		return -1;
	return add_routes(n, number, index, ipv6, err);
}

static void drop_route(struct net *n, const struct ip *ip)
{
	struct error err = {0};

	if (link_route_delete(n->link, ip, &err) == -1 &&
	    err.code != ERR_NOT_FOUND)
		log_warn("network of instances: %s", err.msg);
}

/*
 * Without its route nothing reaches it, and all that it sends fails the check
 * of its source. Removing the veth would block for some 35 ms.
 */
void net_drop(struct net *n, uint32_t number)
{
	struct ip ip, ip6;

	if (number == 0)
		return;
	ip = net_address(n, number);
	ip6 = address6_of(n->slot, number);
	drop_route(n, &ip);
	if (table_has_ipv6(n->table))
		drop_route(n, &ip6);
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
	char prefix[24];

	snprintf(prefix, sizeof(prefix), "paas%u-", (unsigned)slot & 63);
	if (!l || link_gather(l, str_z(prefix), GROUP(slot), err) == -1)
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
	scoped_buf struct buf text = BUF_INIT(1024);
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
