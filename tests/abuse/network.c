/*
 * network - whom it reaches.
 *
 * allowed=ADDR:PORT answers and must be reached: without it the others prove
 * nothing. By these keys come addresses that really listen, and must not be:
 * metadata, gateway, host, peer, private (each ADDR:PORT), unix (an abstract
 * name of the host), spoof=ADDR (a source address of somebody else), everybody=
 * (a port where the host answers datagrams, those to all on the link, too).
 */
#include "abuse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 3000
#define FAMILIES 46

/* "ADDR:PORT", or "[ADDR]:PORT" */
static socklen_t address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	const char *colon = strrchr(text, ':');
	char host[128];

	memset(out, 0, sizeof(*out));
	if (!colon)
		broken("%s is no ADDR:PORT", text);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((unsigned short)atoi(colon + 1));
		return sizeof(*v4);
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text - 2), text + 1);
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		broken("%s is no ADDR:PORT", text);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((unsigned short)atoi(colon + 1));
	return sizeof(*v6);
}

/* Does a connection from fd to the address come to be? Closes fd. */
static bool connects(int fd, const char *text)
{
	struct sockaddr_storage to;
	socklen_t size = address(text, &to);
	struct pollfd p = {fd, POLLOUT, 0};
	int failed = 0;
	socklen_t n = sizeof(failed);
	bool done;

	if (fd == -1)
		return false;
	done = connect(fd, (struct sockaddr *)&to, size) == 0 ||
	       (errno == EINPROGRESS && poll(&p, 1, WAIT_MS) == 1 &&
	           getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0 &&
	           failed == 0);
	close(fd);
	return done;
}

static bool reaches(const char *text)
{
	struct sockaddr_storage to;

	(void)address(text, &to);
	return connects(
	    socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    text);
}

static bool control(void)
{
	const char *to;
	int pos = 0;
	bool any = false;

	while ((to = given("allowed", &pos)) != NULL) {
		any = true;
		if (!reaches(to))
			broken("the allowed %s is not reached", to);
	}
	return any;
}

static void not_reached(const char *key)
{
	const char *to;
	int pos = 0, n = 0;

	if (!control())
		none("nothing allowed= to compare with");
	while ((to = given(key, &pos)) != NULL) {
		n++;
		if (reaches(to))
			bad("reaches %s", to);
	}
	if (n == 0)
		none("no %s= was given", key);
}

static void allowed_works(void)
{
	if (!control())
		none("no allowed= was given");
}

static void metadata(void)
{
	not_reached("metadata");
}

static void gateway(void)
{
	not_reached("gateway");
}

static void host_services(void)
{
	not_reached("host");
}

static void peer_apps(void)
{
	not_reached("peer");
}

static void private_networks(void)
{
	not_reached("private");
}

static void host_loopback(void)
{
	const char *to;
	char own[64];
	int pos = 0;

	while ((to = given("host", &pos)) != NULL) {
		snprintf(own, sizeof(own), "127.0.0.1%s", strrchr(to, ':'));
		if (reaches(own))
			bad("its loopback is the host's: %s", own);
	}
	if (!given("host", &(int){0}))
		none("no host= was given");
}

/* A datagram is not answered, but neither may it be sent to the host. */
static void host_datagrams(void)
{
	const char *to;
	struct sockaddr_storage addr;
	struct pollfd p;
	char answer[16];
	int pos = 0;

	while ((to = given("datagram", &pos)) != NULL) {
		socklen_t size = address(to, &addr);
		int fd = socket(addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		(void)sendto(fd, "x", 1, 0, (struct sockaddr *)&addr, size);
		p = (struct pollfd){fd, POLLIN, 0};
		if (poll(&p, 1, WAIT_MS / 3) == 1 &&
		    recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
			bad("%s answers", to);
		close(fd);
	}
	if (!given("datagram", &(int){0}))
		none("no datagram= was given");
}

static void unix_names(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *name;
	int pos = 0, n = 0;

	while ((name = given("unix", &pos)) != NULL) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		n++;
		snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "%s", name);
		if (connect(fd, (struct sockaddr *)&to,
		        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		                    strlen(name))) == 0)
			bad("connects to the host's @%s", name);
		close(fd);
	}
	if (n == 0)
		none("no unix= was given");
}

static void raw_sockets(void)
{
	must_fail(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "raw ICMP");
	must_fail(socket(AF_INET, SOCK_RAW, IPPROTO_RAW), "raw IP");
	must_fail(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), "raw ICMPv6");
	must_fail(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), "packets");
	must_fail(socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)), "packets");
}

static void odd_families(void)
{
	static const int types[] = {
	    SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW};

	for (int family = 0; family < FAMILIES; family++) {
		if (family == AF_UNIX || family == AF_INET ||
		    family == AF_INET6 || family == AF_NETLINK)
			continue;
		for (int t = 0; t < 4; t++) {
			int fd = socket(family, types[t], 0);

			if (fd == -1)
				continue;
			bad("a socket of family %d", family);
			close(fd);
			break;
		}
	}
}

