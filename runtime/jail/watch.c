#include "watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "resolv.h"

#define SETTLE_MS 50     /* a change comes as many messages */
#define AGAIN_MS 1000    /* between two repairs, if somebody insists */
#define EVENTS_MAX 65536 /* bytes read at once */

struct watch {
	struct jail *jail;
	struct mnl_socket *socket;
	struct ev_io nft, inotify;
	struct ev_timer repair, settle;
	bool broken; /* by a change whose generation is still to come */
	uint64_t repaired_ms;
	struct resolvers resolvers;
};

/* --- nftables ------------------------------------------------------------- */

static void soon(struct watch *w)
{
	uint64_t now = ev_now_ms(w->jail->ev), wait = SETTLE_MS;

	if (w->repair.at_ms)
		return;
	if (w->repaired_ms && now - w->repaired_ms < AGAIN_MS)
		wait = AGAIN_MS;
	ev_timer_set(w->jail->ev, &w->repair, wait);
}

static void repair_fired(struct ev_timer *t)
{
	struct watch *w = container_of(t, struct watch, repair);
	struct error err = {0};

	w->repaired_ms = ev_now_ms(w->jail->ev);
	log_warn("somebody changed the network rules of instances: they are "
	         "loaded again");
	if (table_repair(net_table(w->jail->net), &err) == -1) {
		log_error("network of instances: %s", err.msg);
		soon(w);
	}
}

/* All of these have the name of their table as attribute 1. */
static bool is_ours(const struct watch *w, const struct nlmsghdr *h)
{
	const char *own = table_name(net_table(w->jail->net));
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(a) == NFTA_TABLE_NAME)
			return mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0 &&
			       strcmp(mnl_attr_get_str(a), own) == 0;
	}
	return false;
}

static uint32_t generation_of(const struct nlmsghdr *h)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(a) == NFTA_GEN_ID &&
		    mnl_attr_validate(a, MNL_TYPE_U32) == 0)
			return ntohl(mnl_attr_get_u32(a));
	}
	return 0;
}

static int on_event(const struct nlmsghdr *h, void *arg)
{
	struct watch *w = arg;

	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE: /* a dormant flag */
	case NFT_MSG_DELTABLE:
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
	case NFT_MSG_DELSET:
	case NFT_MSG_NEWSETELEM:
	case NFT_MSG_DELSETELEM:
		w->broken |= is_ours(w, h);
		break;
	case NFT_MSG_NEWGEN:
		/* What we loaded ourselves ended whole. */
		if (w->broken &&
		    (int32_t)(generation_of(h) -
		              table_generation(net_table(w->jail->net))) > 0)
			soon(w);
		w->broken = false;
		break;
	}
	return MNL_CB_OK;
}

static void nft_ready(struct ev_io *io, unsigned events)
{
	struct watch *w = container_of(io, struct watch, nft);
	scoped_free char *bytes = xmalloc(EVENTS_MAX);
	ssize_t n = mnl_socket_recvfrom(w->socket, bytes, EVENTS_MAX);

	if (n == -1 && errno == ENOBUFS)
		soon(w); /* some were lost: who knows which */
	if (n > 0)
		(void)mnl_cb_run(bytes, (size_t)n, 0, 0, on_event, w);
}

static int watch_nft(struct watch *w, struct error *err)
{
	int group = NFNLGRP_NFTABLES;

	w->socket =
	    mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->socket ||
	    mnl_socket_bind(w->socket, 0, MNL_SOCKET_AUTOPID) == -1 ||
	    mnl_socket_setsockopt(
	        w->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) == -1)
		return error_sys(err, "hear of changes of nftables");
	w->nft = (struct ev_io){
	    .fd = mnl_socket_get_fd(w->socket), .ready = nft_ready};
	return ev_io_add(w->jail->ev, &w->nft, EV_READ, err);
}

/* --- resolvers ------------------------------------------------------------ */

void watch_tell(struct jail *j)
{
	struct frame_out o = frame_begin(MSG_RESOLVERS, 0);
	const struct resolvers *r = &j->watch->resolvers;
	char text[IP_TEXT];

	for (uint32_t i = 0; i < r->n; i++) {
		ip_print(&r->address[i], text);
		frame_put_z(&o, F_ADDRESS, text);
	}
	if (j->plan)
		(void)peer_send(j->plan, &o);
	else
		frame_out_release(&o);
}

static void settle_fired(struct ev_timer *t)
{
	struct watch *w = container_of(t, struct watch, settle);
	struct resolvers now;

	resolv_read(&now);
	if (memcmp(&now, &w->resolvers, sizeof(now)) == 0)
		return;
	w->resolvers = now;
	log_info("resolvers changed n=%u", (unsigned)now.n);
	watch_tell(w->jail);
}

static bool is_resolv(const struct inotify_event *e)
{
	return e->len > 0 && strcmp(e->name, "resolv.conf") == 0;
}

static void inotify_ready(struct ev_io *io, unsigned events)
{
	struct watch *w = container_of(io, struct watch, inotify);
	union {
		struct inotify_event first;
		char bytes[4096];
	} u;
	ssize_t n = read(io->fd, &u, sizeof(u));
	bool any = false;

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (void *)(u.bytes + at);

		any |= is_resolv(e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	if (any && !w->settle.at_ms)
		ev_timer_set(w->jail->ev, &w->settle, SETTLE_MS);
}

/* The file is replaced as a rule, or is a link into one of the others. */
static int watch_resolvers(struct watch *w, struct error *err)
{
	static const char *const folders[] = {
	    "/etc", "/run/systemd/resolve", "/run/resolvconf"};
	const uint32_t what =
	    IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR;

	w->inotify.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->inotify.fd == -1)
		return error_sys(err, "inotify");
	for (size_t i = 0; i < NELEM(folders); i++)
		(void)inotify_add_watch(w->inotify.fd, folders[i], what);
	w->inotify.ready = inotify_ready;
	resolv_read(&w->resolvers);
	if (w->resolvers.n == 0)
		log_warn("the host names no resolver: instances have no DNS "
		         "(/etc/resolv.conf)");
	return ev_io_add(w->jail->ev, &w->inotify, EV_READ, err);
}

int watch_open(struct jail *j, struct error *err)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	j->watch = w; /* for as long as jail runs */
	w->jail = j;
	w->repair.fire = repair_fired;
	w->settle.fire = settle_fired;
	return watch_nft(w, err) == -1 ? -1 : watch_resolvers(w, err);
}
