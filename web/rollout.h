/*
 * rollout - a release on its way to going live, one of an app at a time.
 *
 * After a restart each pending release starts its way again: plan knows what
 * runs of it already. Called by release.c, builds.c, api and peers.c.
 */
#pragma once
#include "web.h"

/* Start what waits, unless something is on its way. */
void rollout_next(struct web *w, int64_t app);
void rollout_start_all(struct web *w); /* at the start of the program */

/* Fail a pending release at once; its push is refused for this reason. */
int rollout_cancel(struct web *w, const struct release *r, const char *reason,
    struct error *err);
/* The app is destroyed. */
void rollout_forget(struct web *w, int64_t app);

/* plan is there: ask for what it may have lost. */
void rollout_plan_up(struct web *w);
/* Tell NEXT once more, if there is one. */
void rollout_want_again(struct web *w, int64_t app);

/* peers.c: frames of plan. */
void rollout_live(struct web *w, struct peer *p, struct frame *f);
void rollout_failed(struct web *w, struct peer *p, struct frame *f);
/* A line for who pushes it. */
void rollout_note(struct web *w, struct peer *p, struct frame *f);
void rollout_run_exited(struct web *w, struct peer *p, struct frame *f);
