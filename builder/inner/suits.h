/*
 * suits - is a buildpack meant for this target and execution environment?
 *
 * Pure.
 */
#pragma once
#include "buildpack.h"

/* By its [[targets]] (or older [[stacks]], which say nothing to us). */
bool suits_target(const struct life *l, const struct buildpack *bp);
/* By its exec-env, since Buildpack API 0.12 and Platform API 0.15. */
bool suits_exec_env(const struct life *l, const struct buildpack *bp);
/* Does a list of environments (none: all) name this one or "*"? */
bool suits_list(const json_t *list, const char *exec_env);
