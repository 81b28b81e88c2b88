/*
 * super - starts and restarts the daemons; nothing else.
 *
 * Runs as a child of the holder, which hands in every socket and starts it
 * anew when it dies. Reads nothing from strangers: its own settings, exit
 * codes and ready lines.
 */
#pragma once

/* argv: flags of how to run (--keep, --login). Returns the exit code. */
int super_main(char **argv);

#define SUPER_DONE 0  /* stopped on request: the holder ends too */
#define SUPER_AGAIN 4 /* start the one that is installed now, --replace */
#define SUPER_FATAL 3 /* can't start at all: trying again is no use */
