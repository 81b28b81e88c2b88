/*
 * wrong - which kind of failure an error is, in the report's words.
 */
#pragma once
#include "base/error.h"

/*
 * WRONG_DISK or WRONG_INODES when the root's file system is used up (errno
 * says so, or it nearly is), WRONG_LIMIT for a limit, else otherwise.
 */
const char *wrong_kind(const struct error *err, const char *otherwise);
