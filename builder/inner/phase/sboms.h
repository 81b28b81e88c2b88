/*
 * sboms - bills of materials of an earlier build, back beside the layers.
 */
#pragma once
#include "layout.h"
#include "session.h"

/* From the layer sha ("sha256:..."; "": none) of an image to LAYERS/sbom. */
int sboms_from_image(const struct life *l, const struct layout *image,
    const char *sha, struct error *err);
/* From LAYERS/sbom to LAYERS/ID/LAYER.sbom.EXT.json; LAYERS/sbom goes. */
int sboms_restore(const struct life *l, const json_t *group, struct error *err);
/* The lifecycle's own, from folder from, to LAYERS/sbom. */
int sboms_add_own(const struct life *l, const char *from, struct error *err);
