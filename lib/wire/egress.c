#include "wire/egress.h"

#include <stdio.h>
#include <string.h>

#include "base/name.h"

#define LEAST_BITS4 (96 + 8) /* a wider network is no network any more */
#define LEAST_BITS6 7        /* fc00::/7 */

static const char internal[] = ".internal";

static int bad_form(struct error *err)
{
	return error_set(err, ERR_INVALID,
	    "A rule is HOST:PORT, a network as 10.1.0.0/16 or 10.1.0.0/16:5432 "
	    "([fd00::/8]:5432), or host.internal:PORT.");
}

static int read_port(struct str text, uint16_t *ret, struct error *err)
{
	uint64_t port;

	if (!str_u64(text, 65535, &port) || port == 0 || text.p[0] == '0')
		return error_set(err, ERR_INVALID,
		    "A port is a number from 1 to 65535, as in HOST:5432.");
	*ret = (uint16_t)port;
	return 0;
}

/* "[X]:PORT", "X:PORT" or "X"; an IPv6 address has colons of its own. */
static int split(struct str text, struct str *ret_what, uint16_t *ret_port,
    struct error *err)
{
	ssize_t close = str_find(text, ']'), colon = str_find(text, ':');
	struct str rest;

	*ret_port = 0;
	*ret_what = text;
	if (text.len > 0 && text.p[0] == '[') {
		if (close == -1)
			return bad_form(err);
		*ret_what = str_sub(text, 1, (size_t)close);
		rest = str_sub(text, (size_t)close + 1, text.len);
		if (rest.len == 0)
			return 0;
		if (rest.p[0] != ':')
			return bad_form(err);
		return read_port(str_sub(rest, 1, rest.len), ret_port, err);
	}
	if (colon == -1)
		return 0;
	rest = str_sub(text, (size_t)colon + 1, text.len);
	if (str_find(rest, ':') != -1)
		return 0;
	*ret_what = str_sub(text, 0, (size_t)colon);
	return read_port(rest, ret_port, err);
}

static int check_net(const struct ip_net *net, struct error *err)
{
	if (ip_is_nowhere(&net->ip))
		return error_set(err, ERR_INVALID,
		    "No app reaches loopback, multicast or link-local "
		    "addresses of another machine. This machine is "
		    "host.internal:PORT.");
	if (net->bits < (ip_is4(&net->ip) ? LEAST_BITS4 : LEAST_BITS6))
		return error_set(err, ERR_LIMIT,
		    "That is too wide: a rule opens at most a /8 (/7 of IPv6). "
		    "Name the networks that are meant.");
	return 0;
}

static int check_name(const struct egress *e, struct error *err)
{
	struct str name = str_z(e->name);
	ssize_t last = -1;

	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] == '.')
			last = (ssize_t)i;
	if (!name_host(name) ||
	    (name.p[last + 1] >= '0' && name.p[last + 1] <= '9'))
		return bad_form(err);
	if (str_ends(name, STR(internal)) || str_eqz(name, internal + 1))
		return error_set(err, ERR_INVALID,
		    "Names below internal are other apps: paas links:add "
		    "opens them. The machine itself is host.internal.");
	if (e->port == 0)
		return error_set(err, ERR_INVALID,
		    "Name the port, too: %.100s:PORT.", e->name);
	return 0;
}

static int read_name(struct str what, struct egress *e, struct error *err)
{
	if (what.len == 0 || what.len >= sizeof(e->name) ||
	    str_find(what, '\0') != -1)
		return bad_form(err);
	for (size_t i = 0; i < what.len; i++) {
		char c = what.p[i];

		e->name[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	e->kind = EGRESS_NAME;
	if (!str_eqz(str_z(e->name), EGRESS_HOST))
		return check_name(e, err);
	if (e->port == 0)
		return error_set(err, ERR_INVALID,
		    "Name the port, too: host.internal:PORT.");
	e->kind = EGRESS_MACHINE;
	return 0;
}

int egress_parse(struct str text, struct egress *ret, struct error *err)
{
	struct egress e = {0};
	struct str what;

	if (split(text, &what, &e.port, err) == -1)
		return -1;
	if (ip_net_parse(what, &e.net)) {
		if (check_net(&e.net, err) == -1)
			return -1;
	} else if (str_find(what, '/') != -1 || str_find(what, ':') != -1) {
		return bad_form(err);
	} else if (read_name(what, &e, err) == -1) {
		return -1;
	}
	*ret = e;
	return 0;
}

bool egress_eq(const struct egress *a, const struct egress *b)
{
	if (a->kind != b->kind || a->port != b->port)
		return false;
	if (a->kind == EGRESS_NAME)
		return strcmp(a->name, b->name) == 0;
	return a->kind == EGRESS_MACHINE ||
	       (a->net.bits == b->net.bits && ip_eq(&a->net.ip, &b->net.ip));
}

void egress_print(const struct egress *e, char out[EGRESS_TEXT])
{
	char net[IP_NET_TEXT];
	bool brackets = false;

	ip_net_print(&e->net, net);
	if (e->kind != EGRESS_NET)
		snprintf(net, sizeof(net), "%s", EGRESS_HOST);
	else
		brackets = e->port && !ip_is4(&e->net.ip);
	if (e->port == 0)
		snprintf(out, EGRESS_TEXT, "%s", net);
	else
		snprintf(out, EGRESS_TEXT, "%s%s%s:%u", brackets ? "[" : "",
		    e->kind == EGRESS_NAME ? e->name : net, brackets ? "]" : "",
		    e->port);
}
