/*
 * git - run the one program that a worker may execute, and tell how it ended.
 *
 * The child is inside the worker's sandbox and limits, reads no configuration
 * but the repository's own and what stands in git.c, and ends with the worker.
 * The current folder is the repository.
 */
#pragma once
#include "base/buf.h"
#include "base/error.h"

#define GIT_PROGRAM "/usr/bin/git"

struct git_run {
	const char *const *args; /* behind "git", ends in NULL */
	const char *objects;     /* folder for new objects, or NULL */
	const char *protocol;    /* what the client asked for, or NULL */
	int in;
	int out;         /* -1: gather the output in text */
	struct buf text; /* its limit is set by the caller */
	int conn;        /* stop git when its other side is gone */
};

/*
 * Run git to its end. Fails when it does not exit with 0: err then has the
 * last line that it wrote on stderr, and ERR_LIMIT when a limit stopped it.
 */
int git_run(struct git_run *run, struct error *err);
