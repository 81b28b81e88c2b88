/*
 * stop - end a running platform, or start one in the background.
 */
#pragma once
#include "options.h"

/* `paas server --stop`: signal the holder and wait for its end. Exit code. */
int stop_main(const struct options *o);

/*
 * `paas server --detach`: fork; the child returns 0 and goes on as a
 * background process, the parent waits until it is ready, prints what it
 * says, and exits.
 */
int detach(const struct options *o, struct error *err);
/* A pidfd of the holder of this state folder's platform, or -1. */
int stop_holder(const struct options *o, struct error *err);
