/*
 * release - new releases: a changed config, a way back, a build.
 *
 * Each is one row that never changes, written before the caller answers.
 * What has something to run then goes its way in rollout.c.
 */
#pragma once
#include "vars.h"
#include "web.h"

/*
 * Change config vars. Without a difference no release is made; otherwise
 * it is on its way when this returns.
 */
int release_config(struct web *w, const struct app *a, const struct account *by,
    const struct var_change *changes, size_t n, struct error *err);

/* A new release with the content of `to`. */
int release_rollback(struct web *w, const struct app *a,
    const struct account *by, const struct release *to, struct release *ret,
    struct error *err);

/* What the build has made; its rollout starts with rollout_next. */
int release_built(struct web *w, const struct build *b,
    const struct image_new *i, struct release *ret, struct error *err);

/* Within a transaction: r once more, with the image of what is live. */
int release_remake(struct web *w, const struct release *r, struct error *err);

/* May it be gone back to? */
bool release_is_eligible(const struct release *r);
