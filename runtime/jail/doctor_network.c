/* What others do to packets of instances, and what there is of IPv6. */
#include <linux/netfilter.h>
#include <string.h>

#include "doctor.h"
#include "forward.h"
#include "nft.h"
#include "resolv.h"

#define FORWARD_TODO                                                           \
	"Let instances through: iptables -I FORWARD -i paas+ -j ACCEPT and "   \
	"iptables -I FORWARD -o paas+ -m conntrack --ctstate "                 \
	"RELATED,ESTABLISHED -j ACCEPT (ufw: in /etc/ufw/before.rules)."
#define INPUT_TODO                                                             \
	"Let their questions of DNS in: iptables -I INPUT -i paas+ -d "        \
	"169.254.1.1 -j ACCEPT (ufw: ufw allow in to 169.254.1.1)."
#define FIREWALLD_TODO                                                         \
	"Trust the addresses of instances: firewall-cmd --permanent "          \
	"--zone=trusted --add-source=100.64.0.0/10, then firewall-cmd "        \
	"--reload."
#define IPV6_TODO                                                              \
	"Boot Linux 6.17 or newer, or make the host a router: "                \
	"net.ipv6.conf.all.forwarding=1, with accept_ra=2 on an uplink that "  \
	"takes router advertisements."

/*
 * What our table accepts another one may still drop. A chain that drops what
 * it does not name is said; whether it names instances is not looked at.
 */
void doctor_say_chain(struct doctor *d, const struct nft_chain *c)
{
	bool forward = c->hook == NF_INET_FORWARD;

	if (strncmp(c->table, "paas", 4) == 0)
		return;
	if (strcmp(c->table, "firewalld") == 0 && forward) {
		doctor_say(d, FINDING_WARN, FIREWALLD_TODO,
		    "firewalld decides which packets pass, and may stop those "
		    "of instances");
		return;
	}
	if (!c->drops || (!forward && c->hook != NF_INET_LOCAL_IN))
		return;
	doctor_say(d, FINDING_WARN, forward ? FORWARD_TODO : INPUT_TODO,
	    "chain %.60s of the nftables table %.60s drops what it does not "
	    "name: %s of instances may be stopped",
	    c->name, c->table, forward ? "connections" : "DNS");
}

static void say_chain(void *arg, const struct nft_chain *c)
{
	doctor_say_chain(arg, c);
}

static void say_legacy(struct doctor *d)
{
	scoped_buf struct buf names = BUF_INIT(4096);

	if (doctor_read(d, "proc/net/ip_tables_names", &names) &&
	    str_find_str(buf_str(&names), STR("filter")) != -1)
		doctor_say(d, FINDING_WARN,
		    "See that iptables-legacy -S shows no FORWARD or INPUT of "
		    "policy DROP, or let paas+ through as above.",
		    "rules of the older iptables are in use, which are not "
		    "looked into");
}

static void say_ipv6(struct doctor *d)
{
	if (table_has_ipv6(net_table(d->j->net)))
		doctor_say(d, FINDING_OK, NULL, "instances reach IPv6");
	else if (!forward_possible(FORWARD6))
		doctor_say(d, FINDING_WARN, IPV6_TODO,
		    "instances have no IPv6: this kernel can't forward it for "
		    "single interfaces, and the host is no router");
	else
		doctor_say(d, FINDING_OK, NULL,
		    "instances have no IPv6, as this host has no way out by "
		    "it");
}

static void say_resolvers(struct doctor *d)
{
	struct resolvers r;

	resolv_read(&r);
	if (r.n == 0)
		doctor_say(d, FINDING_BAD,
		    "Name a resolver in /etc/resolv.conf.",
		    "the host names no resolver: apps and builds have no DNS");
}

void doctor_network(struct doctor *d)
{
	size_t before = d->n;

	if (!d->j->net)
		return; /* it failed, and says so itself */
	if (!nft_chains(say_chain, d))
		doctor_say(d, FINDING_WARN,
		    "See that the kernel has nf_tables (Debian's has it).",
		    "the rules of other firewalls can't be read");
	say_legacy(d);
	if (d->n == before)
		doctor_say(
		    d, FINDING_OK, NULL, "no other firewall stops instances");
	say_ipv6(d);
	say_resolvers(d);
}
