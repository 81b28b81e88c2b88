/*
 * range - the range of host ids that an app's instances and works share, and
 * the user namespace that stands for it where layers are mounted.
 *
 * The namespace is made when it is first needed and let go of with the
 * range; mounts keep theirs. Called by make.c, bundle.c, instance.c, store.c.
 */
#pragma once
#include "jail.h"

/* A descriptor of the range's user namespace, which stays jail's; or -1. */
int range_userns(struct jail *j, uint64_t range, struct error *err);
/* Give back one share of the app's range. */
void range_drop(struct jail *j, uint64_t app);
