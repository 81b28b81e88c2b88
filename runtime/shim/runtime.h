/*
 * runtime - runs the OCI runtime once, which starts the container.
 *
 * Called by main while the shim is root. The runtime detaches and exits; the
 * container's first process is then a child of the shim, which is a
 * subreaper, and is not reaped here however short it lives.
 */
#pragma once
#include <sys/types.h>

#include "stage.h"

#define RUNTIME_SECONDS 60 /* to start a container */

/*
 * signals is a signalfd of SIGCHLD. On failure err tells the runtime's last
 * words; what it has started of the container is killed.
 */
int runtime_run(const struct options *o, const struct stage *st, int signals,
    pid_t *ret_pid, struct error *err);
