/*
 * settle - the end of a release written down, with all that hangs on it:
 * its build, its push, the formation, and the releases that wait behind it.
 *
 * Each is one transaction. Nobody is told here; rollout.c does that after.
 */
#pragma once
#include "web.h"

/* It serves; ms is how long it took from launch to that. */
int settle_live(
    struct web *w, const struct release *r, uint64_t ms, struct error *err);
int settle_failed(struct web *w, const struct release *r, const char *reason,
    struct error *err);

/*
 * The pending release of app that goes next; those that it makes superfluous
 * are passed over. False: there is none.
 */
bool settle_next(struct web *w, int64_t app, struct release *ret);
