/*
 * detect - which group of buildpacks takes this app.
 *
 * The first group of the order whose buildpacks all agree (or are optional)
 * and whose build plans can be met together. Composite buildpacks are
 * replaced by their orders, depth first; extensions go before the group.
 */
#pragma once
#include "buildpack.h"
#include "launcher/env.h"
#include "run.h"

struct detection {
	json_t *group;      /* [{id, version, api, homepage}...] */
	json_t *extensions; /* the same, of image extensions */
	json_t *plan;       /* entries, as plan.toml has them */
	json_t *reasons;    /* what each bin/detect printed first, or "" */
};

enum detected { DETECT_NONE, DETECT_FOUND, DETECT_BROKEN, DETECT_ERROR };

/*
 * Try the groups of an order (order_read) in the app's folder. DETECT_NONE:
 * no group takes it; DETECT_BROKEN: the same, and a buildpack failed on the
 * way; DETECT_ERROR: err says why it could not be found out.
 */
enum detected detect(struct runner *r, struct buildpacks *all,
    const json_t *order, const struct env *env, struct detection *ret,
    struct error *err);
void detection_release(struct detection *d);

/* Put the buildpacks of system.toml around each group of an order. */
void detect_add_system(
    const struct life *l, json_t *order, const json_t *system);
/* The variables that CNB gives every program of a buildpack. */
void detect_env(
    const struct life *l, struct env *env, const struct buildpack *bp);
