/*
 * push - the durable rows of pushes, and what gitd is told about them.
 *
 * A push to the deploy branch is a row from PUSH_OPEN on. It is decided with
 * its build and release, in their transaction; gitd then moves the ref and
 * says SETTLED. gitd may be told the same decision more than once.
 */
#pragma once
#include "web.h"

/* Within a transaction: the push of this build, if there is one. */
int push_decide(struct web *w, int64_t build, bool accepted, const char *reason,
    struct error *err);
/* Tell gitd the decision on it, and the readers of the log that it ended. */
void push_tell_build(struct web *w, int64_t build);

/* The last lines of a push that went live. */
void push_say_released(
    struct web *w, const struct release *r, const struct app *a);

/* peers.c: frames of gitd. */
void push_auth(struct web *w, struct peer *p, struct frame *f);
void push_open(struct web *w, struct peer *p, struct frame *f);
void push_watch(struct web *w, struct peer *p, struct frame *f);
void push_settled(struct web *w, struct peer *p, struct frame *f);
void push_list(struct web *w, struct peer *p, struct frame *f);
