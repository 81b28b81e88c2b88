#include "wire/drain.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "base/name.h"

static const struct {
	struct str scheme;
	uint16_t port;
} kinds[] = {
    [DRAIN_SYSLOG] = {{"syslog", 6}, 514},
    [DRAIN_SYSLOG_TLS] = {{"syslog+tls", 10}, 6514},
    [DRAIN_HTTP] = {{"http", 4}, 80},
    [DRAIN_HTTPS] = {{"https", 5}, 443},
};

static int bad(struct error *err, const char *what)
{
	return error_set(err, ERR_INVALID,
	    "%s. A drain is syslog://HOST:PORT, syslog+tls://HOST:PORT or "
	    "https://HOST/PATH.",
	    what);
}

static bool allowed(char c)
{
	return c > ' ' && c < 0x7f && str_find(STR("\"<>\\^`{|}#"), c) == -1;
}

static int take_scheme(struct str *rest, struct drain_url *u, struct error *err)
{
	ssize_t at = str_find_str(*rest, STR("://"));
	struct str scheme = str_sub(*rest, 0, at == -1 ? 0 : (size_t)at);

	for (size_t i = 0; at != -1 && i < NELEM(kinds); i++) {
		if (!str_eq_nocase(scheme, kinds[i].scheme))
			continue;
		u->kind = (enum drain_kind)i;
		u->port = kinds[i].port;
		*rest = str_sub(*rest, (size_t)at + 3, rest->len);
		return 0;
	}
	return bad(err, "The address has no such scheme");
}

/* The authority ends at the first / or ?. */
static struct str take_authority(struct str rest)
{
	size_t n = 0;

	while (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	return str_sub(rest, 0, n);
}

static bool escapes_are_whole(struct str s)
{
	unsigned char byte;

	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '%' &&
		    (!hex_decode(str_sub(s, i + 1, i + 3), 1, &byte) || !byte))
			return false;
	return true;
}

static int take_user(struct str *rest, struct drain_url *u, struct error *err)
{
	ssize_t at = str_find(*rest, '@');
	struct str info;

	if (at == -1)
		return 0;
	if (drain_is_syslog(u))
		return bad(err, "Syslog knows no user or password");
	info = str_sub(*rest, 0, (size_t)at);
	*rest = str_sub(*rest, (size_t)at + 1, rest->len);
	if (!escapes_are_whole(info))
		return bad(err, "A % without two hex digits");
	u->has_user = true;
	(void)str_split(&info, ':', &u->user);
	u->password = info;
	return 0;
}

