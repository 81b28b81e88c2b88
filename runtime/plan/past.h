/*
 * past - how the latest release phases ended, for a web that asks again.
 *
 * A release command must not run twice: web asks for the same job when it or
 * plan was away, and it may have ended meanwhile. Owned by the loop.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PAST_MAX 256 /* then the oldest is forgotten */

struct past_job {
	uint64_t job, instance, code, signal;
	bool oom;
	bool failed; /* it could not start: text says why */
	char text[240];
};

struct past *past_new(void);
void past_free(struct past *p);
void past_add(struct past *p, const struct past_job *job);
const struct past_job *past_find(const struct past *p, uint64_t job); /* NULL */
