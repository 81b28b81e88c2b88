/*
 * make - a fresh instance: leases, mounts, network, limits, config, shim.
 *
 * Called by plan.c with a checked MSG_INSTANCE_START. What could be made of
 * it is in the table afterwards, RUNNING a moment later; what could not is
 * in the table as EXITED with the reason. Nothing is left half-made.
 */
#pragma once
#include "jail.h"

void make_instance(struct jail *j, struct frame *f);
