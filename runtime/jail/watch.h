/*
 * watch - what others do to the host's network while jail runs.
 *
 * Without a timer while nothing happens: the kernel tells of every change of
 * nftables, and our table is loaded again when somebody took a part of it
 * away; and of every change of /etc/resolv.conf, which plan hears of for
 * names. Called by main.c and plan.c.
 */
#pragma once
#include "jail.h"

int watch_open(struct jail *j, struct error *err);
/* plan is there: the resolvers. */
void watch_tell(struct jail *j);
