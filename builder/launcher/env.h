/*
 * env - the environment of a process in the making: ordered "KEY=value".
 *
 * Owned by the launcher's main; bounded by ENV_MAX entries. Layer files
 * change it as the Cloud Native Buildpacks specification says (Buildpack API
 * 0.10, "Provided by the Buildpacks").
 */
#pragma once
#include <stdbool.h>

#include "base/str.h"

#define ENV_MAX 4096          /* entries */
#define ENV_VALUE_MAX 1048576 /* bytes of one value read from a file */

struct env {
	char *items[ENV_MAX + 1]; /* each its own; NULL behind the last */
	int n;
};

const char *env_get(const struct env *env, struct str key); /* or NULL */
void env_set(struct env *env, struct str key, struct str value);
void env_unset(struct env *env, struct str key);
/* Add items of the form KEY=value; keep those of `fixed` as they are. */
void env_add_items(struct env *env, struct str items, char separator,
    const char *const *fixed);

/*
 * Apply one folder of files KEY[.append|.prepend|.default|.override|.delim];
 * otherwise is what a file without a suffix means ("override", "default").
 */
void env_apply_folder(struct env *env, const char *path, struct str otherwise);
/* Put dir in front of the path variable key, if it exists. */
void env_prepend_path(struct env *env, struct str key, const char *dir);
