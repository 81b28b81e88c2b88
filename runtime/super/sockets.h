/*
 * sockets - every listening socket of the platform, and the one pair.
 *
 * Made once by the holder, which keeps them; handed to super and from there
 * to the daemons by name.
 */
#pragma once
#include "base/error.h"
#include "ipc/role.h"
#include "proc/settings.h"
#include "proc/start.h"

struct sockets {
	int n;
	struct {
		char name[32];
		int fd;
	} items[START_FDS_MAX];
};

/*
 * Bind all: "listen0".. at their addresses, NAME.sock and router/NAME.sock
 * in the run folder (which exists), "pair-router" and "pair-jail".
 */
int sockets_open(const struct settings *s, const struct roles *roles,
    struct sockets *ret, struct error *err);
/* The descriptor under name, -1 when there is none. */
int sockets_get(const struct sockets *s, const char *name);
