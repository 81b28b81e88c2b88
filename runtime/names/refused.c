/*
 * Connections of instances that were refused, as the kernel tells of them by
 * nfnetlink_log (jail's rules say which, and limit how many): a line in the
 * app's log with the command that allows it, once a minute for each
 * destination. The socket is made by root, the packets are read without.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "names.h"
#include "wire/packet.h"

#define GROUP_FIRST 0x7061u /* of slot 0, as in jail's rules */
#define SNAP 64             /* bytes of a packet */
#define QUIET_MS 60000      /* between two lines about one destination */
#define BYTES_MAX 16384     /* of messages read at once */
#define SMTP 25

/* --- the socket ----------------------------------------------------------- */

struct config {
	struct nlmsghdr h;
	struct nfgenmsg g;
	char attrs[64];
};

static void put_attr(
    struct config *c, uint16_t type, const void *value, size_t size)
{
	struct nlattr a = {
	    .nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};
	char *at = (char *)c + c->h.nlmsg_len;

	memcpy(at, &a, sizeof(a));
	memcpy(at + NLA_HDRLEN, value, size);
	c->h.nlmsg_len += (uint32_t)NLA_ALIGN(a.nla_len);
}

static struct config config_of(uint64_t slot)
{
	return (struct config){
	    .h = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
	        .nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
	        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
	    .g = {.nfgen_family = AF_UNSPEC,
	        .version = NFNETLINK_V0,
	        .res_id = htons((uint16_t)(GROUP_FIRST + slot))}};
}

static int configure(int fd, const struct config *c, struct error *err)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[256];
	} answer;

	if (send(fd, c, c->h.nlmsg_len, 0) == -1 ||
	    recv(fd, &answer, sizeof(answer), 0) == -1)
		return error_sys(err, "nfnetlink_log");
	if (answer.h.nlmsg_type != NLMSG_ERROR)
		return error_set(err, ERR_SYSTEM, "nfnetlink_log is silent");
	errno = -answer.e.error;
	return errno ? error_sys(err, "nfnetlink_log") : 0;
}

int refused_socket(uint64_t slot, struct error *err)
{
	struct nfulnl_msg_config_cmd bind_it = {NFULNL_CFG_CMD_BIND};
	struct nfulnl_msg_config_mode mode = {
	    .copy_range = htonl(SNAP), .copy_mode = NFULNL_COPY_PACKET};
	uint32_t one = htonl(1); /* nothing is gathered first */
	struct config c = config_of(slot);
	scoped_fd int fd =
	    socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd == -1)
		return error_sys(err, "netlink socket");
	put_attr(&c, NFULA_CFG_CMD, &bind_it, sizeof(bind_it));
	if (configure(fd, &c, err) == -1)
		return -1;
	c = config_of(slot);
	put_attr(&c, NFULA_CFG_MODE, &mode, sizeof(mode));
	put_attr(&c, NFULA_CFG_QTHRESH, &one, sizeof(one));
	if (configure(fd, &c, err) == -1 || fd_nonblock(fd, true, err) == -1)
		return -1;
	return take_fd(&fd);
}

/* --- telling -------------------------------------------------------------- */

/* The first of its kind this minute? */
static bool is_news(struct names *n, uint64_t app, const struct packet *p)
{
	uint64_t now = ev_now_ms(n->ev);

	if (!n->told)
		n->told = xcalloc(TOLD_MAX, sizeof(*n->told));
	for (unsigned i = 0; i < TOLD_MAX; i++) {
		const struct told *t = &n->told[i];

		if (t->app == app && t->port == p->port && t->until_ms > now &&
		    ip_eq(&t->ip, &p->to))
			return false;
	}
	n->told[n->next_told++ % TOLD_MAX] =
	    (struct told){app, now + QUIET_MS, p->to, p->port};
	return true;
}

static bool is_instance(const struct names *n, const struct ip *ip)
{
	return ip_is4(ip) && who_at(&n->who, ip) != NULL;
}

/* "10.0.0.5:5432"; a name where the app has asked for it. */
static void print_target(const struct names *n, uint64_t app,
    const struct packet *p, bool named, char *out, size_t size)
{
	const char *name = named ? open_name(n, app, &p->to) : NULL;
	bool six = !ip_is4(&p->to) && p->port;
	char ip[IP_TEXT];

	ip_print(&p->to, ip);
	if (p->port == 0)
		snprintf(out, size, "%s", ip);
	else
		snprintf(out, size, "%s%s%s:%u", !name && six ? "[" : "",
		    name ? name : ip, !name && six ? "]" : "", p->port);
}