static int netlink_error(int protocol, const void *request, size_t size)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[512];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int code = EPERM;

	if (fd == -1)
		return EPERM;
	if (send(fd, request, size, 0) == (ssize_t)size &&
	    recv(fd, &answer, sizeof(answer), 0) > 0)
		code = answer.h.nlmsg_type == NLMSG_ERROR ? -answer.e.error : 0;
	close(fd);
	return code;
}

static void nftables(void)
{
	struct {
		struct nlmsghdr h;
		unsigned char body[4];
	} r = {{sizeof(r), (10 << 8) | 0, NLM_F_REQUEST | NLM_F_ACK, 1, 0},
	    {2, 0, 0, 0}};

	/* Any other error comes after the question who may. */
	if (netlink_error(NETLINK_NETFILTER, &r, sizeof(r)) != EPERM)
		bad("is let through to nftables");
}

static void net_admin(void)
{
	struct {
		struct nlmsghdr h;
		struct rtmsg m;
	} route = {{sizeof(route), RTM_NEWROUTE,
	               NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0},
	    {.rtm_family = AF_INET,
	        .rtm_table = RT_TABLE_MAIN,
	        .rtm_protocol = RTPROT_STATIC,
	        .rtm_type = RTN_BLACKHOLE}};
	struct {
		struct nlmsghdr h;
		struct ifinfomsg m;
	} link = {{sizeof(link), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0},
	    {.ifi_index = 1, .ifi_change = IFF_UP}};
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (netlink_error(NETLINK_ROUTE, &route, sizeof(route)) != EPERM)
		bad("makes a route");
	if (netlink_error(NETLINK_ROUTE, &link, sizeof(link)) != EPERM)
		bad("takes an interface down");
	must_fail(ioctl(fd, SIOCSIFFLAGS, &ifr), "changes an interface");
	close(fd);
}

/* IP_FREEBIND lets anybody claim any source address. */
static void spoofed_source(void)
{
	const char *from, *to;
	struct sockaddr_in own = {.sin_family = AF_INET};
	int pos = 0, n = 0, one = 1, at = 0;

	to = given("allowed", &at);
	if (!to || !control())
		none("nothing allowed= to compare with");
	while ((from = given("spoof", &pos)) != NULL) {
		int fd = socket(
		    AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		n++;
		if (inet_pton(AF_INET, from, &own.sin_addr) != 1)
			broken("%s is no address", from);
		(void)setsockopt(
		    fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&own, sizeof(own)) == -1)
			close(fd);
		else if (connects(fd, to))
			bad("sends as %s", from);
	}
	must_fail(setsockopt(socket(AF_INET, SOCK_STREAM, 0), IPPROTO_IP,
	              IP_TRANSPARENT, &one, sizeof(one)),
	    "IP_TRANSPARENT");
	if (n == 0)
		none("no spoof= was given");
}

/* To all on the link, and to all of a group: does anybody hear it? */
static void multicast(void)
{
	static const unsigned groups[] = {
	    0xe0000001, 0xe00000fb, INADDR_BROADCAST};
	struct sockaddr_in to = {.sin_family = AF_INET};
	const char *port;
	char answer[16];
	int pos = 0, n = 0;

	while ((port = given("everybody", &pos)) != NULL) {
		to.sin_port = htons((unsigned short)atoi(port));
		for (n = 0; n < 3; n++) {
			int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
			struct pollfd p = {fd, POLLIN, 0};

			to.sin_addr.s_addr = htonl(groups[n]);
			(void)setsockopt(fd, SOL_SOCKET, SO_BROADCAST,
			    &(int){1}, sizeof(int));
			(void)sendto(
			    fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
			if (poll(&p, 1, WAIT_MS / 3) == 1 &&
			    recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
				bad("somebody of %x answers", groups[n]);
			close(fd);
		}
	}
	if (n == 0)
		none("no everybody= was given");
}

static void link_local_v6(void)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = 2};
	const char *port;
	int pos = 0;

	while ((port = given("host", &pos)) != NULL) {
		int fd = socket(
		    AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		struct pollfd p = {fd, POLLOUT, 0};
		int failed = 1;
		socklen_t n = sizeof(failed);

		inet_pton(AF_INET6, "fe80::1", &to.sin6_addr);
		to.sin6_port =
		    htons((unsigned short)atoi(strrchr(port, ':') + 1));
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ||
		    (errno == EINPROGRESS && poll(&p, 1, WAIT_MS) == 1 &&
		        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) ==
		            0 &&
		        failed == 0))
			bad("reaches the host by its link-local address");
		close(fd);
	}
}

const struct check network_checks[] = {
    {"network", "net-allowed-works", allowed_works},
    {"network", "net-metadata", metadata},
    {"network", "net-host-gateway", gateway},
    {"network", "net-host-services", host_services},
    {"network", "net-host-loopback", host_loopback},
    {"network", "net-host-datagrams", host_datagrams},
    {"network", "net-host-unix", unix_names},
    {"network", "net-peer-apps", peer_apps},
    {"network", "net-private", private_networks},
    {"network", "net-raw-sockets", raw_sockets},
    {"network", "net-odd-families", odd_families},
    {"network", "net-nftables-netlink", nftables},
    {"network", "net-admin", net_admin},
    {"network", "net-spoofed-source", spoofed_source},
    {"network", "net-multicast", multicast},
    {"network", "net-link-local-v6", link_local_v6},
    {NULL, NULL, NULL},
};
