/*
 * image - what the image says of itself: LAYERS/config/metadata.toml.
 *
 * Written by inner in the form of the Cloud Native Buildpacks Platform API
 * (or by another lifecycle); read by the launcher inside the instance.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "env.h"
#include "wire/toml.h"

#define IMAGE_ARGS_MAX 512 /* words of a process's command */

struct image {
	struct toml_doc *doc;
	const char *layers;   /* folder of the layers */
	unsigned api;         /* platform API: 12 for 0.12 */
	const char *exec_env; /* production, test, ... */
};

struct image_process {
	const char *type; /* "" for a command of the user's own */
	/* owned by the heap, NULL at the end */
	const char *argv[IMAGE_ARGS_MAX + 1];
	int n;
	bool shell;      /* for bash, as before Buildpack API 0.9 */
	const char *dir; /* working directory, or NULL */
};

/* Read the metadata in im->layers; an image without any has no processes. */
int image_open(struct image *im, struct error *err);

/* Is there a process of this type, for this execution environment? */
bool image_has(const struct image *im, const char *type);
/*
 * The command of a type with the user's args: behind its own, or in place of
 * its default ones, as the API of its buildpack says. ERR_NOT_FOUND names the
 * types there are.
 */
int image_process(const struct image *im, const char *type, char *const *args,
    struct image_process *ret, struct error *err);
int image_add_arg(struct image_process *p, const char *word, struct error *err);

/* Apply the layers of all its buildpacks, in order, for a process type. */
void image_apply_layers(
    const struct image *im, const char *type, struct env *env);

/*
 * Call fn for each file in folder `sub` of each layer, then in sub/TYPE of
 * that layer; in order. Stops at the first that returns -1.
 */
int image_each_file(const struct image *im, const char *sub, const char *type,
    int (*fn)(void *arg, const char *path), void *arg);