/* Digits and dots are an address; what is none is refused. */
static bool host_is_good(const struct drain_url *u)
{
	char text[64], lower[NAME_HOST_MAX + 1];
	unsigned char ip[16];
	bool digits = true;

	if (!u->host.len || u->host.len > NAME_HOST_MAX)
		return false;
	if (u->v6) {
		str_copy(u->host, text, sizeof(text));
		return u->host.len < sizeof(text) &&
		       inet_pton(AF_INET6, text, ip) == 1;
	}
	for (size_t i = 0; i < u->host.len; i++) {
		char c = u->host.p[i];

		digits &= (c >= '0' && c <= '9') || c == '.';
		lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	if (digits) {
		str_copy(u->host, text, sizeof(text));
		return u->host.len < sizeof(text) &&
		       inet_pton(AF_INET, text, ip) == 1;
	}
	return name_host(str_make(lower, u->host.len));
}

static int take_host(struct str rest, struct drain_url *u, struct error *err)
{
	ssize_t end = str_find(rest, rest.len && rest.p[0] == '[' ? ']' : ':');
	uint64_t port;

	u->v6 = rest.len && rest.p[0] == '[';
	if (u->v6 && end == -1)
		return bad(err, "A [ without its ]");
	u->host = str_sub(rest, u->v6, end == -1 ? rest.len : (size_t)end);
	rest =
	    str_sub(rest, end == -1 ? rest.len : (size_t)end + u->v6, rest.len);
	if (!host_is_good(u))
		return bad(err, "The address has no host");
	if (!rest.len)
		return 0;
	if (rest.p[0] != ':' ||
	    !str_u64(str_sub(rest, 1, rest.len), 65535, &port) || port == 0)
		return bad(err, "A port is a number from 1 to 65535");
	u->port = (uint16_t)port;
	return 0;
}

int drain_parse(struct str text, struct drain_url *ret, struct error *err)
{
	struct drain_url u = {0};
	struct str authority;

	if (text.len > DRAIN_URL_MAX)
		return error_set(err, ERR_LIMIT,
		    "The address has %zu bytes, at most %d are allowed.",
		    text.len, DRAIN_URL_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (!allowed(text.p[i]))
			return bad(err,
			    "The address has characters that must be written "
			    "as %XX");
	if (take_scheme(&text, &u, err) == -1)
		return -1;
	authority = take_authority(text);
	u.path = str_sub(text, authority.len, text.len);
	if (take_user(&authority, &u, err) == -1 ||
	    take_host(authority, &u, err) == -1)
		return -1;
	if (drain_is_syslog(&u) && u.path.len && !str_eqz(u.path, "/"))
		return bad(err, "Syslog knows no path");
	*ret = u;
	return 0;
}

bool drain_same(const struct drain_url *a, const struct drain_url *b)
{
	struct str root = STR("/");

	return a->kind == b->kind && a->port == b->port && a->v6 == b->v6 &&
	       str_eq_nocase(a->host, b->host) && a->has_user == b->has_user &&
	       str_eq(a->user, b->user) && str_eq(a->password, b->password) &&
	       str_eq(
	           a->path.len ? a->path : root, b->path.len ? b->path : root);
}

void drain_masked(struct buf *out, const struct drain_url *u)
{
	buf_add(out, kinds[u->kind].scheme);
	buf_addz(out, "://");
	if (u->has_user) {
		buf_add(out, u->user);
		buf_addz(out, u->password.p ? ":***@" : "@");
	}
	buf_addz(out, u->v6 ? "[" : "");
	buf_add(out, u->host);
	buf_addz(out, u->v6 ? "]" : "");
	if (u->port != kinds[u->kind].port)
		buf_addf(out, ":%u", u->port);
	buf_add(out, u->path);
}

/* --- addresses ------------------------------------------------------------ */

struct net {
	unsigned char ip[16];
	int bits;
};

static bool in_net(const unsigned char *ip, const struct net *n)
{
	int whole = n->bits / 8, rest = n->bits % 8;

	return memcmp(ip, n->ip, (size_t)whole) == 0 &&
	       (rest == 0 || (ip[whole] ^ n->ip[whole]) >> (8 - rest) == 0);
}

static bool v4_private(const unsigned char *ip)
{
	static const struct net nets[] = {
	    {{0}, 8}, {{10}, 8}, {{100, 64}, 10}, {{127}, 8}, {{169, 254}, 16},
	    {{172, 16}, 12}, {{192, 0, 0}, 24}, {{192, 168}, 16},
	    {{198, 18}, 15}, {{224}, 3}, /* multicast and what is beyond */
	};

	for (size_t i = 0; i < NELEM(nets); i++)
		if (in_net(ip, &nets[i]))
			return true;
	return false;
}

bool drain_ip_private(const unsigned char *ip, bool v6)
{
	/* These carry an IPv4 address: at byte 12, 12 and 2. */
	static const struct net mapped = {{[10] = 0xff, 0xff}, 96},
	                        nat64 = {{0, 0x64, 0xff, 0x9b}, 96},
	                        sixto4 = {{0x20, 0x02}, 16},
	                        global = {{0x20}, 3},
	                        teredo = {{0x20, 0x01}, 32};

	if (!v6)
		return v4_private(ip);
	if (in_net(ip, &mapped) || in_net(ip, &nat64))
		return v4_private(ip + 12);
	if (in_net(ip, &sixto4))
		return v4_private(ip + 2);
	return !in_net(ip, &global) || in_net(ip, &teredo);
}

bool drain_host_private(const struct drain_url *u)
{
	unsigned char ip[16];
	char text[64];

	if (u->host.len >= sizeof(text))
		return false;
	str_copy(u->host, text, sizeof(text));
	if (u->v6)
		return inet_pton(AF_INET6, text, ip) == 1 &&
		       drain_ip_private(ip, true);
	if (inet_pton(AF_INET, text, ip) == 1)
		return drain_ip_private(ip, false);
	return str_eq_nocase(u->host, STR("localhost")) ||
	       (u->host.len > 10 &&
	           str_eq_nocase(
	               str_sub(u->host, u->host.len - 10, u->host.len),
	               STR(".localhost")));
}
