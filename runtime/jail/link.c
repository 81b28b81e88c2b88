#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define MESSAGE_MAX 1024 /* of ours */
#define ANSWER_MAX 32768 /* a link with all its attributes is some 2 KB */

struct link {
	struct mnl_socket *socket;
	unsigned seq;
};

/* A request being made, and the message it begins with. */
struct request {
	union {
		struct nlmsghdr h;
		char bytes[MESSAGE_MAX];
	};
};

struct link *link_open(struct error *err)
{
	struct mnl_socket *socket =
	    mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct link *l;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == -1) {
		(void)error_sys(err, "open a netlink socket");
		if (socket)
			(void)mnl_socket_close(socket);
		return NULL;
	}
	l = xcalloc(1, sizeof(*l));
	l->socket = socket;
	return l;
}

void link_close(struct link *l)
{
	if (!l)
		return;
	(void)mnl_socket_close(l->socket);
	free(l);
}

/* --- asking -------------------------------------------------------------- */

/* Start a request; the returned place of size bytes follows its header. */
static void *begin(struct request *r, int type, int flags, size_t size)
{
	memset(r, 0, sizeof(*r));
	(void)mnl_nlmsg_put_header(r);
	r->h.nlmsg_type = (uint16_t)type;
	r->h.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return mnl_nlmsg_put_extra_header(&r->h, size);
}

static int no_answer(const struct nlmsghdr *h, void *arg)
{
	(void)h;
	(void)arg;
	return MNL_CB_OK;
}

static int said_no(struct error *err, const char *what, const char *name)
{
	int why = errno;

	(void)error_sys(err, "%s %s", what, name);
	if (!err)
		return -1;
	if (why == EEXIST)
		err->code = ERR_EXISTS;
	/* No such interface; no such route; no way there. */
	if (why == ENODEV || why == ESRCH || why == ENETUNREACH ||
	    why == EHOSTUNREACH)
		err->code = ERR_NOT_FOUND;
	return -1;
}

/* Send r and hand what comes back to cb, until the kernel says yes or no. */
static int ask(struct link *l, struct request *r, mnl_cb_t cb, void *arg)
{
	union {
		struct nlmsghdr first;
		char bytes[ANSWER_MAX];
	} in;
	unsigned port = mnl_socket_get_portid(l->socket);
	int more;

	r->h.nlmsg_seq = ++l->seq;
	if (mnl_socket_sendto(l->socket, &r->h, r->h.nlmsg_len) == -1)
		return -1;
	do {
		ssize_t n = mnl_socket_recvfrom(l->socket, &in, sizeof(in));

		if (n == -1)
			return -1;
		more = mnl_cb_run(&in, (size_t)n, l->seq, port, cb, arg);
	} while (more > 0);
	return more;
}

static int tell(struct link *l, struct request *r, const char *what,
    const char *name, struct error *err)
{
	return ask(l, r, no_answer, NULL) == -1 ? said_no(err, what, name) : 0;
}

/* --- interfaces ---------------------------------------------------------- */

struct named {
	int index;
	char name[LINK_NAME];
};

static int on_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct named *ret = arg;
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	ret->index = info->ifi_index;
	mnl_attr_for_each(a, h, sizeof(*info))
	{
		if (mnl_attr_get_type(a) == IFLA_IFNAME &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
			str_copy(str_z(mnl_attr_get_str(a)), ret->name,
			    sizeof(ret->name));
	}
	return MNL_CB_OK;
}

