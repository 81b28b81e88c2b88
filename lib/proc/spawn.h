/*
 * spawn - start a program: argv, environment and descriptors, never a shell.
 */
#pragma once
#include <sys/types.h>

#include "base/error.h"

struct spawn_fd {
	int from; /* the caller's descriptor */
	int to;   /* its number in the program */
};

struct spawn {
	const char *const *argv; /* ends in NULL; argv[0] is a path */
	int exec_fd;             /* > 0: execute this open file instead */
	const char *const *env;  /* ends in NULL; NULL is an empty one */
	const struct spawn_fd *fds;
	int nfds; /* at most 64; all others are closed, but 0 and 1, where not
	             named, are /dev/null, and 2 is inherited */
	int session; /* 1: in a session of its own */
	/* Runs in the child before exec, with fds in place; or NULL. */
	int (*child)(void *arg, struct error *err);
	void *arg;
};

/* Start it; returns its pid. A failure to execute is reported here. */
pid_t spawn(const struct spawn *s, struct error *err);
/* Start it and wait; -1 when it could not start or did not exit with 0. */
int spawn_wait(const struct spawn *s, struct error *err);
