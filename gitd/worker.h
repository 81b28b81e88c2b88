/*
 * worker - one paas-receive process and the connection to it.
 *
 * super starts it when we connect to receive.sock; a gitd that serves alone
 * starts it itself.
 */
#pragma once
#include "ipc/msg.h"
#include "repo.h"

struct worker; /* opaque */

struct worker_job {
	enum receive_op op;
	const char *quarantine; /* of a push */
	const char *protocol;   /* of a fetch, or NULL */
	int body;               /* the worker's from now on, also on failure */
	int out;                /* the same; -1 for a push */
};

struct worker_ops {
	void (*frame)(struct frame *f, void *ctx);
	/* It is gone, and the struct worker with it. */
	void (*gone)(void *ctx);
};

struct worker *worker_start(struct repo *repo, const struct worker_job *job,
    const struct worker_ops *ops, void *ctx, struct error *err);
/* Let it go, at work or not: no more calls. NULL is fine. */
void worker_stop(struct worker *w);
