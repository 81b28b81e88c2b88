/*
 * build - one build of one app: from a commit to an image in the store.
 *
 *   QUEUED --a place, bases--> BUILDING --job--> EXPORTING --job--> STORING
 *      ^                          |                  |                 |
 *      +-------- plan gone -------+------------------+-----------------+
 *   and from each of them, at the end or on a failure: ENDED
 *
 * 1. A work (memory of the host) belongs to a build from BUILDING on until
 *    its job is over.
 * 2. ENDED has a result for web until web has answered, and is freed when
 *    its job is over too.
 * 3. Nothing leaves ENDED: web asks for the same build again as a new one.
 *
 * Callbacks never free a build: what has ended is swept by builder_next's
 * pass at the end of the turn.
 */
#pragma once
#include "blog.h"
#include "job.h"
#include "source.h"

#define BUILD_ATTEMPTS 3 /* times that plan may go away under it */
/* plan's own limit is behind ours, which has the better words. */
#define BUILD_SPARE_MS 30000

enum build_state { QUEUED, BUILDING, EXPORTING, STORING, ENDED };

struct build {
	struct list of_builder;
	struct builder *b;
	uint64_t id, app, repo;
	char app_name[31], commit[41];
	enum build_state state;
	unsigned attempts;
	struct blog log;
	int config;                    /* sealed config vars */
	char (*previous)[DIGEST_SIZE]; /* layers of the app's last image */
	size_t nprevious;
	uint64_t work; /* 0: none */
	struct job job;
	struct source *source;
	struct error source_err; /* why it gave up */
	struct ask store, tell;
	struct ev_timer deadline;
	struct result result; /* of the last job that ended */
	size_t nstored;       /* puts of it that are done */
	bool said_waiting, said_bases;
	uint64_t bases_ms; /* when that was said */

	/* what web is told: stages as they come, then the end */
	struct stage stages[RESULT_STAGES_MAX];
	bool stage_told[RESULT_STAGES_MAX];
	size_t nstages;
	char reason[REASON_SIZE]; /* "" in ENDED: it is an image */
	bool told;                /* web knows the end, or need not */

	uint64_t queued_ms, begun_ms, step_ms; /* monotonic */
	uint64_t sandbox_ms; /* jobs, less what inner did in them */
};

/* From BUILD_START, whose descriptors are taken on success. */
struct build *build_new(struct builder *b, struct frame *f, struct error *err);
struct build *build_find(struct builder *b, uint64_t id); /* NULL */
bool build_at_work(const struct build *bd);               /* it has a place */
/* Is there nothing left to do for it? Then it may be freed. */
bool build_over(struct build *bd);
void build_free(struct build *bd);

/* Where it waits: said in its log, once each. */
void build_say_waiting(struct build *bd, size_t before);
void build_say_bases(struct build *bd);
void build_say_imported(struct build *bd); /* and it begins */

/* The only function that writes in bd->state. */
void build_move(struct build *bd, enum build_state to, const char *why);
/* It ends; an empty reason stands for an image. */
void build_end(struct build *bd, const char *reason);
void build_cancel(struct build *bd); /* nobody wants it any more */
void build_lost(struct build *bd);   /* plan is gone */

/* steps.c */
void build_begin(struct build *bd);
void build_job_ended(struct job *j);

/* tell.c: to web, as far as it is there; again when it is back. */
void tell_grown(struct blog *l);
void tell_stage(struct build *bd, const char *name, uint64_t ms, bool cached);
void tell_again(struct build *bd);
