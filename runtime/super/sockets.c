#include "sockets.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

#define BACKLOG 1024
#define GATEWAY 0xa9fe0101u /* 169.254.1.1, as in jail */

static const struct {
	const char *name; /* in the run folder */
	int type;
} inner[] = {
    {"web.sock", SOCK_SEQPACKET},
    {"plan.sock", SOCK_SEQPACKET},
    {"jail.sock", SOCK_SEQPACKET},
    {"router.sock", SOCK_SEQPACKET},
    {"logd.sock", SOCK_SEQPACKET},
    {"names.sock", SOCK_SEQPACKET},
    {"receive.sock", SOCK_SEQPACKET},
    {"export.sock", SOCK_SEQPACKET},
    {"outbound.sock", SOCK_SEQPACKET},
    /* In the router's chroot: the only peers it can reach by a path. */
    {"router/web-http.sock", SOCK_STREAM},
    {"router/gitd-http.sock", SOCK_STREAM},
};

static void keep(struct sockets *s, const char *name, int fd)
{
	snprintf(s->items[s->n].name, sizeof(s->items[0].name), "%s", name);
	s->items[s->n++].fd = fd;
}

/* Split ADDR:PORT, which settings has checked, into two strings. */
static void split(const char *listen, char host[80], char port[8])
{
	const char *colon = strrchr(listen, ':');
	size_t n = (size_t)(colon - listen);
	int bracket = listen[0] == '[';

	snprintf(host, 80, "%.*s", (int)n - 2 * bracket, listen + bracket);
	snprintf(port, 8, "%.5s", colon + 1);
}

static int bind_tcp(
    const struct addrinfo *to, const char *text, struct error *err)
{
	scoped_fd int fd = socket(
	    to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd == -1)
		return error_sys(err, "socket for %s", text);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (to->ai_family == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, to->ai_addr, to->ai_addrlen) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		if (errno == EADDRINUSE)
			return error_set(err, ERR_EXISTS,
			    "%s is taken by another program: stop it, or "
			    "choose another address with --listen ADDR:PORT",
			    text);
		return error_sys(err,
		    "listen on %s (--listen takes an address of this machine)",
		    text);
	}
	return take_fd(&fd);
}

static int listen_tcp(const char *text, struct error *err)
{
	struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM,
	                            .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	char host[80], port[8];
	int fd, why;

	split(text, host, port);
	why = getaddrinfo(host, port, &hints, &found);
	if (why != 0)
		return error_set(err, ERR_INVALID, "listen on %s: %s", text,
		    gai_strerror(why));
	fd = bind_tcp(found, text, err);
	freeaddrinfo(found);
	return fd;
}

/* A machine without IPv6 does without its default address. */
static int listen_all(
    const struct settings *s, struct sockets *ret, struct error *err)
{
	for (int i = 0; i < s->nlisten; i++) {
		char name[24];
		int fd = listen_tcp(s->listen[i], err);

		if (fd == -1 && i > 0 && s->listen[i][0] == '[' &&
		    (err->sys == EADDRNOTAVAIL || err->sys == EAFNOSUPPORT))
			continue;
		if (fd == -1)
			return -1;
		snprintf(name, sizeof(name), "listen%d", i);
		keep(ret, name, fd);
	}
	return 0;
}

static int listen_unix(
    const char *run, const char *name, int type, struct error *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	scoped_fd int fd =
	    socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int n;

	n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", run, name);
	if (n >= (int)sizeof(at.sun_path))
		return error_set(
		    err, ERR_LIMIT, "socket path %s/%s", run, name);
	(void)unlink(at.sun_path);
	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    chmod(at.sun_path, 0666) == -1 || listen(fd, BACKLOG) == -1)
		return error_sys(err, "listen on %s", at.sun_path);
	return take_fd(&fd);
}

/* --- DNS ------------------------------------------------------------------ */

/*
 * Where names hears its questions: at the gateway of instances, on a port of
 * the kernel's choice that the rules of this platform lead port 53 to. So it
 * is in nobody's way, be it another platform or a resolver of the host's. The
 * address is there with the first instance.
 */
static int listen_dns(int type, struct error *err)
{
	const struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(GATEWAY)};
	scoped_fd int fd =
	    socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd == -1 ||
	    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) == -1 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) == -1 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) == -1))
		return error_sys(err, "listen for DNS at the gateway");
	return take_fd(&fd);
}

static int keep_dns(struct sockets *ret, struct error *err)
{
	int udp = listen_dns(SOCK_DGRAM, err), tcp;

	if (udp == -1)
		return -1;
	keep(ret, "dns-udp", udp);
	tcp = listen_dns(SOCK_STREAM, err);
	if (tcp == -1)
		return -1;
	keep(ret, "dns-tcp", tcp);
	return 0;
}

int sockets_open(const struct settings *s, const struct roles *roles,
    struct sockets *ret, struct error *err)
{
	int pair[2];

	*ret = (struct sockets){0};
	if (listen_all(s, ret, err) == -1)
		return -1;
	for (size_t i = 0; i < NELEM(inner); i++) {
		const char *slash = strchr(inner[i].name, '/');
		int fd = listen_unix(s->run, inner[i].name, inner[i].type, err);

		if (fd == -1)
			return -1;
		keep(ret, slash ? slash + 1 : inner[i].name, fd);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
	        0, pair) == -1)
		return error_sys(err, "socket pair");
	keep(ret, "pair-router", pair[0]);
	keep(ret, "pair-jail", pair[1]);
	return keep_dns(ret, err);
}

int sockets_get(const struct sockets *s, const char *name)
{
	for (int i = 0; i < s->n; i++) {
		if (strcmp(s->items[i].name, name) == 0)
			return s->items[i].fd;
	}
	return -1;
}
