/*
 * exec - becoming the program, or saying in one line why not.
 */
#pragma once

#define EXIT_NO_EXEC 82 /* of the Platform API: an error while launching */

/* Exec file by env's PATH. Returns only on failure: the exit code. */
int exec_now(const char *file, char *const *argv, char *const *env);

/* Write "WHAT: reason" to stderr; returns the exit code. */
int exec_complain(const char *what, int reason);
