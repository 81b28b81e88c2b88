/*
 * project - project.toml of an app, schema 0.2: which of its files count,
 * variables of its build, and its buildpacks.
 *
 * The developer's word: read before any buildpack runs. Tables of others are
 * not looked at; io.buildpacks.builder is not ours to choose.
 */
#pragma once
#include "buildpack.h"

/*
 * Read project.toml in folder app: *ret is its table io.buildpacks, NULL when
 * there is no file. A file that is broken, of another schema, or has include
 * and exclude together is an error.
 */
int project_read(int app, json_t **ret, struct error *err);
/* Remove the files that do not count, by include or exclude. */
int project_filter(int app, const json_t *project, struct error *err);
/* Variables of the build as files in PLATFORM/env; config vars win. */
int project_env(const char *platform, const json_t *project, struct error *err);
/*
 * Change an order (order_read) as the project wants it: its own group, or its
 * pre and post around each. Scripts become buildpacks in folder tmp.
 */
int project_order(struct buildpacks *all, const char *tmp,
    const json_t *project, json_t *order, struct error *err);
