/*
 * sbom - bills of materials that buildpacks write beside their layers: from
 * FOLDER/NAME.sbom.EXT.json to LAYERS/sbom/KIND/BUILDPACK/NAME/sbom.EXT.json.
 */
#pragma once
#include "buildpack.h"

/*
 * Copy what bp left in its folder; layers as layers_collect gives them. A
 * format that is unknown or that buildpack.toml does not declare is an error.
 */
int sbom_take(const struct life *l, const struct buildpack *bp,
    const json_t *layers, struct error *err);
