/*
 * net - the network of instances: a namespace each, one routed veth to the
 * host, one nft table of ours.
 *
 * Called by jail alone, as root, from one thread. An instance's addresses
 * follow from the number it was lent (record.h): 100.64.0.0/10 is split into
 * one /16 a slot. Its gateway is 169.254.1.1 on every host end. It reaches
 * the host's resolvers and the internet, by IPv4; what rules.c does not name
 * does not pass, in either direction. Its own loopback has both families.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct net; /* opaque */

/*
 * Make or repair the slot's table (paasN) and read the host's resolvers.
 * What instances of an earlier jail have stays as it is.
 */
struct net *net_open(uint64_t slot, struct error *err);
void net_free(struct net *n); /* keeps all it made; NULL is fine */

/* Numbers that may be lent: first and how many. */
void net_numbers(uint32_t *ret_first, uint32_t *ret_count);

/*
 * A fresh network namespace with lo up, and with number != 0 its veth with
 * addresses and routes; the slot's table is repaired first, if need be. *ret is
 * a descriptor of it: it lives as long as somebody is in it or holds such a
 * descriptor.
 */
int net_make(struct net *n, uint32_t number, int *ret, struct error *err);
/*
 * An instance that an earlier jail made runs on: its number is in use.
 * ERR_NOT_FOUND when its veth is gone, and with it all but its loopback.
 */
int net_adopt(struct net *n, uint32_t number, struct error *err);
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

/* Text of an instance's /etc/resolv.conf: the host's resolvers, at most 3. */
void net_resolv(const struct net *n, struct buf *out);

/* Remove every veth of the slot and its table; the host forwards as before. */
int net_clean(uint64_t slot, struct error *err);
