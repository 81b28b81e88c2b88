/*
 * image - what the image says of itself: /layers/config/metadata.toml.
 *
 * Written by inner's export in the form of the Cloud Native Buildpacks
 * Platform API; read by the launcher inside the instance.
 */
#pragma once
#include "base/error.h"
#include "base/str.h"
#include "env.h"
#include "wire/toml.h"

#define IMAGE_ARGS_MAX 256 /* words of a process's command */

struct image {
	struct toml_doc *doc;
};

struct image_process {
	const char
	    *argv[IMAGE_ARGS_MAX + 1]; /* owned by the heap, NULL at the end */
	const char *dir;               /* working directory, or NULL */
};

/* Read the metadata; an image without any has no processes. */
int image_open(const char *path, struct image *ret, struct error *err);

/* Is there a process of this type? */
bool image_has(const struct image *im, const char *type);
/*
 * The command of a type, with args behind it (or in place of its default
 * arguments). ERR_NOT_FOUND names the types there are.
 */
int image_process(const struct image *im, const char *type, char *const *args,
    struct image_process *ret, struct error *err);

/* Apply the layers of all its buildpacks, in order, for a process type. */
void image_apply_layers(const struct image *im, const char *layers,
    const char *type, struct env *env);
