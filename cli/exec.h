/* exec - find and run other programs, by argv, with this environment. */
#pragma once
#include "base/buf.h"
#include "base/error.h"

/* The path of a program by PATH; the caller frees it. NULL: not there. */
char *exec_find(const char *name);
/*
 * Run argv (argv[0] by PATH) with its input and errors at /dev/null and its
 * output in out (may be NULL). Returns its exit code, -1 when it did not run.
 */
int exec_capture(const char *const argv[], struct buf *out);
