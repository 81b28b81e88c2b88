/*
 * launch - what buildpacks want to be run: launch.toml, gathered over a
 * build. Of two processes of one type the later one counts.
 */
#pragma once
#include <jansson.h>

#include "base/error.h"
#include "buildpack.h"

/*
 * Add what the launch.toml of bp says (an empty object: it wrote none) to the
 * lists "processes", "labels" and "slices" of about and to its
 * "buildpack-default-process-type", in the form of image.h.
 */
int launch_add(const struct life *l, json_t *about, const struct buildpack *bp,
    const json_t *file, struct error *err);
