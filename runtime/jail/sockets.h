/*
 * sockets - what the router asks for over the pair: unconnected sockets made
 * in an instance's network namespace, and clients to hand to a shim.
 *
 * The holder keeps both ends of the pair, so frames of an earlier jail or
 * router may still lie in it: HELLO with a fresh epoch voids them.
 */
#pragma once
#include "jail.h"

/* Take over our end. */
void sockets_open(struct jail *j, int pair);
/* Tell the router that this instance gives no more sockets. */
void sockets_gone(struct jail *j, uint64_t instance);