static void advise(const struct names *n, const struct endpoint *e,
    const struct packet *p, bool host, char *out, size_t size)
{
	char target[DNS_NAME + 16];

	print_target(n, e->app, p, true, target, sizeof(target));
	if (host && p->port)
		snprintf(out, size,
		    "To allow it: paas egress:allow host.internal:%u --app %s",
		    p->port, e->app_name);
	else if (host)
		snprintf(out, size, "The machine itself answers no app so");
	else if (is_instance(n, &p->to))
		snprintf(out, size,
		    "It is another app's. To allow it: paas links:add %s --to "
		    "APP",
		    e->app_name);
	else if (ip_is_nowhere(&p->to))
		snprintf(out, size, "Nobody has that address");
	else if (p->port == SMTP && strcmp(n->settings->smtp, "open") != 0 &&
	         !ip_is_private(&p->to))
		snprintf(out, size,
		    "This platform closes port 25. To allow one server: paas "
		    "egress:allow %s --app %s",
		    target, e->app_name);
	else
		snprintf(out, size,
		    "To allow it: paas egress:allow %s --app %s", target,
		    e->app_name);
}

static void tell(struct names *n, const struct packet *p, bool host)
{
	const struct endpoint *e = who_at(&n->who, &p->from);
	char target[DNS_NAME + 16], advice[2 * DNS_NAME];
	struct frame_out o;
	char text[4 * DNS_NAME];

	if (!e || !is_news(n, e->app, p))
		return;
	print_target(n, e->app, p, false, target, sizeof(target));
	advise(n, e, p, host, advice, sizeof(advice));
	snprintf(
	    text, sizeof(text), "Connection to %s refused. %s", target, advice);
	o = frame_begin(MSG_LOG_WRITE, 0);
	frame_put_u64(&o, F_APP, e->app);
	frame_put_z(&o, F_SOURCE, "heroku");
	frame_put_z(&o, F_PROC, e->name);
	frame_put_z(&o, F_TEXT, text);
	(void)peer_send(n->logd, &o);
}

/* --- reading -------------------------------------------------------------- */

struct refusal {
	struct str packet;
	bool host;
};

/* The attributes of one message; the kernel made them. */
static void read_attrs(struct str s, struct refusal *r)
{
	while (s.len >= NLA_HDRLEN) {
		struct nlattr a;
		size_t step;
		struct str value;

		memcpy(&a, s.p, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || a.nla_len > s.len)
			return;
		value = str_sub(s, NLA_HDRLEN, a.nla_len);
		if ((a.nla_type & NLA_TYPE_MASK) == NFULA_PAYLOAD)
			r->packet = value;
		else if ((a.nla_type & NLA_TYPE_MASK) == NFULA_PREFIX)
			r->host = str_starts(value, STR("host"));
		step = NLA_ALIGN(a.nla_len);
		s = str_sub(s, step, s.len);
	}
}

static void read_messages(struct names *n, struct str s)
{
	while (s.len >= sizeof(struct nlmsghdr)) {
		const size_t head = NLMSG_LENGTH(sizeof(struct nfgenmsg));
		struct refusal r = {0};
		struct nlmsghdr h;
		struct packet p;

		memcpy(&h, s.p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > s.len)
			return;
		if (h.nlmsg_type ==
		        (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) &&
		    h.nlmsg_len >= head) {
			read_attrs(str_sub(s, head, h.nlmsg_len), &r);
			if (packet_parse(r.packet, &p))
				tell(n, &p, r.host);
		}
		s = str_sub(s, NLMSG_ALIGN(h.nlmsg_len), s.len);
	}
}

static void ready(struct ev_io *io, unsigned events)
{
	struct names *n = container_of(io, struct names, refused);
	ssize_t got = recv(io->fd, n->bytes, BYTES_MAX, 0);

	if (got > 0)
		read_messages(n, str_make(n->bytes, (size_t)got));
}

int refused_open(struct names *n, int fd, struct error *err)
{
	n->refused = (struct ev_io){.fd = fd, .ready = ready};
	return fd == -1 ? 0 : ev_io_add(n->ev, &n->refused, EV_READ, err);
}
