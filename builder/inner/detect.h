/*
 * detect - which group of buildpacks takes this app.
 *
 * The first group of the order whose buildpacks all agree (or are optional)
 * and whose build plans can be met together.
 */
#pragma once
#include "buildpack.h"
#include "launcher/env.h"
#include "run.h"

struct detection {
	int n;
	struct {
		const struct buildpack *bp;
		char *reason; /* what its bin/detect printed first, or "" */
	} of[GROUP_MAX];
	json_t *entries; /* of the build plan, see plan.h */
};

/*
 * Run the buildpacks' bin/detect in the app's folder and choose; says in the
 * log what was chosen and why. ERR_NOT_FOUND when no group takes the app,
 * ERR_INTERNAL when a buildpack broke on the way to that.
 */
int detect(struct runner *r, const struct buildpacks *all,
    const struct env *env, struct detection *ret, struct error *err);
void detection_release(struct detection *d);

/* The variables that CNB gives every program of a buildpack. */
void detect_env(struct env *env, const struct buildpack *bp);
