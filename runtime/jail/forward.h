/*
 * forward - forwarding of the host's uplinks: on while a platform needs it,
 * and then as it was.
 *
 * What it was is remembered in /run/paas/net, for all platforms of the host
 * together: slot.N is there while slot N needs its uplinks, on.IF when the
 * forwarding of interface IF was off before. The last slot to go turns it off
 * again. Both are empty files, so there is nothing to be torn. A lock on the
 * folder keeps platforms from crossing each other.
 *
 * IPv6 has the same for single interfaces from Linux 6.17 on (on6.IF). Before
 * that only the whole host can be made a router, which then takes no more
 * router advertisements and may lose its own way out: that is left to the
 * owner, and where he has not done it instances have no IPv6.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "rules.h"

enum forward { FORWARD4, FORWARD6 };

/* Can single interfaces of this kernel forward, or does all the host? */
bool forward_possible(enum forward f);
/*
 * Note that slot needs uplinks, before anything is turned on. Sets *ret to
 * those that are on for platforms alone: empty when all the host forwards.
 */
int forward_claim(enum forward f, uint64_t slot, const struct uplinks *uplinks,
    struct uplinks *ret, struct error *err);
/* Turn it on where it is off. */
int forward_on(
    enum forward f, const struct uplinks *uplinks, struct error *err);
/* The slot needs them no more. */
int forward_release(uint64_t slot, struct error *err);

/*
 * Write /proc/sys/net/KEY of the caller's network namespace; "%s" in key
 * stands for name. ERR_NOT_FOUND when the kernel has no such key.
 */
int sysctl_set(
    const char *key, const char *name, const char *value, struct error *err);
/* Does its value begin so? False where there is no such key. */
bool sysctl_is(const char *key, const char *name, char value);
