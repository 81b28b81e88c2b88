/*
 * drop - the shim gives up being root, one way only.
 *
 * Called by main once the container runs, before a byte of it is read.
 */
#pragma once
#include "options.h"

/*
 * Shut in the folder `own` (s/), as the user of o with CAP_KILL alone, without
 * new privileges, and with the few system calls that the loop makes.
 */
int drop_root(const struct options *o, int own, struct error *err);
