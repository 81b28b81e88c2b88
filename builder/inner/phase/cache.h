/*
 * cache - the cache folder of the phases: DIR/committed/sha256:HEX.tar and
 * DIR/committed/io.buildpacks.lifecycle.cache.metadata.
 *
 * The form that other lifecycles have, so that a folder of theirs is of use.
 * A new state is made in DIR/staging and takes the place of the old at once.
 */
#pragma once
#include "session.h"

#define CACHE_METADATA "io.buildpacks.lifecycle.cache.metadata"

/* What is in the cache: an empty object when there is none. */
json_t *cache_metadata(const char *dir);
/*
 * Extract a layer's tar over the folder of the layers; 0 with *ret false when
 * the cache does not have it as it was: *ret_why tells.
 */
int cache_restore(const struct life *l, const char *dir, const char *sha,
    bool *ret, struct error *ret_why, struct error *err);
/* Keep the cached layers of about (image.h), and the cache's SBOM. */
int cache_save(struct session *s, const json_t *about, struct error *err);
