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
