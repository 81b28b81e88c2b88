/*
 * identity - naming a process so that a reused pid is not taken for it.
 *
 * pid + start time (field 22 of /proc/PID/stat) + boot id, kept as a line of
 * text in a file: "PID STARTTIME BOOTID\n". Used by super and jail to adopt
 * what runs.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

struct identity {
	pid_t pid;
	uint64_t start_ticks;
	char boot[37];
};

int identity_of(pid_t pid, struct identity *ret, struct error *err);
/* A pidfd of the very process, or -1 (ERR_NOT_FOUND when it is gone). */
int identity_open(const struct identity *id, struct error *err);
int identity_write(
    int dir, const char *name, const struct identity *id, struct error *err);
int identity_read(
    int dir, const char *name, struct identity *ret, struct error *err);
