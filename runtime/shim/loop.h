/*
 * loop - the life of a shim after its container has started.
 *
 * One poll over at most six descriptors; nothing in it blocks or allocates.
 * Called by main with everything set up, returns when the shim may end.
 */
#pragma once
#include <sys/types.h>

#include "attach.h"
#include "ctl.h"
#include "log.h"
#include "options.h"

struct shim {
	struct options options;
	pid_t pid;     /* the container's first process; 0: has ended */
	int own;       /* s/ */
	int signals;   /* signalfd of SIGCHLD */
	int output[2]; /* FIFOs of MODE_LOG */
	struct ctl ctl;
	struct log log;       /* of MODE_LOG */
	struct attach attach; /* of MODE_PTY and MODE_PIPE */
};

void loop_run(struct shim *s);
