#include "rules.h"

#include <inttypes.h>
#include <stdio.h>

#include "address.h"

/*
 * What no instance reaches: this network, private and shared ranges (all
 * instances of all slots are in 100.64/10), loopback, link-local with the
 * metadata services of clouds, and all from multicast upwards. Ranges set
 * aside for documentation are left open: they are nobody's private network.
 */
#define DENIED                                                                 \
	"0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, "  \
	"172.16.0.0/12, 192.168.0.0/16, 224.0.0.0/3"

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

/* The head of a set; nft takes none with an empty list of elements. */
static void print_set(struct buf *out, const char *name, const char *type)
{
	buf_addf(out, "\tset %s {\n\t\ttype %s\n", name, type);
}

static void print_resolvers(const struct resolvers *r, struct buf *out)
{
	char text[ADDRESS_TEXT];

	print_set(out, "resolvers", "ipv4_addr");
	for (uint32_t i = 0; i < r->n; i++) {
		address_print(r->address[i], text);
		buf_addf(out, "%s%s", i ? ", " : "\t\telements = { ", text);
	}
	buf_addz(out, r->n ? " }\n\t}\n" : "\t}\n");
}

static void print_opened(const struct uplinks *u, struct buf *out)
{
	print_set(out, "opened", "ifname");
	for (uint32_t i = 0; i < u->n; i++)
		buf_addf(out, "%s\"%s\"", i ? ", " : "\t\telements = { ",
		    u->name[i]);
	buf_addz(out, u->n ? " }\n\t}\n" : "\t}\n");
}

static void print_sets(const struct rules *r, struct buf *out)
{
	print_resolvers(&r->resolvers, out);
	print_opened(&r->opened, out);
	buf_addz(out,
	    "\tset denied {\n\t\ttype ipv4_addr\n\t\tflags interval\n"
	    "\t\telements = { " DENIED " }\n\t}\n"
	    /* Filled by the rule that counts, emptied when they end. */
	    "\tset flows {\n\t\ttype ipv4_addr\n\t\tsize 65536\n"
	    "\t\tflags dynamic\n\t}\n");
}

/* --- chains -------------------------------------------------------------- */

/* Ahead of connection tracking: what is forged costs nothing behind it. */
static void print_source(const char *veths, struct buf *out)
{
	buf_addf(out,
	    "\tchain source {\n"
	    "\t\ttype filter hook prerouting priority raw; policy accept;\n"
	    "\t\tiifname \"%s\" meta nfproto != ipv4 drop\n"
	    "\t\tiifname \"%s\" fib saddr . iif oif missing drop\n"
	    "\t}\n",
	    veths, veths);
}

/*
 * Refusals are answered, so that a program that tries what it may not (a
 * cloud's library looking for metadata) goes on at once. A reset for TCP,
 * since the kernel sends only so many ICMP errors a second.
 */
static void print_refuse(struct buf *out)
{
	buf_addz(out, "\tchain refuse {\n"
	              "\t\tmeta l4proto tcp reject with tcp reset\n"
	              "\t\treject with icmpx admin-prohibited\n"
	              "\t}\n"
	              "\tchain dns {\n"
	              "\t\tip daddr @resolvers udp dport 53 accept\n"
	              "\t\tip daddr @resolvers tcp dport 53 accept\n"
	              "\t}\n");
}

/* Between an instance and the host itself, which may be its own resolver. */
static void print_host(const char *veths, struct buf *out)
{
	buf_addf(out,
	    "\tchain to_host {\n"
	    "\t\ttype filter hook input priority filter; policy accept;\n"
	    "\t\tiifname \"%s\" jump dns\n"
	    "\t\tiifname \"%s\" goto refuse\n"
	    "\t}\n"
	    "\tchain from_host {\n"
	    "\t\ttype filter hook output priority filter; policy accept;\n"
	    "\t\toifname \"%s\" ct state != { established, related } drop\n"
	    "\t}\n",
	    veths, veths, veths);
}

/*
 * What is accepted here may still be dropped by a table of somebody else's.
 * "paas*" are the instances of all platforms on this host.
 */
static void print_forward(const char *veths, struct buf *out)
{
	buf_addf(out,
	    "\tchain from_instance {\n"
	    "\t\tct state { established, related } accept\n"
	    "\t\tct state invalid drop\n"
	    "\t\tadd @flows { ip saddr ct count over %u } goto refuse\n"
	    "\t\tjump dns\n"
	    "\t\tip daddr @denied goto refuse\n"
	    "\t\toifname \"paas*\" goto refuse\n"
	    "\t\taccept\n"
	    "\t}\n"
	    "\tchain stray {\n"
	    "\t\tct state { established, related } return\n"
	    "\t\tct status dnat return\n"
	    "\t\tdrop\n"
	    "\t}\n"
	    "\tchain forward {\n"
	    "\t\ttype filter hook forward priority filter; policy accept;\n"
	    "\t\tiifname \"%s\" goto from_instance\n"
	    "\t\toifname \"%s\" ct state != { established, related } drop\n"
	    "\t\tiifname @opened oifname != \"paas*\" jump stray\n"
	    "\t}\n",
	    FLOWS_MAX, veths, veths);
}

static void print_nat(uint64_t slot, struct buf *out)
{
	char net[ADDRESS_TEXT];

	address_print(address_net(slot), net);
	buf_addf(out,
	    "\tchain egress {\n"
	    "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
	    "\t\tip saddr %s/16 oifname != \"paas*\" masquerade\n"
	    "\t}\n",
	    net);
}

void rules_print(const struct rules *r, struct buf *out)
{
	char table[16], veths[24];

	rules_table(r->slot, table);
	snprintf(veths, sizeof(veths), "%s-*", table);
	rules_print_end(r->slot, out);
	buf_addf(out, "table inet %s {\n", table);
	print_sets(r, out);
	print_source(veths, out);
	print_refuse(out);
	print_host(veths, out);
	print_forward(veths, out);
	print_nat(r->slot, out);
	buf_addz(out, "}\n");
}
