/*
 * tell - what plan says to web, router and logd about what runs.
 *
 * Changes go out at once; who was away gets the whole instead (tell_targets,
 * tell_dynos), so a change is dropped while its receiver has no snapshot.
 * Lines for logd wait while it is away, the oldest are dropped past a limit.
 */
#pragma once
#include "loop.h"

#define LINES_MAX 256 /* that wait for logd */

/* router */
void tell_target(struct plan *p, struct inst *in, int state);
void tell_target_drop(struct plan *p, const struct inst *in);
/* What an app's rest is, for web. */
void tell_rest(struct plan *p, const struct app *a, int rest);
void tell_front(struct plan *p, const struct app *a, int front);
void tell_targets(struct plan *p);

/* web */
void tell_dyno(struct plan *p, const struct inst *in);
void tell_dyno_gone(struct plan *p, const struct inst *in);
void tell_dynos(struct plan *p);

/* logd: a line of the platform in the app's log, about this dyno */
void tell_line(struct plan *p, const struct app *a, const char *dyno,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* "Process running mem=540M(105.4%)", as Heroku writes it */
void tell_memory(
    struct plan *p, const struct inst *in, uint64_t used, uint64_t limit);
/* R15: a process was killed since there was no more */
void tell_oom(struct plan *p, const struct inst *in);
void tell_lines(struct plan *p); /* logd is there: what waits */

struct lines *lines_new(void);
void lines_free(struct lines *l);
