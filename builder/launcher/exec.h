/*
 * exec - becoming the program, or saying in one line why not.
 */
#pragma once

/* Exec file by env's PATH. Returns only on failure: 127 or 126. */
int exec_now(const char *file, char *const *argv, char *const *env);

/* Write "launcher: WHAT: reason" to stderr; returns 126. */
int exec_complain(const char *what, int reason);
