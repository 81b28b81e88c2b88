/*
 * cron - what app.json wants done at certain times.
 *
 *   "cron": [{"command": "bin/clean", "schedule": "0 3 * * *"}, ...]
 *
 * Read when a build has made an image, so that what is wrong fails the build.
 * The jobs of what is live are rows: their numbers stay from release to
 * release while command and schedule do, and so do their pauses and the
 * minute up to which each is done. plan starts them.
 */
#pragma once
#include "ask.h"
#include "web.h"

#define CRON_COMMAND_MAX 1000 /* bytes; 50 of them go into a frame */

/* Is what an image keeps of app.json fine? ERR_INVALID says what is not. */
int cron_check(const struct web *w, struct str app_json, struct error *err);
/* Within a transaction: r is live, its jobs are the app's. */
int cron_settle(struct web *w, const struct release *r, struct error *err);
void cron_tell(struct web *w, int64_t app); /* plan: all jobs of the app */

/* peers.c: frames of plan. A job is due; a one-off has ended. */
void cron_due(struct web *w, struct peer *p, struct frame *f);
void cron_run_exited(struct web *w, const struct frame *f);
