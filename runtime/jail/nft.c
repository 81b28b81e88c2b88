#include "nft.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "proc/spawn.h"

#define NFT "/usr/sbin/nft"
#define SAID_MAX 160 /* bytes of its words that are kept */

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

static int ignore(const struct nlmsghdr *h, void *arg)
{
	(void)h;
	(void)arg;
	return MNL_CB_OK;
}

static void put_question(void *at, const char *table)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(at);
	struct nfgenmsg *g;

	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = 1;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = NFPROTO_INET;
	g->version = NFNETLINK_V0;
	g->res_id = htons(0);
	mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
}

bool nft_has(const char *table)
{
	struct mnl_socket *s =
	    mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	union {
		struct nlmsghdr first;
		char bytes[4096];
	} u = {0};
	int more = -1;

	if (!s)
		return false;
	put_question(&u, table);
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(s, &u, u.first.nlmsg_len) != -1) {
		do {
			ssize_t n = mnl_socket_recvfrom(s, &u, sizeof(u));

			more = n <= 0 ? -1
			              : mnl_cb_run(&u, (size_t)n, 1,
			                    mnl_socket_get_portid(s), ignore,
			                    NULL);
		} while (more > 0);
	}
	(void)mnl_socket_close(s);
	return more == 0;
}
