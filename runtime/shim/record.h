/*
 * record - what the shim leaves in s/ for jail: who runs, how it ended.
 *
 * Files are durable before their final name appears. dir is s/.
 *   pid   "PID STARTTIME BOOTID\n" (lib/proc/identity.h)
 *   exit  lines "code N", "signal N", "time MS", and "text WHY" when it never
 *         ran (runtime/jail/record.h)
 */
#pragma once
#include <sys/types.h>

#include "base/error.h"

#define EXIT_NOT_STARTED 125

/* Reads /proc, so before the shim is shut in. */
int record_pid(int dir, pid_t pid, struct error *err);
/* status is what wait told. */
int record_exit(int dir, int status, struct error *err);
int record_failure(int dir, const char *why, struct error *err);
