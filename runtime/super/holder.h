/*
 * holder - the first process: holds every listening socket and restarts super.
 *
 * It does nothing else, so that there is nothing in it to go wrong. When it
 * dies, super ends too and leaves the daemons; the next start ends those and
 * takes over the instances.
 */
#pragma once
#include "options.h"
#include "sockets.h"

/* Claim the folders, bind all, run super until it is done. Exit code. */
int holder_main(struct options *o);
