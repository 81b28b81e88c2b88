/*
 * run - running a buildpack's program as PID 1 should: signals are passed
 * on, every orphan is reaped.
 */
#pragma once
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

#define RUNS_MAX 64 /* programs at once */

struct runner {
	int signals; /* a signalfd of SIGCHLD, SIGTERM, SIGINT, SIGHUP */
	bool stop;   /* we were asked to end */
};

struct run {
	char *const *argv; /* argv[0] is a path; NULL at the end */
	char *const *env;
	const char *dir;
	struct buf *output; /* gathers both outputs; NULL: they go to the log */
	int code;           /* of run_all */
};

int runner_open(struct runner *ret, struct error *err);
/*
 * Run and wait. Returns the exit code, 128 + N for the signal N; -1 when it
 * could not be started. Output past the buffer's limit is dropped.
 */
int run_wait(struct runner *r, const struct run *run, struct error *err);
/*
 * Run n programs at once and wait for all; each has its output gathered. Sets
 * their codes as run_wait gives them.
 */
void run_all(struct runner *r, struct run *runs, size_t n);
