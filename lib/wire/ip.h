/*
 * ip - addresses and networks of both families, as bytes and as text.
 *
 * Pure. An IPv4 address is kept as ::ffff:a.b.c.d, so that one struct and one
 * comparison do for both. Called by web, plan, jail, names and the fuzzer.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define IP_TEXT 46     /* the longest address and a NUL */
#define IP_NET_TEXT 50 /* with "/128" behind it */

struct ip {
	uint8_t b[16];
};

struct ip_net {
	struct ip ip; /* no bit set behind the prefix */
	uint8_t bits; /* of the 128: an IPv4 /8 has 104 */
};

struct ip ip_from4(uint32_t address); /* of host order */
bool ip_is4(const struct ip *ip);
uint32_t ip_v4(const struct ip *ip); /* of an IPv4 one, host order */
bool ip_eq(const struct ip *a, const struct ip *b);

/* A dotted quad without leading zeros, or IPv6 without a zone. */
bool ip_parse(struct str text, struct ip *ret);
void ip_print(const struct ip *ip, char out[IP_TEXT]);

/* ADDRESS or ADDRESS/BITS; bits behind the prefix are cleared. */
bool ip_net_parse(struct str text, struct ip_net *ret);
/* Without "/32" or "/128" where it is one address. */
void ip_net_print(const struct ip_net *net, char out[IP_NET_TEXT]);
bool ip_net_has(const struct ip_net *net, const struct ip *ip);

/* 127/8, mapped or not, and ::1. */
bool ip_is_loopback(const struct ip *ip);
/* Of a private network: 10/8, 172.16/12, 192.168/16, fc00::/7. */
bool ip_is_private(const struct ip *ip);
/* Nobody's address out there: this network, loopback, multicast, link-local
 * of IPv6 (which needs a zone), unspecified. */
bool ip_is_nowhere(const struct ip *ip);
