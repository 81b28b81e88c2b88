/*
 * stage - what a container's first three descriptors are, before it starts.
 *
 * Makes s/ and what lies in it, as root, from the mode: FIFOs, pipes, or a
 * socket for the terminal. Owns every descriptor in struct stage; those in
 * child are closed by stage_started, the others stay for the loop.
 *
 * The runtime makes the container's root the owner of descriptors 0 to 2, and
 * crun 1.8 does so even to the host's /dev/null: where there is no input, it is
 * a pipe that nobody writes. Files of a job get their owner back afterwards.
 */
#pragma once
#include "options.h"

#define JOB_STDIN 8
#define JOB_OUTPUT 9
#define JOB_REPORT 10

struct stage {
	int own;        /* the folder s/ */
	int child[3];   /* what the runtime gets as 0, 1, 2 */
	int complaints; /* memory file that the runtime logs into */
	int input;      /* our end of its stdin, of MODE_PTY and MODE_PIPE */
	int output[2];  /* ours of its stdout and stderr, or of both */
	int console;    /* listens for the terminal, of MODE_PTY */
};

#define STAGE_NONE                                                             \
	{                                                                      \
		.own = -1, .child = {-1, -1, -1}, .complaints = -1,            \
		.input = -1, .output = {-1, -1}, .console = -1,                \
	}

/* RUN/i/ID/s/NAME into out, which has PATH_ROOM bytes. */
void stage_path(const struct options *o, const char *name, char *out);
int stage_make(
    const struct options *o, int folder, struct stage *ret, struct error *err);
/* The runtime has exited: take the terminal, close what is the child's. */
int stage_started(const struct options *o, struct stage *st, struct error *err);
