/*
 * buildenv - the environment that buildpacks run in: an allow-list of our
 * own, the layers of earlier buildpacks, then the app's config vars.
 */
#pragma once
#include <jansson.h>

#include "base/error.h"
#include "launcher/env.h"
#include "life.h"

/* What every buildpack gets to see; from the allow-list and the target. */
struct env *buildenv_new(const struct life *l);
struct env *buildenv_copy(const struct env *from);
void buildenv_free(struct env *env); /* NULL is fine */

/*
 * Turn the config vars on descriptor fd (KEY=value NUL ...) into files in
 * platform/env. A closed or empty descriptor gives none.
 */
int buildenv_receive(const char *platform, int fd, struct error *err);
/* Apply those files: path variables are put in front, others replace. */
void buildenv_add_platform(const struct life *l, struct env *env);
/* The operator's files, last of all: a name alone is a default there. */
void buildenv_add_operator(const struct life *l, struct env *env);

/* Apply the layers with "build" of one buildpack; folder is its own. */
void buildenv_add_layers(
    struct env *env, const char *folder, const json_t *layers);
