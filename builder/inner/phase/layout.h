/*
 * layout - images as OCI layouts on disk: DIR/REGISTRY/REPOSITORY/TAG/ with
 * index.json, oci-layout and blobs/sha256/.
 *
 * What is read may come from anywhere: each blob must have its digest, sizes
 * have their bounds. What is written is whole or not there: index.json comes
 * last. Called by the phases alone.
 */
#pragma once
#include <jansson.h>

#include "base/error.h"
#include "inner/digest.h"

#define LAYOUT_JSON_MAX (8u << 20) /* bytes of a manifest or config */

struct layout {
	char *path;      /* its folder; always set */
	char *reference; /* PATH@sha256:DIGEST */
	json_t *manifest, *config;
	bool found;
};

/* The folder for an image's name (or reference) below dir; NULL and err. */
char *layout_path(const char *dir, const char *name, struct error *err);
/* Do two names have one registry? */
bool layout_same_registry(const char *a, const char *b);
/* Read it; not found is no error, a broken one is. */
int layout_open(
    const char *dir, const char *name, struct layout *ret, struct error *err);
void layout_close(struct layout *l);
/* A label's JSON; NULL. */
json_t *layout_label(const struct layout *l, const char *key);

/* --- writing --- */

struct layout_out; /* opaque */

/* Start an image in folder path; what is there stays until the end. */
struct layout_out *layout_create(const char *path, struct error *err);
/* Compress and add a layer: begin, then the tar in pieces, then end. */
int layout_begin(struct layout_out *o, struct error *err);
int layout_write(void *out, struct str bytes, struct error *err);
int layout_end(struct layout_out *o, struct error *err);
/* Take over the layer at index i of an image, its blob too if it is there. */
int layout_take(struct layout_out *o, const struct layout *from, size_t i,
    struct error *err);
/* The index of the layer with this diffID ("sha256:..."); -1. */
int layout_find(const struct layout *l, const char *diff_id);
/* Write config, manifest and index. Sets the manifest's digest and size. */
int layout_finish(struct layout_out *o, const char *config,
    char ret_digest[DIGEST_HEX], size_t *ret_size, struct error *err);
void layout_drop(struct layout_out *o); /* frees; NULL is fine */
