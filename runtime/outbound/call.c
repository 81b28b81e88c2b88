/*
 * call - what every call has in common.
 *
 * No redirect is followed, no proxy used, only http and https are spoken, and
 * certificates are checked against the bundle of the settings. Addresses are
 * judged when a socket is made for one, so a name that is resolved to another
 * address from one moment to the next changes nothing: private ones are
 * refused unless drain_private says yes, and so are the machine's public ones,
 * but for the platform's front door: what listens there beside it may be closed
 * to the world by a firewall, and is open to us.
 */
#include "outbound.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "wire/url.h"

static bool is_private(const struct sockaddr *to)
{
	if (to->sa_family == AF_INET)
		return drain_ip_private(
		    (const void *)&((const struct sockaddr_in *)to)->sin_addr,
		    false);
	if (to->sa_family == AF_INET6)
		return drain_ip_private(
		    (const void *)&((const struct sockaddr_in6 *)to)->sin6_addr,
		    true);
	return true;
}

/* The kernel goes to an address of its own from that very address. */
static bool is_own(const struct curl_sockaddr *to)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} from = {0};
	socklen_t size = sizeof(from);
	scoped_fd int fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* Nothing is sent. Without a way there the call itself says so. */
	if (fd == -1 || connect(fd, &to->addr, to->addrlen) == -1 ||
	    getsockname(fd, &from.any, &size) == -1)
		return false;
	if (to->family == AF_INET6)
		return memcmp(&from.six.sin6_addr,
		           &((const struct sockaddr_in6 *)&to->addr)->sin6_addr,
		           sizeof(from.six.sin6_addr)) == 0;
	return from.four.sin_addr.s_addr ==
	       ((const struct sockaddr_in *)&to->addr)->sin_addr.s_addr;
}

/* An app of this platform may be where another one's log goes. */
static bool is_front_door(
    const struct settings *s, const struct curl_sockaddr *to)
{
	/* At the same place in both families. */
	unsigned port =
	    ntohs(((const struct sockaddr_in *)&to->addr)->sin_port);
	char end[8];

	snprintf(end, sizeof(end), ":%u", port);
	for (int i = 0; i < s->nlisten; i++)
		if (str_ends(str_z(s->listen[i]), str_z(end)))
			return true;
	return false;
}

static bool may_call(const struct settings *s, const struct curl_sockaddr *to)
{
	if (strcmp(s->drain_private, "yes") == 0)
		return true;
	return !is_private(&to->addr) && (!is_own(to) || is_front_door(s, to));
}

static curl_socket_t make_socket(
    void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct drain *d = arg;

	if (!may_call(d->o->settings, to)) {
		d->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* What a server says beside its status is nobody's concern. */
static size_t swallow(char *bytes, size_t size, size_t n, void *arg)
{
	return size * n;
}

/* A user or password without its %XX, into *ret (freed by the caller). */
static int plain(struct str part, char **ret, struct error *err)
{
	char *mem = xmalloc(part.len + 1);
	ssize_t n = url_decode(part, mem, err);

	if (n == -1) {
		free(mem);
		return -1;
	}
	mem[n] = '\0';
	*ret = mem;
	return 0;
}

static int set_user(struct drain *d, struct error *err)
{
	scoped_free char *user = NULL, *password = NULL;

	if (!d->url.has_user)
		return 0;
	if (plain(d->url.user, &user, err) == -1 ||
	    plain(d->url.password, &password, err) == -1)
		return -1;
	(void)curl_easy_setopt(d->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	(void)curl_easy_setopt(d->easy, CURLOPT_USERNAME, user);
	(void)curl_easy_setopt(d->easy, CURLOPT_PASSWORD, password);
	return 0;
}

/* The address as libcurl takes it; a stream is one to a host alone. */
static void set_url(struct drain *d)
{
	scoped_buf struct buf url = BUF_INIT(DRAIN_URL_MAX + 64);
	const struct drain_url *u = &d->url;
	bool tls = u->kind == DRAIN_HTTPS || u->kind == DRAIN_SYSLOG_TLS;

	buf_addf(&url, "%s://%s" STR_FMT "%s:%u", tls ? "https" : "http",
	    u->v6 ? "[" : "", STR_ARG(u->host), u->v6 ? "]" : "", u->port);
	if (!drain_is_syslog(u)) {
		buf_addz(&url, u->path.len && u->path.p[0] == '/' ? "" : "/");
		buf_add(&url, u->path);
	}
	(void)curl_easy_setopt(d->easy, CURLOPT_URL, buf_z(&url));
}

int call_begin(struct drain *d, struct error *err)
{
	CURL *e = curl_easy_init();

	if (!e)
		return error_set(err, ERR_INTERNAL, "start a call");
	d->easy = e;
	d->refused = false;
	d->why[0] = '\0';
	set_url(d);
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, d);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, d->why);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_CAINFO, d->o->settings->outbound_ca);
	(void)curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	(void)curl_easy_setopt(
	    e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(
	    e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, make_socket);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, d);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, swallow);
	(void)curl_easy_setopt(
	    e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	if (set_user(d, err) == -1) {
		call_end(d);
		return -1;
	}
	return 0;
}

void call_end(struct drain *d)
{
	if (d->state == DRAIN_OPEN || d->state == DRAIN_CLOSING)
		d->o->streams--;
	d->state = DRAIN_IDLE;
	d->fd = -1;
	if (!d->easy)
		return;
	(void)curl_multi_remove_handle(d->o->multi, d->easy);
	curl_easy_cleanup(d->easy);
	curl_slist_free_all(d->headers);
	d->easy = NULL;
	d->headers = NULL;
}

static bool is_certificate(CURLcode rc)
{
	return rc == CURLE_PEER_FAILED_VERIFICATION ||
	       rc == CURLE_SSL_ISSUER_ERROR || rc == CURLE_SSL_CACERT_BADFILE;
}

void call_why(const struct drain *d, CURLcode rc, struct error *ret)
{
	*ret = (struct error){0};
	if (d->refused)
		(void)error_set(ret, ERR_FORBIDDEN,
		    "it leads to this machine or a private address; the "
		    "platform's owner allows that with the setting "
		    "drain_private");
	else
		(void)error_set(ret,
		    is_certificate(rc) ? ERR_UNAUTHORIZED : ERR_UNAVAILABLE,
		    "%s", d->why[0] ? d->why : curl_easy_strerror(rc));
}
