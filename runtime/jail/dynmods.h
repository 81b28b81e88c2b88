/*
 * dynmods - makes entering a cgroup cheap while a platform runs.
 *
 * The first process to move between groups after a quiet time waits for a
 * grace period of the kernel: 12 ms of each start of an instance, measured.
 * A hierarchy mounted with `favordynmods` (Linux 6.0) lifts that for all
 * hierarchies of the host, at the cost of slightly dearer forks. So jail
 * mounts one of its own, without controllers, in its run folder; it goes with
 * the platform's full stop. Where it can't be mounted starts are slower.
 */
#pragma once
#include "base/error.h"

/* name is that of the hierarchy, as paasN. Twice is harmless. */
int dynmods_open(const char *run, const char *name, struct error *err);
void dynmods_clean(const char *run);
