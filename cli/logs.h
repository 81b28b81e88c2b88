/*
 * logs - following the log of a one-off command to its end.
 */
#pragma once
#include "api.h"

/*
 * Print the log of dyno (a "run.1234") until it has ended; *ret_code is what
 * it exited with, 1 where it did not exit by itself.
 */
int logs_follow_run(struct api *a, const char *app, const char *dyno,
    int *ret_code, struct error *err);