int link_find(struct link *l, const char *name, int *ret, struct error *err)
{
	struct named found = {0};
	struct request r;

	(void)begin(&r, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(&r.h, IFLA_IFNAME, name);
	if (ask(l, &r, on_link, &found) == -1)
		return said_no(err, "find interface", name);
	*ret = found.index;
	return 0;
}

int link_name(struct link *l, int index, char ret[LINK_NAME], struct error *err)
{
	struct named found = {0};
	struct request r;
	struct ifinfomsg *info = begin(&r, RTM_GETLINK, 0, sizeof(*info));

	info->ifi_index = index;
	if (ask(l, &r, on_link, &found) == -1)
		return said_no(err, "find interface", "by number");
	memcpy(ret, found.name, LINK_NAME);
	return 0;
}

int link_up(struct link *l, int index, struct error *err)
{
	struct request r;
	struct ifinfomsg *info = begin(&r, RTM_NEWLINK, 0, sizeof(*info));

	info->ifi_index = index;
	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	return tell(l, &r, "set up", "an interface", err);
}

/* One queue: the kernel's default is one for each CPU the machine may get. */
static void put_names(struct nlmsghdr *h, const char *name)
{
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put_u32(h, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(h, IFLA_NUM_RX_QUEUES, 1);
}

int link_veth(struct link *l, const char *name, uint32_t group,
    const char *peer, int ns, struct error *err)
{
	struct request r;
	struct nlattr *info, *data, *other;

	(void)begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
	    sizeof(struct ifinfomsg));
	put_names(&r.h, name);
	mnl_attr_put_u32(&r.h, IFLA_GROUP, group);
	info = mnl_attr_nest_start(&r.h, IFLA_LINKINFO);
	mnl_attr_put_strz(&r.h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(&r.h, IFLA_INFO_DATA);
	other = mnl_attr_nest_start(&r.h, VETH_INFO_PEER);
	(void)mnl_nlmsg_put_extra_header(&r.h, sizeof(struct ifinfomsg));
	put_names(&r.h, peer);
	mnl_attr_put_u32(&r.h, IFLA_NET_NS_FD, (uint32_t)ns);
	mnl_attr_nest_end(&r.h, other);
	mnl_attr_nest_end(&r.h, data);
	mnl_attr_nest_end(&r.h, info);
	return tell(l, &r, "make veth", name, err);
}

int link_delete(struct link *l, const char *name, struct error *err)
{
	struct request r;

	(void)begin(&r, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(&r.h, IFLA_IFNAME, name);
	return tell(l, &r, "remove interface", name, err);
}

int link_delete_group(struct link *l, uint32_t group, struct error *err)
{
	struct request r;

	(void)begin(&r, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(&r.h, IFLA_GROUP, group);
	return tell(l, &r, "remove", "a group of interfaces", err);
}

int link_set_group(struct link *l, int index, uint32_t group, struct error *err)
{
	struct request r;
	struct ifinfomsg *info = begin(&r, RTM_NEWLINK, 0, sizeof(*info));

	info->ifi_index = index;
	mnl_attr_put_u32(&r.h, IFLA_GROUP, group);
	return tell(l, &r, "set the group of", "an interface", err);
}

struct gathered {
	struct str prefix;
	int *indexes;
	size_t n;
};

static int gather(const struct nlmsghdr *h, void *arg)
{
	struct gathered *g = arg;
	struct named found = {0};

	if (on_link(h, &found) != MNL_CB_OK ||
	    !str_starts(str_z(found.name), g->prefix))
		return MNL_CB_OK;
	g->indexes = xrealloc(g->indexes, (g->n + 1) * sizeof(*g->indexes));
	g->indexes[g->n++] = found.index;
	return MNL_CB_OK;
}

int link_gather(
    struct link *l, struct str prefix, uint32_t group, struct error *err)
{
	struct gathered g = {.prefix = prefix};
	struct error why = {0};
	struct request r;
	int done;

	(void)begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	done = ask(l, &r, gather, &g);
	if (done == -1)
		(void)said_no(err, "list", "interfaces");
	for (size_t i = 0; i < g.n && done == 0; i++) {
		done = link_set_group(l, g.indexes[i], group, &why);
		if (done == -1 && why.code == ERR_NOT_FOUND)
			done = 0; /* gone meanwhile */
		if (done == -1 && err)
			*err = why;
	}
	free(g.indexes);
	return done;
}

/* --- addresses and routes ------------------------------------------------ */

static uint8_t family(const struct ip *ip)
{
	return ip_is4(ip) ? AF_INET : AF_INET6;
}

static uint8_t bits(const struct ip *ip)
{
	return ip_is4(ip) ? 32 : 128;
}

static void put_ip(struct nlmsghdr *h, uint16_t type, const struct ip *ip)
{
	if (ip_is4(ip))
		mnl_attr_put(h, type, 4, ip->b + 12);
	else
		mnl_attr_put(h, type, 16, ip->b);
}

int link_address(struct link *l, int index, const struct ip *ip,
    enum link_scope scope, struct error *err)
{
	struct request r;
	struct ifaddrmsg *a =
	    begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*a));

	a->ifa_family = family(ip);
	a->ifa_prefixlen = bits(ip);
	a->ifa_flags = ip_is4(ip) ? 0 : IFA_F_NODAD; /* nobody else is there */
	a->ifa_scope =
	    scope == LINK_SCOPE_LINK ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	a->ifa_index = (unsigned)index;
	put_ip(&r.h, IFA_LOCAL, ip);
	put_ip(&r.h, IFA_ADDRESS, ip);
	return tell(l, &r, "give an address to", "an interface", err);
}

static struct rtmsg *begin_route(struct request *r, const struct ip *ip)
{
	struct rtmsg *m =
	    begin(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*m));

	m->rtm_family = family(ip);
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_type = RTN_UNICAST;
	return m;
}

int link_route_direct(
    struct link *l, int index, const struct ip *to, struct error *err)
{
	struct request r;
	struct rtmsg *m = begin_route(&r, to);

	m->rtm_dst_len = bits(to);
	m->rtm_scope = RT_SCOPE_LINK;
	put_ip(&r.h, RTA_DST, to);
	mnl_attr_put_u32(&r.h, RTA_OIF, (uint32_t)index);
	return tell(l, &r, "add a route to", "one address", err);
}

int link_route_delete(struct link *l, const struct ip *to, struct error *err)
{
	struct request r;
	struct rtmsg *m = begin(&r, RTM_DELROUTE, 0, sizeof(*m));

	m->rtm_family = family(to);
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_dst_len = bits(to);
	m->rtm_scope = RT_SCOPE_NOWHERE; /* any */
	put_ip(&r.h, RTA_DST, to);
	return tell(l, &r, "remove the route to", "one address", err);
}

int link_route_default(
    struct link *l, int index, const struct ip *gateway, struct error *err)
{
	struct request r;
	struct rtmsg *m = begin_route(&r, gateway);

	m->rtm_scope = RT_SCOPE_UNIVERSE;
	put_ip(&r.h, RTA_GATEWAY, gateway);
	mnl_attr_put_u32(&r.h, RTA_OIF, (uint32_t)index);
	return tell(l, &r, "add a route to", "all else", err);
}

static int on_route(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *a;
	int *ret = arg;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(a) == RTA_OIF &&
		    mnl_attr_validate(a, MNL_TYPE_U32) == 0)
			*ret = (int)mnl_attr_get_u32(a);
	}
	return MNL_CB_OK;
}

int link_route_lookup(
    struct link *l, const struct ip *to, int *ret_index, struct error *err)
{
	struct request r;
	struct rtmsg *m = begin(&r, RTM_GETROUTE, 0, sizeof(*m));
	int index = 0;

	m->rtm_family = family(to);
	m->rtm_dst_len = bits(to);
	put_ip(&r.h, RTA_DST, to);
	if (ask(l, &r, on_route, &index) == -1)
		return said_no(err, "find the route to", "an address");
	if (index == 0)
		return error_set(err, ERR_NOT_FOUND, "no route");
	*ret_index = index;
	return 0;
}
