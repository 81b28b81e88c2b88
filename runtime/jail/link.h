/*
 * link - rtnetlink: veths, addresses and routes of one network namespace.
 *
 * A struct link is a netlink socket that stays in the namespace where it was
 * opened, wherever its caller goes. Called by net.c and table.c. Addresses are
 * of either family. ERR_NOT_FOUND and ERR_EXISTS tell these two apart.
 */
#pragma once
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "wire/ip.h"

#define LINK_NAME 16 /* IFNAMSIZ */

struct link; /* opaque */

struct link *link_open(struct error *err);
void link_close(struct link *l); /* NULL is fine */

static inline void scoped_link_(struct link **l)
{
	link_close(*l);
}
#define scoped_link __attribute__((cleanup(scoped_link_)))

/* The interface's number. */
int link_find(struct link *l, const char *name, int *ret, struct error *err);
/* The name of the interface with this number. */
int link_name(
    struct link *l, int index, char ret[LINK_NAME], struct error *err);
int link_up(struct link *l, int index, struct error *err);
/*
 * A pair of veths, both down: name here, in the group, and peer in the
 * namespace ns. Each goes with the other.
 */
int link_veth(struct link *l, const char *name, uint32_t group,
    const char *peer, int ns, struct error *err);
/* Both wait for the kernel some 35 ms, however many there are in the group. */
int link_delete(struct link *l, const char *name, struct error *err);
int link_delete_group(struct link *l, uint32_t group, struct error *err);
int link_set_group(
    struct link *l, int index, uint32_t group, struct error *err);
/* Put all whose name begins so into the group. */
int link_gather(
    struct link *l, struct str prefix, uint32_t group, struct error *err);

enum link_scope { LINK_SCOPE_GLOBAL, LINK_SCOPE_LINK };

/* The address alone, without a network around it; in use at once. */
int link_address(struct link *l, int index, const struct ip *ip,
    enum link_scope scope, struct error *err);
/* A route to one address that is right behind the interface. */
int link_route_direct(
    struct link *l, int index, const struct ip *to, struct error *err);
/* Its end; the interface need not be named. */
int link_route_delete(struct link *l, const struct ip *to, struct error *err);
/* The route to all else of its family, by way of gateway. */
int link_route_default(
    struct link *l, int index, const struct ip *gateway, struct error *err);
/* Ask by which interface a packet to this address would leave. */
int link_route_lookup(
    struct link *l, const struct ip *to, int *ret_index, struct error *err);
