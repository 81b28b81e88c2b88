/*
 * start - what every daemon does first: take what super handed in.
 *
 * super starts a program with PAAS_FDS in its environment: "name:number"
 * items joined by commas. "conf" is a sealed memfd with the resolved
 * settings, "ready" the pipe for the ready line, "NAME.sock" a listening
 * socket, "pair" one end of a pair. start_open takes PAAS_FDS out of the
 * environment and marks all descriptors close-on-exec.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "ipc/role.h"
#include "proc/settings.h"

#define START_FDS_MAX 24

struct start {
	struct settings settings;
	struct roles roles;
	int nfds;
	struct {
		char name[32];
		int fd;
	} fds[START_FDS_MAX];
};

/*
 * Fill *ret from the environment; opens the log under program's name, names
 * the process paas-PROGRAM and ignores SIGPIPE.
 */
int start_open(struct start *ret, const char *program, struct error *err);
/* Take the descriptor handed in under name; -1 when there is none. */
int start_fd(struct start *s, const char *name);
/* Write the ready line and close the pipe. Without a pipe does nothing. */
void start_ready(struct start *s);
