#include "nft.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proc/spawn.h"

#define NFT "/usr/sbin/nft"
#define DUMP_MAX 65536 /* bytes of answers at once */
#define SAID_MAX 160   /* bytes of its words that are kept */

/* The first line that nft wrote, printable. */
static void first_line(int said, char out[SAID_MAX])
{
	ssize_t n = pread(said, out, SAID_MAX - 1, 0);

	if (n < 0)
		n = 0;
	for (ssize_t i = 0; i < n; i++) {
		if (out[i] == '\n')
			n = i;
		else if (out[i] < 0x20 || out[i] > 0x7e)
			out[i] = '?';
	}
	out[n] = '\0';
}

int nft_load(struct str text, struct error *err)
{
	static const char *const argv[] = {NFT, "-f", "-", NULL};
	static const char *const env[] = {"LC_ALL=C", NULL};
	scoped_fd int in = fd_sealed("rules", text, err);
	scoped_fd int said = memfd_create("said", MFD_CLOEXEC);
	struct spawn_fd fds[] = {{in, 0}, {said, 2}};
	struct spawn nft = {.argv = argv, .env = env, .fds = fds, .nfds = 2};
	char words[SAID_MAX];

	if (in == -1)
		return -1;
	if (said == -1)
		return error_sys(err, "make memory file said");
	if (spawn_wait(&nft, err) == -1) {
		first_line(said, words);
		return error_wrap(err, "load nft rules: %s", words);
	}
	return 0;
}

/* --- asking --------------------------------------------------------------- */

static struct nlmsghdr *begin(void *at, unsigned type, uint8_t family)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(at);
	struct nfgenmsg *g;

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = 1;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(0);
	return h;
}

/* Send the question in at and hand what comes to cb. False: the kernel said
 * no. */
static bool ask(void *at, size_t size, mnl_cb_t cb, void *arg)
{
	struct mnl_socket *s =
	    mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	const struct nlmsghdr *h = at;
	int more = -1;

	if (!s)
		return false;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(s, at, h->nlmsg_len) != -1) {
		do {
			ssize_t n = mnl_socket_recvfrom(s, at, size);

			more = n <= 0 ? -1
			              : mnl_cb_run(at, (size_t)n, 1,
			                    mnl_socket_get_portid(s), cb, arg);
		} while (more > 0);
	}
	(void)mnl_socket_close(s);
	return more == 0;
}

union message {
	struct nlmsghdr first;
	char bytes[4096];
};

static int ignore(const struct nlmsghdr *h, void *arg)
{
	(void)h;
	(void)arg;
	return MNL_CB_OK;
}

bool nft_has(const char *table)
{
	union message u = {0};
	struct nlmsghdr *h = begin(&u, NFT_MSG_GETTABLE, NFPROTO_INET);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
	return ask(&u, sizeof(u), ignore, NULL);
}

static int on_generation(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(a) == NFTA_GEN_ID &&
		    mnl_attr_validate(a, MNL_TYPE_U32) == 0)
			*(uint32_t *)arg = ntohl(mnl_attr_get_u32(a));
	}
	return MNL_CB_OK;
}

uint32_t nft_generation(void)
{
	union message u = {0};
	uint32_t generation = 0;

	(void)begin(&u, NFT_MSG_GETGEN, NFPROTO_UNSPEC);
	(void)ask(&u, sizeof(u), on_generation, &generation);
	return generation;
}

/* --- chains --------------------------------------------------------------- */

struct chains {
	void (*each)(void *arg, const struct nft_chain *c);
	void *arg;
};

static uint32_t number_of(const struct nlattr *a)
{
	return mnl_attr_validate(a, MNL_TYPE_U32) == 0
	           ? ntohl(mnl_attr_get_u32(a))
	           : UINT32_MAX;
}

static const char *text_of(const struct nlattr *a)
{
	return mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0
	           ? mnl_attr_get_str(a)
	           : NULL;
}

static uint32_t hook_of(const struct nlattr *nest)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		if (mnl_attr_get_type(a) == NFTA_HOOK_HOOKNUM)
			return number_of(a);
	}
	return UINT32_MAX;
}

static int on_chain(const struct nlmsghdr *h, void *arg)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	const struct chains *to = arg;
	struct nft_chain c = {.family = g->nfgen_family, .hook = UINT32_MAX};
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(*g))
	{
		switch (mnl_attr_get_type(a)) {
		case NFTA_CHAIN_TABLE:
			c.table = text_of(a);
			break;
		case NFTA_CHAIN_NAME:
			c.name = text_of(a);
			break;
		case NFTA_CHAIN_HOOK:
			c.hook = hook_of(a);
			break;
		case NFTA_CHAIN_POLICY:
			c.drops = number_of(a) == NF_DROP;
			break;
		}
	}
	if (c.table && c.name && c.hook != UINT32_MAX)
		to->each(to->arg, &c);
	return MNL_CB_OK;
}

bool nft_chains(void (*each)(void *arg, const struct nft_chain *c), void *arg)
{
	struct chains to = {each, arg};
	scoped_free void *bytes = xcalloc(1, DUMP_MAX);
	struct nlmsghdr *h = begin(bytes, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC);

	h->nlmsg_flags |= NLM_F_DUMP;
	return ask(bytes, DUMP_MAX, on_chain, &to);
}
