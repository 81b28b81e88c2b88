/*
 * act - does what step decided: frames to jail, router, web, builder, logd.
 *
 * Called by loop.c alone, which asks step again afterwards.
 */
#pragma once
#include "loop.h"

void act_do(struct plan *p, struct app *a, const struct action *act,
    const struct step_env *env);
/* The one-off or job has started: tell who waits, keep nothing more. */
void act_started(struct plan *p, struct inst *in);
/* The app is gone from here and from jail: tell web. */
void act_gone_done(struct plan *p, struct app *a);
