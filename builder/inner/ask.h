/*
 * ask - running bin/detect: each buildpack once, those of a group at once.
 *
 * Owned by detect. An answer stays until the end, for every group that the
 * buildpack is part of.
 */
#pragma once
#include "buildpack.h"
#include "launcher/env.h"
#include "run.h"

enum verdict { UNASKED, PASS, FAIL, UNFIT, BROKEN };

struct answer {
	const struct buildpack *bp;
	enum verdict verdict;
	int code;
	char *reason; /* the first line that it printed */
	struct buf output;
	json_t *options; /* of the build plan, when it passed */
};

/* A group without composite buildpacks: these are replaced. */
struct members {
	int n;
	struct {
		struct buildpack *bp;
		bool optional;
	} of[GROUP_MAX];
};

struct asking {
	struct life *life;
	struct runner *runner;
	const struct env *env;
	char tmp[32]; /* folder of the plan files */
	struct answer answers[BUILDPACKS_MAX];
	int n;
	bool broken;   /* somebody failed */
	json_t *notes; /* lines told at the end */
};

int ask_open(struct asking *a, struct error *err);
void ask_close(struct asking *a);

/* The answer of bp, made when it is new; a->n must be below the limit. */
struct answer *ask_answer(struct asking *a, const struct buildpack *bp);
/* Run those of the group that were not asked yet. */
void ask_all(struct asking *a, const struct members *m);

/* A line for the end of the detection, and telling them: all or by level. */
void ask_note(struct asking *a, enum level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void ask_tell(struct asking *a, bool all);
