/*
 * image - what an image says of itself: metadata.toml for the launcher and
 * for buildpacks' tools, its OCI config with the labels, previous.json for
 * the platform's next build.
 *
 * The description it is all made from is one JSON object, made by the build
 * or read from what a build left in the layers' folder:
 *
 *   {"buildpacks": [{"id", "version", "api", "homepage",
 *                    "store": {"metadata"},
 *                    "layers": [{"name", "launch", "build", "cache",
 *                                "metadata", "digest"}]}],
 *    "extensions": [...],
 *    "processes": [{"type", "command", "args", "direct", "working-dir",
 *                   "exec-env", "buildpack-id"}],
 *    "labels": [{"key", "value"}], "slices": [{"paths"}],
 *    "buildpack-default-process-type"}
 *
 * "store" and "layers" are there when it was read for an export, "digest"
 * for launch layers alone, set by it. What a build leaves lies where
 * buildpacks can write, so image_read trusts nothing.
 */
#pragma once
#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "life.h"

#define IMAGE_METADATA "config/metadata.toml"        /* in the layers' folder */
#define IMAGE_PREVIOUS "layers/config/previous.json" /* from the root */
#define IMAGE_PREVIOUS_MAX (4u << 20)                /* bytes */

#define IMAGE_LABEL_LIFECYCLE "io.buildpacks.lifecycle.metadata"

#define IMAGE_PROCESSES_MAX 128
#define IMAGE_COMMANDS_MAX 24000 /* bytes of all commands, for one frame */
#define IMAGE_LABELS_MAX 256
#define IMAGE_LAYERS_MAX 120 /* of one image: all mounted in one overlay */

/*
 * Read the description that a build left; group (as group.toml has it) names
 * the buildpacks, NULL: those of metadata.toml. NULL when it breaks its form.
 */
json_t *image_read(
    const struct life *l, const json_t *group, struct error *err);
/* Does a description keep its form and limits? */
int image_check(const json_t *about, struct error *err);

/* metadata.toml in the form of the Platform API; all that a build says. */
void image_metadata(const struct life *l, const json_t *about, struct buf *out);
/* previous.json, as layers_previous reads it. */
char *image_previous(const json_t *about);
/* The member "buildpacks" of label io.buildpacks.lifecycle.metadata. */
json_t *image_label_buildpacks(const json_t *about);

struct image_parts {
	const json_t *base;    /* OCI config of the run image */
	const json_t *layers;  /* [{"digest", "by"}...] to go on top of it */
	json_t *label;         /* io.buildpacks.lifecycle.metadata */
	const json_t *project; /* project metadata; NULL */
	const char *type;      /* default process type; "" */
	bool launcher;         /* it is in the image, with links for types */
	const char *user;      /* "UID:GID"; NULL: as the base has it */
};
/* The OCI image config, always the same bytes for the same image. */
char *image_config(
    const struct life *l, const json_t *about, const struct image_parts *parts);

/* When an image counts as made: 1980, or SOURCE_DATE_EPOCH. */
void image_created(char out[32]);
/* A new object of those keys that are there. */
json_t *image_only(const json_t *object, const char *const *keys, size_t nkeys);
/* The processes in the form of the platform API. */
json_t *image_processes(const struct life *l, const json_t *about);

/* A process as one line, for people: what a shell would take. */
void image_command(const json_t *process, struct buf *out);
/* The folder of a layer below that of all layers; freed by you. */
char *image_layer_path(const json_t *buildpack, const json_t *layer);
/* What a layer's history says: who made it; freed by you. */
char *image_layer_by(const json_t *buildpack, const char *name);
