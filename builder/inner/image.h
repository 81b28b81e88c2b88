/*
 * image - what an image says of itself: its OCI config, metadata.toml for the
 * launcher and for buildpacks' tools, previous.json for the next build.
 *
 * The description it is all made from is one JSON object, written by the
 * build and completed by the export:
 *
 *   {"buildpacks": [{"id", "version", "api", "homepage", "folder", "store",
 *                    "layers": [{"name", "launch", "build", "cache",
 *                                "metadata", "digest"}]}],
 *    "processes": [{"type", "command", "args", "default", "working-dir",
 *                   "buildpack-id"}],
 *    "labels": [{"key", "value"}]}
 *
 * "digest" is there for launch layers alone and is set by the export. Between
 * the two it lies where buildpacks can write, so image_read trusts nothing.
 */
#pragma once
#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

/* Paths from the root, which is the current folder of inner. */
#define IMAGE_FOLDER "layers/config"
#define IMAGE_BUILT IMAGE_FOLDER "/built.json"
#define IMAGE_PREVIOUS IMAGE_FOLDER "/previous.json"
#define IMAGE_METADATA IMAGE_FOLDER "/metadata.toml"
#define IMAGE_PREVIOUS_MAX (4u << 20) /* bytes */
#define IMAGE_BUILT_MAX IMAGE_PREVIOUS_MAX

#define IMAGE_PROCESSES_MAX 128
#define IMAGE_COMMANDS_MAX 24000 /* bytes of all commands, for one frame */
#define IMAGE_LABELS_MAX 256
#define IMAGE_LAYERS_MAX 120 /* of one image: all mounted in one overlay */

/* Read the description that a build left. NULL when it breaks its form. */
json_t *image_read(struct error *err);
/* Does a description keep its form and limits? */
int image_check(const json_t *about, struct error *err);

/* metadata.toml in the form of the Platform API. */
void image_metadata(const json_t *about, struct buf *out);
/* previous.json, as layers_previous reads it. */
char *image_previous(const json_t *about);

struct image_parts {
	const char *base;   /* diffIDs as 64 hex digits */
	const char *config; /* of the layer with metadata.toml */
	const char *app;
};
/* The digests from base to app, in the order in which they are mounted. */
json_t *image_layers(const json_t *about, const struct image_parts *parts);
/* The OCI image config, always the same bytes for the same image. */
char *image_config(const json_t *about, const struct image_parts *parts);

/* A process as one line, for people: what a shell would take. */
void image_command(const json_t *process, struct buf *out);
/* The folder of a layer below the root: "layers/FOLDER/NAME"; freed by you. */
char *image_layer_path(const json_t *buildpack, const json_t *layer);
