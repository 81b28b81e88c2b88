/*
 * drain - the address that an app's log is sent to, taken apart.
 *
 * Pure. Written by people, checked by web, read again by logd (which form the
 * lines have) and outbound (where they go); fuzzed.
 *   syslog://HOST[:PORT]          plain, RFC 6587, port 514
 *   syslog+tls://HOST[:PORT]      RFC 5425, port 6514
 *   http(s)://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?QUERY]
 * HOST is a name, an IPv4 address, or an IPv6 one in brackets.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define DRAIN_URL_MAX 2048

enum drain_kind { DRAIN_SYSLOG, DRAIN_SYSLOG_TLS, DRAIN_HTTP, DRAIN_HTTPS };

struct drain_url {
	enum drain_kind kind;
	struct str user, password; /* as they stand there, %XX and all */
	bool has_user;
	struct str host; /* without brackets */
	bool v6;         /* it stood in brackets */
	uint16_t port;
	struct str path; /* from its / on, with the query; may be empty */
};

/* The parts borrow text. Errors name no part of it: it may hold a password. */
int drain_parse(struct str text, struct drain_url *ret, struct error *err);

static inline bool drain_is_syslog(const struct drain_url *u)
{
	return u->kind == DRAIN_SYSLOG || u->kind == DRAIN_SYSLOG_TLS;
}

/* Do they lead to the same place, in the same name? */
bool drain_same(const struct drain_url *a, const struct drain_url *b);

/* Append the address with the password, if any, as "***". */
void drain_masked(struct buf *out, const struct drain_url *u);

/*
 * Is this an address of this machine, of a private network, or of none: one
 * that a stranger may not have the platform connect to? 4 or 16 bytes.
 */
bool drain_ip_private(const unsigned char *ip, bool v6);
/* The same of a host that is written as an address; false for a name. */
bool drain_host_private(const struct drain_url *u);
