#include "rules.h"

#include <inttypes.h>
#include <stdio.h>

#include "address.h"

/*
 * What no instance reaches unless it is opened: this network, private and
 * shared ranges, loopback, link-local with the metadata services of clouds
 * (fd00:ec2::254, too), and all from multicast upwards. Ranges set aside for
 * documentation are left open: they are nobody's private network.
 */
#define DENIED4                                                                \
	"0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, "  \
	"172.16.0.0/12, 192.168.0.0/16, 224.0.0.0/3"
#define DENIED6 "::/8, fc00::/7, fe80::/10, ff00::/8"
#define LOUD "iif limit rate 5/second burst 20 packets"
#define GATEWAY "169.254.1.1"
/* What finds the other end of a veth; never forwarded. */
#define NEIGHBOR                                                               \
	"icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } "             \
	"ip6 hoplimit 255"

bool uplinks_add(struct uplinks *u, const char *name)
{
	struct str s = str_z(name);

	if (s.len == 0 || s.len >= UPLINK_NAME || u->n == UPLINKS_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return false;
	}
	for (uint32_t i = 0; i < u->n; i++)
		if (str_eqz(s, u->name[i]))
			return false;
	str_copy(s, u->name[u->n++], UPLINK_NAME);
	return true;
}

void rules_table(uint64_t slot, char out[16])
{
	snprintf(out, 16, "paas%u", (unsigned)slot & 63);
}

void rules_print_end(uint64_t slot, struct buf *out)
{
	char table[16];

	rules_table(slot, table);
	/* The first line, so that the second never fails. */
	buf_addf(out, "table inet %s\ndelete table inet %s\n", table, table);
}

/* --- sets ---------------------------------------------------------------- */

static void print_opened(
    const char *name, const struct uplinks *u, struct buf *out)
{
	buf_addf(out, "\tset %s {\n\t\ttype ifname\n", name);
	for (uint32_t i = 0; i < u->n; i++)
		buf_addf(out, "%s\"%s\"", i ? ", " : "\t\telements = { ",
		    u->name[i]);
	/* nft takes no empty list of elements. */
	buf_addz(out, u->n ? " }\n\t}\n" : "\t}\n");
}

static void print_sets(const struct rules *r, struct buf *out)
{
	print_opened("opened4", &r->opened, out);
	print_opened("opened6", &r->opened6, out);
	buf_addz(out,
	    "\tset denied4 {\n\t\ttype ipv4_addr\n\t\tflags interval\n"
	    "\t\telements = { " DENIED4 " }\n\t}\n"
	    "\tset denied6 {\n\t\ttype ipv6_addr\n\t\tflags interval\n"
	    "\t\telements = { " DENIED6 " }\n\t}\n"
	    /* Filled by the rules that count, emptied when they end. */
	    "\tset flows {\n\t\ttype iface_index\n\t\tsize 65536\n"
	    "\t\tflags dynamic\n\t}\n"
	    "\tset loud {\n\t\ttype iface_index\n\t\tsize 65536\n"
	    "\t\tflags dynamic,timeout\n\t\ttimeout 1m\n\t}\n");
}

/* --- chains -------------------------------------------------------------- */

/* Ahead of connection tracking: what is forged costs nothing behind it. */
static void print_source(const struct rules *r, struct buf *out)
{
	buf_addz(out,
	    "\tchain of_instance {\n"
	    "\t\tmeta nfproto ipv4 fib saddr . iif oif missing drop\n");
	if (r->ipv6)
		buf_addz(out,
		    "\t\tmeta nfproto ipv6 " NEIGHBOR " return\n"
		    "\t\tmeta nfproto ipv6 fib saddr . iif oif missing drop\n"
		    "\t\tmeta nfproto ipv6 ip6 saddr fe80::/10 drop\n");
	else
		buf_addz(out, "\t\tmeta nfproto != ipv4 drop\n");
	buf_addz(out, "\t}\n");
}

/*
 * Refusals are answered, so that a program that tries what it may not (a
 * cloud's library looking for metadata) goes on at once. A reset for TCP,
 * since the kernel sends only so many ICMP errors a second.
 */
static void print_refuse(uint64_t slot, struct buf *out)
{
	buf_addf(out,
	    "\tchain answer {\n"
	    "\t\tmeta l4proto tcp reject with tcp reset\n"
	    "\t\treject with icmpx admin-prohibited\n"
	    "\t}\n"
	    "\tchain refuse {\n"
	    "\t\tct state new update @loud { " LOUD " } "
	    "log group %u snaplen 64\n"
	    "\t\tgoto answer\n"
	    "\t}\n"
	    "\tchain refuse_host {\n"
	    "\t\tct state new update @loud { " LOUD " } "
	    "log prefix \"host\" group %u snaplen 64\n"
	    "\t\tgoto answer\n"
	    "\t}\n",
	    RULES_LOG_GROUP + (unsigned)slot, RULES_LOG_GROUP + (unsigned)slot);
}

static void print_names(const struct rules *r, struct buf *out)
{
	buf_addz(out, "\tchain to_names {\n");
	if (r->dns_udp && r->dns_tcp)
		buf_addf(out,
		    "\t\tip daddr " GATEWAY " udp dport 53 dnat ip to " GATEWAY
		    ":%u\n"
		    "\t\tip daddr " GATEWAY " tcp dport 53 dnat ip to " GATEWAY
		    ":%u\n",
		    r->dns_udp, r->dns_tcp);
	buf_addz(out, "\t}\n");
}

