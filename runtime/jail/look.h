/*
 * look - what a running instance is doing, as the kernel's tables say.
 *
 * Numbers alone, read from /proc of its shim, which is in its network
 * namespace. Ports are asked by plan for one that did not listen in time,
 * connections by rest.c before one is frozen.
 */
#pragma once
#include "instance.h"

/* Tell plan on which ports processes of in listen. */
void look_ports(struct jail *j, const struct instance *in);
/*
 * Has it a connection to somewhere else? Not what the router keeps open, which
 * is within the namespace, over loopback. A table too long to read counts.
 */
bool look_is_connected(const struct instance *in);
