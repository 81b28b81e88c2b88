/*
 * pageout - puts the memory of frozen processes into swap.
 *
 * Only where the host has swap (or zram): without it clean pages of programs
 * would go, which makes the next request wait for the disk and frees little.
 * Called by rest.c.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* Has this host swap? */
bool pageout_is_possible(void);
/*
 * Page out each process of the list (a pid a line), in a child of our own
 * that the caller does not wait for (SIGCHLD is ignored or reaped elsewhere).
 */
int pageout_start(struct str pids, struct error *err);