/* Between an instance and the host itself. */
static void print_host(const struct rules *r, struct buf *out)
{
	buf_addz(out, "\tchain at_host {\n"
	              "\t\tct state { established, related } accept\n"
	              "\t\tct state invalid drop\n");
	if (r->ipv6)
		buf_addz(out, "\t\tmeta nfproto ipv6 " NEIGHBOR " accept\n");
	buf_addf(out,
	    "\t\tadd @flows { iif ct count over %" PRIu64
	    " } goto refuse_host\n",
	    r->flows);
	if (r->dns_udp && r->dns_tcp)
		buf_addf(out,
		    "\t\tip daddr " GATEWAY " udp dport %u accept\n"
		    "\t\tip daddr " GATEWAY " tcp dport %u accept\n",
		    r->dns_udp, r->dns_tcp);
	buf_addz(out,
	    "\t\tmeta l4proto { tcp, udp } iifgroup . th dport @ports accept\n"
	    "\t\tjump machine\n"
	    "\t\tgoto refuse_host\n"
	    "\t}\n");
}

/* From an instance to anything else but the host. */
static void print_away(const struct rules *r, struct buf *out)
{
	buf_addf(out,
	    "\tchain away {\n"
	    "\t\tct state { established, related } accept\n"
	    "\t\tct state invalid drop\n"
	    "\t\tadd @flows { iif ct count over %" PRIu64 " } goto refuse\n"
	    "\t\toifname \"paas%u-*\" iifgroup . oifgroup @links accept\n"
	    "\t\toifname \"paas*\" goto refuse\n"
	    "\t\tiifgroup vmap @apps\n"
	    "\t\tjump app_0\n"
	    "\t\tmeta l4proto { tcp, udp } iifgroup . ip daddr . th dport "
	    "@open4 accept\n"
	    "\t\tmeta l4proto { tcp, udp } iifgroup . ip6 daddr . th dport "
	    "@open6 accept\n"
	    "\t\tip daddr @denied4 goto refuse\n"
	    "\t\tip6 daddr @denied6 goto refuse\n"
	    "%s"
	    "\t\taccept\n"
	    "\t}\n",
	    r->flows, (unsigned)r->slot & 63,
	    r->smtp ? "" : "\t\ttcp dport 25 goto refuse\n");
}

/*
 * What is accepted here may still be dropped by a table of somebody else's.
 * "paas*" are the instances of all platforms on this host.
 */
static void print_hooks(const char *veths, struct buf *out)
{
	buf_addf(out,
	    "\tchain source {\n"
	    "\t\ttype filter hook prerouting priority raw; policy accept;\n"
	    "\t\tiifname \"%s\" jump of_instance\n"
	    "\t}\n"
	    "\tchain names {\n"
	    "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
	    "\t\tiifname \"%s\" jump to_names\n"
	    "\t}\n"
	    "\tchain to_host {\n"
	    "\t\ttype filter hook input priority filter; policy accept;\n"
	    "\t\tiifname \"%s\" goto at_host\n"
	    "\t}\n"
	    "\tchain from_host {\n"
	    "\t\ttype filter hook output priority filter; policy accept;\n"
	    "\t\toifname \"%s\" " NEIGHBOR " accept\n"
	    "\t\toifname \"%s\" ct state != { established, related } drop\n"
	    "\t}\n"
	    "\tchain stray {\n"
	    "\t\tct state { established, related } return\n"
	    "\t\tct status dnat return\n"
	    "\t\tdrop\n"
	    "\t}\n"
	    "\tchain forward {\n"
	    "\t\ttype filter hook forward priority filter; policy accept;\n"
	    "\t\tiifname \"%s\" goto away\n"
	    "\t\toifname \"%s\" ct state != { established, related } drop\n"
	    "\t\tmeta nfproto ipv4 iifname @opened4 oifname != \"paas*\" "
	    "jump stray\n"
	    "\t\tmeta nfproto ipv6 iifname @opened6 oifname != \"paas*\" "
	    "jump stray\n"
	    "\t}\n",
	    veths, veths, veths, veths, veths, veths, veths);
}

static void print_nat(const struct rules *r, struct buf *out)
{
	char net[ADDRESS_TEXT], net6[IP_NET_TEXT];
	struct ip_net six = address6_net(r->slot);

	address_print(address_net(r->slot), net);
	ip_net_print(&six, net6);
	buf_addf(out,
	    "\tchain egress {\n"
	    "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
	    "\t\tip saddr %s/16 oifname != \"paas*\" masquerade\n"
	    "\t\tip6 saddr %s oifname != \"paas*\" masquerade\n"
	    "\t}\n",
	    net, net6);
}

void rules_print(const struct rules *r, const struct policy *p, uint64_t now,
    struct buf *out)
{
	char table[16], veths[24];

	rules_table(r->slot, table);
	snprintf(veths, sizeof(veths), "%s-*", table);
	rules_print_end(r->slot, out);
	buf_addf(out, "table inet %s {\n", table);
	print_sets(r, out);
	policy_rules(p, now, out);
	print_source(r, out);
	print_refuse(r->slot, out);
	print_names(r, out);
	print_host(r, out);
	print_away(r, out);
	print_hooks(veths, out);
	print_nat(r, out);
	buf_addz(out, "}\n");
}
