/*
 * apply - puts down in the model that an action of step.h is done.
 *
 * Pure: the action itself (frames, log lines) is the caller's. After it, step
 * does not ask for the same again. Called by loop.c and by the unit tests.
 */
#pragma once
#include "step.h"

/* id: of the new instance, for ACT_START of a process of the formation. */
void apply(struct model *m, struct app *a, const struct action *act,
    const struct step_env *env, uint64_t id, uint64_t real_ms);
