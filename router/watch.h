/*
 * watch - the declared health checks of a target, each asked on its own.
 *
 *   at start: every startup and readiness check has to pass once; then the
 *   target is checked, as probe.c does it for targets that declare none.
 *   from then on: readiness checks that fail take it out of rotation until
 *   they pass, as long as another serves; a liveness check that fails is told
 *   plan, which ends the instance.
 *
 * A check has failed when it failed `attempts` times, an interval apart. At
 * start it is asked in short steps between, so that passing is seen soon, and
 * a refused connection is no failure: the boot time-out is plan's. Owned by
 * the target; used by fleet and sockets.
 */
#pragma once
#include "base/str.h"
#include "fleet.h"

#define WATCHES_MAX 16 /* checks of one target */

/* The checks of t, in the order told; other texts than before replace them. */
void watch_set(struct target *t, const struct str *texts, size_t n);
/* Does t declare checks that it has to pass at start? */
bool watch_gates(const struct target *t);
/* Ask what fits t's state; harmless when it runs already. */
void watch_start(struct target *t);
void watch_stop(struct target *t);
/* There are sockets now, if one waited for them. */
void watch_kick(struct target *t);
void watch_release(struct target *t); /* stop and forget all */
