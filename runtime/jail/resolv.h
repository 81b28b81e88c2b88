/*
 * resolv - the name servers of the host, which names asks for the instances.
 *
 * Parsing is pure; resolv_read reads the host's file. Those on the loopback
 * (127.0.0.53 of systemd-resolved) count, since names is in the host's own
 * network; so do IPv6 ones, unless they need a zone.
 */
#pragma once
#include <stdint.h>

#include "base/str.h"
#include "wire/ip.h"

#define RESOLVERS_MAX 3             /* as many as the C library asks */
#define RESOLV_FILE_MAX (64 * 1024) /* bytes of a resolv.conf */

struct resolvers {
	uint32_t n;
	struct ip address[RESOLVERS_MAX]; /* zeroes behind the last */
};

/* Those that text, a resolv.conf, names. What is not understood is skipped. */
void resolv_parse(struct str text, struct resolvers *ret);

/* The host's, of /etc/resolv.conf; none when there is no such file. */
void resolv_read(struct resolvers *ret);
