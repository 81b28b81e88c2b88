/*
 * cgroup - limits of instances on hosts with cgroup v2, v1, or both.
 *
 * Each instance has the group paasN/ID (N: the slot) in every hierarchy in
 * use. Owns nothing but directories below paasN. Called by jail alone.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define CGROUPS_MAX 8 /* hierarchies in use */
#define CGROUP_DISK 24
#define CGROUP_PROCS_MAX (1u << 20) /* bytes of cgroup.procs */

enum cgroup_use {
	CGROUP_V2,     /* the unified hierarchy, with all controllers */
	CGROUP_HYBRID, /* the same beside v1: to kill by, without limits */
	CGROUP_MEMORY,
	CGROUP_CPU,
	CGROUP_PIDS,
	CGROUP_IO,   /* blkio; may be missing */
	CGROUP_NAMED /* systemd's: so that it does not count us as the unit's */
};

struct cgroups {
	char group[16]; /* paasN */
	char
	    disk[CGROUP_DISK]; /* that I/O limits are for, see cgroup_limit.h */
	int n;
	struct {
		enum cgroup_use use;
		int dir; /* paasN in this hierarchy */
	} of[CGROUPS_MAX];
};

struct cgroup_limits {
	uint64_t memory;  /* bytes, swap included */
	uint64_t weight;  /* 1..10000, of the CPU */
	uint64_t cpu_max; /* percent of one CPU; 0: none */
	uint64_t pids;
	uint64_t io;     /* weight 1..10000 */
	uint64_t io_max; /* bytes a second, read and written; 0: none */
};

/* Write text into a group's file. */
int cgroup_put(int dir, const char *file, const char *text, struct error *err);
/* Find the hierarchies and make paasN in each. */
int cgroups_open(struct cgroups *ret, uint64_t slot, struct error *err);
void cgroups_close(struct cgroups *c);

/* Make the group with its limits; one that is there gets them anew. */
int cgroup_make(const struct cgroups *c, const char *name,
    const struct cgroup_limits *limits, struct error *err);
/* Put the calling process into it. */
int cgroup_enter(const struct cgroups *c, const char *name, struct error *err);
/* Put another one into it. */
int cgroup_move(
    const struct cgroups *c, const char *name, pid_t pid, struct error *err);
/* Has a process of it been killed for want of memory? */
bool cgroup_oom(const struct cgroups *c, const char *name);
/* SIGKILL all in it. True: there was somebody. */
bool cgroup_kill(const struct cgroups *c, const char *name);
/* Remove it. ERR_UNAVAILABLE while somebody is in it. */
int cgroup_remove(const struct cgroups *c, const char *name, struct error *err);
/* Call fn for each group there is. */
void cgroups_each(const struct cgroups *c,
    void (*fn)(void *arg, const char *name), void *arg);
/* Remove paasN itself, when it is empty. */
void cgroups_remove(struct cgroups *c);
