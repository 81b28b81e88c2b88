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

/*
 * What is known of the previous image, in the form of the label
 * io.buildpacks.lifecycle.metadata; an empty object when there is none.
 */
json_t *layers_previous(void);
/* What it says of one buildpack, by its id; NULL. */
const json_t *layers_previous_of(const json_t *previous, const char *id);
/* NAME.toml with the metadata and no types, as CNB wants it restored. */
int layers_write_metadata(
    int folder, const char *name, const json_t *metadata, struct error *err);
/* store.toml with what the buildpack kept the last time. */
int layers_write_store(int folder, const json_t *before, struct error *err);

/* The group's elements that the platform's own build restores layers of. */
struct layers_of {
	const struct life *life;
	const json_t *group;
};
/* Remove what no buildpack of this build can keep. */
int layers_clean(const struct layers_of *of, struct error *err);
/* Make a buildpack's folder, with what is left of its layers. */
int layers_restore(const struct life *l, const char *id, const json_t *previous,
    struct error *err);
/*
 * After bin/build: *ret is an array of {name, launch, build, cache,
 * metadata}. A layer without any type is renamed to NAME.ignore, or left out
 * when rename is false.
 */
int layers_collect(int folder, bool rename, json_t **ret, struct error *err);
/*
 * A launch layer that is a link to the cache becomes a folder of its own: the
 * cache is not part of the image.
 */
int layers_settle(const struct life *l, const struct buildpack *bp,
    const json_t *layers, struct error *err);
/* Keep the cached layers that are not part of the image, for next time. */
int layers_save(const struct life *l, const struct buildpack *bp,
    const json_t *layers, struct error *err);
