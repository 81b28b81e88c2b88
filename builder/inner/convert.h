/*
 * convert - between TOML, which buildpacks speak, and JSON, which the rest of
 * the lifecycle thinks in.
 */
#pragma once
#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "wire/toml.h"

/* A TOML value as JSON; dates become strings. NULL for what has no form. */
json_t *convert_to_json(const struct toml *t);
/* Read a TOML file: an object; ERR_NOT_FOUND when there is none. */
json_t *convert_file(int dir, const char *path, struct error *err);
/*
 * The same by a path of the caller's own, links in it followed; the error
 * says "open PATH: ..." when it can't be read.
 */
json_t *convert_path(const char *path, struct error *err);
/*
 * Append the members of a JSON object as the table `name` ("" is the top):
 * plain values first, then tables below it.
 */
void convert_table(struct buf *out, const char *name, const json_t *object);
/* Append a list of objects as [[name]] tables. */
void convert_tables(struct buf *out, const char *name, const json_t *list);
/* Write text to a file of the caller's own path, whole. */
int convert_write(const char *path, struct str text, struct error *err);
