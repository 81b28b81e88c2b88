/*
 * reason - why a build failed, in one line for the person who pushed: what
 * happened, and which setting raises a limit.
 */
#pragma once
#include "proc/settings.h"
#include "result.h"

#define REASON_SIZE 300

struct ending { /* of a job */
	uint64_t code, signal;
	bool oom;
	char text[200]; /* plan's words */
};

/* Did the job do its work? */
bool reason_none(const struct ending *e, const struct result *r);
void reason_of(const struct settings *s, const struct ending *e,
    const struct result *r, char out[REASON_SIZE]);
/* "the build took longer than 900 s (setting build_seconds)" */
void reason_late(const struct settings *s, char out[REASON_SIZE]);
