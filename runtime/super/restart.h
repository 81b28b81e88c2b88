/*
 * restart - `paas daemons:restart`: asked for by a file and a signal.
 *
 * Who asks (root) writes the daemon's name to RUN/restart and signals the
 * holder, which has super do it; super writes RUN/restarted when it is done.
 * Called by main (restart_main) and by super (the others).
 */
#pragma once
#include "options.h"

#define RESTART_ALL "all"
#define RESTART_NAME 32 /* bytes of the longest name, its NUL included */

/* Ask, and wait until it is done. Returns the exit code. */
int restart_main(const struct options *o);

/* What is asked for. */
int restart_asked(const char *run, char ret[RESTART_NAME], struct error *err);
/* Tell who asked: all is well, or why not (err). */
void restart_done(const char *run, const struct error *why);
/* A new super after one that died: whatever was asked of that one. */
void restart_broken_off(const char *run);
