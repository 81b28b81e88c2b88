/*
 * net - the network of instances: a namespace each, one routed veth to the
 * host, one nft table of ours.
 *
 * Called by jail alone, as root, from one thread. An instance's addresses
 * follow from the number it was lent (record.h): 100.64.0.0/10 is split into
 * one /16 a slot. Its gateway is 169.254.1.1 on every host end (fe80::1 where
 * there is IPv6), and there names answers its questions of DNS. It reaches the
 * internet, and what its app may beside that (policy.h); all else does not
 * pass, in either direction. Its own loopback has both families.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "table.h"

struct net; /* opaque */

/*
 * Make or repair the slot's table (paasN); names listens at these ports of
 * the gateway. What instances of an earlier jail have stays as it is.
 */
struct net *net_open(const struct settings *settings, uint16_t dns_udp,
    uint16_t dns_tcp, struct error *err);
void net_free(struct net *n); /* keeps all it made; NULL is fine */

struct table *net_table(const struct net *n); /* it stays n's */

/* Numbers that may be lent: first and how many. */
void net_numbers(uint32_t *ret_first, uint32_t *ret_count);

/* The IPv4 address of the instance that was lent number. */
struct ip net_address(const struct net *n, uint32_t number);

/*
 * A fresh network namespace with lo up, and with number != 0 its veth with
 * addresses and routes; the slot's table is repaired first, if need be. *ret is
 * a descriptor of it; it lives as long as somebody is in it or holds such a
 * descriptor.
 */
int net_make(
    struct net *n, uint32_t number, uint64_t app, int *ret, struct error *err);
/*
 * An instance that an earlier jail made runs on: its number is in use.
 * ERR_NOT_FOUND when its veth is gone, and with it all but its loopback.
 */
int net_adopt(struct net *n, uint32_t number, uint64_t app, struct error *err);
/*
 * Cut number off, at once; a missing veth is fine. The veth itself goes with
 * its namespace, soon after the last process in it, descriptor of it and
 * socket from it; until then net_make of the same number takes it away.
 */
void net_drop(struct net *n, uint32_t number);

/*
 * Make up to count unconnected, close-on-exec TCP sockets inside the
 * namespace ns. Returns how many there are in fds, -1.
 */
int net_sockets(struct net *n, int ns, int *fds, int count, struct error *err);

/* Remove every veth of the slot and its table; the host forwards as before. */
int net_clean(uint64_t slot, struct error *err);
