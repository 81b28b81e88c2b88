/*
 * listens - who listens in a network namespace, from the kernel's tables.
 *
 * Pure; reads tables of wire/socktab.h. Used by jail, so that an app that can't
 * be reached is told why.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define LISTENS_MAX 8 /* more are not told */

enum listens_where {
	LISTENS_V4,     /* all of IPv4, or its loopback */
	LISTENS_V4_ONE, /* one address of IPv4 that is no loopback */
	LISTENS_V6,     /* IPv6, all of it or an address */
	LISTENS_WHERE_N
};

struct listens {
	size_t n;
	struct {
		uint64_t port;
		enum listens_where where;
	} of[LISTENS_MAX];
};

/* Add the sockets of a table that listen, each port and place once. */
void listens_add(struct listens *l, struct str table);
