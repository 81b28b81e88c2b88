/*
 * job - one step of a build, run by plan and jail in a container: its output
 * is handed on as it comes, its report gathered, its end waited for.
 *
 * Embedded in a build or a base image. A job that was started ends in one
 * call of ended(), whatever happens to it, except when plan goes away: then
 * plan ends the container, and job_lost() lets go of it without a call.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ask.h"
#include "base/buf.h"
#include "builder.h"
#include "ipc/msg.h"
#include "reason.h"

struct job {
	struct builder *b;
	uint64_t id; /* 0: not running */
	struct list of_builder;
	struct ask ask;
	struct ev_io output, report;
	struct buf report_text;
	struct ev_timer guard;
	struct ending ending;
	bool exited;
	bool refused; /* it never ran; ending.text says why */
	uint64_t asked_ms;
	void (*print)(struct job *j, struct str bytes);
	/* j is not running any more, and may be started again */
	void (*ended)(struct job *j);
};

struct job_order {
	enum instance_kind kind;
	uint64_t app, work, ms;
	const char *app_name;      /* or NULL */
	const char *const *args;   /* NULL at the end */
	const char *const *env;    /* KEY=value; or NULL */
	const char *const *layers; /* base first; or NULL */
	size_t nlayers;
	int input, config; /* descriptors, borrowed; -1: empty */
};

void job_init(struct job *j, struct builder *b,
    void (*print)(struct job *j, struct str bytes),
    void (*ended)(struct job *j));
int job_start(struct job *j, const struct job_order *o, struct error *err);
bool job_runs(const struct job *j);
/* End it; ended() follows. */
void job_cancel(struct job *j);
/* plan is gone, and with it the job. */
void job_lost(struct job *j);
void job_release(struct job *j);

/* JOB_EXITED has come. */
void jobs_exited(struct builder *b, const struct frame *f);
