/*
 * cgroup_limit - what stands in the files of a group, by its hierarchy.
 *
 * A limit that a host can't keep is left out where the app is still bounded
 * without it (I/O, a maximum of CPU, swap that is not counted): doctor_sizes.c
 * says so. Memory, weight and processes are kept or the start fails. Called by
 * cgroup.c; the texts by the unit tests.
 */
#pragma once
#include "cgroup.h"

#define LIMIT_TEXT 96

/* Write the limits of one hierarchy into the open group. */
int cgroup_limit(enum cgroup_use use, int group, const struct cgroups *c,
    const struct cgroup_limits *l, struct error *err);

/* The disk that holds what is open as fd, "8:0": never a part of one. "" when
 * it is on none that can be told (overlay, btrfs, the network). */
void cgroup_disk_of(int fd, char out[CGROUP_DISK]);

/* "150000 100000"; percent of one CPU, 0: no maximum. */
void limit_text_cpu_max(uint64_t percent, char out[LIMIT_TEXT]);
/* The same for v1's quota alone: "150000", "-1". */
void limit_text_quota(uint64_t percent, char out[LIMIT_TEXT]);
/* "8:0 rbps=1048576 wbps=1048576"; 0: no maximum. */
void limit_text_io_max(const char *disk, uint64_t bytes, char out[LIMIT_TEXT]);
/* Of 1..10000 in the 1..1000 that bfq takes. */
uint64_t limit_bfq_weight(uint64_t weight);
