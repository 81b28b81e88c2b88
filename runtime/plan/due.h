/*
 * due - does what cron.c decided: a job is a one-off as any other, started
 * with the code and config that are live, or a line says why it is not.
 *
 * Called by act.c alone. web is told; what it misses while it is away it
 * learns from the end of the job.
 */
#pragma once
#include "loop.h"

void due_do(struct plan *p, struct app *a, const struct action *act,
    const struct step_env *env);
