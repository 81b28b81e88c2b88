/*
 * files - the TOML files that phases leave for each other.
 */
#pragma once
#include "session.h"

/* Read a file as an object: "read WHAT file: ..." when it can't be. */
json_t *files_read(const char *what, const char *path, struct error *err);
/* The same; an empty object when there is none. */
json_t *files_read_some(const char *what, const char *path, struct error *err);
/* Write an object, whole. */
int files_write(
    const char *what, const char *path, const json_t *value, struct error *err);

/* group.toml: every buildpack's API is checked. */
json_t *files_group(struct session *s, struct error *err);
/* The run image's target of analyzed.toml, over what is known here. */
void files_take_target(struct life *l, const json_t *analyzed);
/*
 * The names of the run image in run.toml (or stack.toml) for the label
 * io.buildpacks.lifecycle.metadata: "image" and "mirrors" of its member
 * runImage, and the older member stack.
 */
void files_add_run_names(
    struct session *s, json_t *run, const char *name, json_t *label);
