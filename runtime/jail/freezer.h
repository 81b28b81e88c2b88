/*
 * freezer - stops all processes of an instance where they stand, and lets
 * them go on.
 *
 * By cgroup v2 where the host has it (beside v1, too), else by the freezer of
 * v1. The shim must go on: on v2 it leaves the instance's group for paasN-shims
 * once, before the first freeze; a group of v1's freezer holds the instance's
 * processes alone, from its first freeze on. Owns those groups. Called by
 * rest.c and adopt.c.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "cgroup.h"

enum freezer_kind { FREEZER_NONE, FREEZER_V2, FREEZER_V1 };

struct freezer {
	enum freezer_kind kind;
	char group[24]; /* paasN */
	int top;        /* where paasN is in this hierarchy; -1 */
};

/* Without any freezer its kind is NONE. */
void freezer_open(struct freezer *ret, const struct cgroups *c, uint64_t slot);
void freezer_close(struct freezer *f);
/* Freeze the group of this instance. */
int freezer_freeze(
    const struct freezer *f, const char *name, pid_t shim, struct error *err);
/* Nothing happens to one that is not frozen. */
void freezer_thaw(const struct freezer *f, const char *name);
bool freezer_is_frozen(const struct freezer *f, const char *name);
/* The group's processes, one a line, to page out; false when it has none. */
bool freezer_members(
    const struct freezer *f, const char *name, struct buf *out);
/* Its own group of an instance that has ended. */
void freezer_forget(const struct freezer *f, const char *name);
/* Remove all groups of its own. */
void freezer_clean(const struct freezer *f);
