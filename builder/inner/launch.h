/*
 * launch - what buildpacks want to be run: launch.toml, gathered over a
 * build. Of two processes of one type the later one counts.
 */
#pragma once
#include <jansson.h>

#include "base/error.h"
#include "buildpack.h"

/*
 * Add what the launch.toml of bp says (NULL: it wrote none) to the lists
 * "processes" and "labels" of about, in the form of image.h.
 */
int launch_add(json_t *about, const struct buildpack *bp, const json_t *file,
    struct error *err);
