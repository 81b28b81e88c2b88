/*
 * layers - the layers of buildpacks in /layers: restored before a build,
 * taken stock of after it.
 *
 * What the previous build left is described by previous.json in the image's
 * config layer (see image.h); its launch layers are there through the
 * overlay. Layers that are cached but not launched live in /cache/layers and
 * are there as links.
 */
#pragma once
#include <jansson.h>

#include "base/error.h"
#include "buildpack.h"

/* What is known of the previous image; an empty object when there is none. */
json_t *layers_previous(void);
/* The previous state of one buildpack, by its id; NULL. */
json_t *layers_previous_of(const json_t *previous, const char *id);

/* Remove what no buildpack of this build can keep. */
int layers_clean(
    const struct buildpack *const *group, int n, struct error *err);
/* Make the buildpack's folder, with what is left of its layers. */
int layers_restore(
    const struct buildpack *bp, const json_t *previous, struct error *err);
/*
 * After bin/build: *ret is an array of {name, launch, build, cache,
 * metadata}. A layer without any type is renamed to NAME.ignore.
 */
int layers_collect(const struct buildpack *bp, json_t **ret, struct error *err);
/*
 * A launch layer that is a link to the cache becomes a folder of its own: the
 * cache is not part of the image.
 */
int layers_settle(
    const struct buildpack *bp, const json_t *layers, struct error *err);
/* Keep the cached layers that are not part of the image, for next time. */
int layers_save(
    const struct buildpack *bp, const json_t *layers, struct error *err);
