/*
 * programs - the platform's executables, held open.
 *
 * A checkout below /root can't be executed by path by other users, and an
 * upgrade must not change what a restart starts half-way: so super opens
 * every program once and executes the descriptor.
 */
#pragma once
#include "base/error.h"
#include "proc/settings.h"

#define PROGRAMS_MAX 12

struct programs {
	int n;
	struct {
		char name[32];
		int fd;
	} items[PROGRAMS_MAX];
};

/* Open every paas-NAME of settings.libexec that super may start. */
int programs_open(
    const struct settings *s, struct programs *ret, struct error *err);
void programs_close(struct programs *p);
int programs_get(const struct programs *p, const char *name);

/* Where this executable lies: sets libexec and buildpacks. */
int programs_place(struct settings *s, struct error *err);
