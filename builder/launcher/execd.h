/*
 * execd - the programs in exec.d of layers: each is run before the process,
 * and what it writes to descriptor 3, in TOML, becomes part of the
 * environment.
 */
#pragma once
#include "base/error.h"
#include "env.h"
#include "image.h"

/* Run those for a process type ("" for none) in the current folder. */
int execd_run(const struct image *im, const char *type, struct env *env,
    struct error *err);
