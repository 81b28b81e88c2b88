/*
 * target - the places in an instance's root that something is mounted on.
 *
 * The root is made of layers that strangers wrote: its /etc may be a link, or
 * a path on the way may lead out of it. Each place is walked part by part,
 * through folders only, and made where it is missing, before the OCI runtime
 * sees it; so nothing is left for it to follow or to create. Called by
 * bundle.c.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Make path (absolute) in root a plain folder, or an empty file in place of a
 * link or a file that is there. What is made belongs to owner. ERR_INVALID
 * when a part of the way is a link or no folder, naming it.
 */
int target_make(
    int root, const char *path, bool folder, uint32_t owner, struct error *err);
