/*
 * rest - an instance that nobody asks for is frozen, and goes on when asked.
 *
 * It may not while it has a connection of its own to somewhere else (look.h):
 * the other end would give up on it. Called by plan.c and instance.c.
 */
#pragma once
#include "instance.h"

/* Freeze, and page out where there is swap. ERR_UNAVAILABLE: it is busy. */
int rest_freeze(struct instance *in, struct error *err);
/* Let it go on; harmless when it is not frozen. */
void rest_thaw(struct instance *in);
