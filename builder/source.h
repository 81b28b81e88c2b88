/*
 * source - one export worker, which writes a commit's tree into a pipe.
 *
 * super starts it when we connect to export.sock. It ends in one call of
 * ended(), unless it is stopped before.
 */
#pragma once
#include "builder.h"

struct source; /* opaque */

struct source_job {
	uint64_t repo;
	const char *commit;
	int out; /* the pipe; borrowed */
	void *ctx;
	/* err is NULL when all of the tree is in the pipe. */
	void (*ended)(void *ctx, const struct error *err);
};

struct source *source_start(
    struct builder *b, const struct source_job *job, struct error *err);
/* No more calls. NULL is fine. */
void source_stop(struct source *s);
