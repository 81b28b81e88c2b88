/*
 * want - what should run, told to plan.
 *
 * LIVE is the newest release that succeeded; NEXT the one that is on its way
 * to replace it. Both are made from the store each time they are sent.
 */
#pragma once
#include "web.h"

/* How many of a type run when nobody has said so: one web, no other. */
uint64_t want_default(struct str type);
/* The release phase is no process of the formation. */
bool want_is_phase(struct str type);

/* Config vars as a sealed descriptor; -1 with err. */
int want_env(struct web *w, int64_t app, int64_t config, struct error *err);
/* Put F_IMAGE and F_LAYER*. */
int want_put_image(
    struct web *w, int64_t image, struct frame_out *o, struct error *err);

/* Tell one slot of an app; without a live release LIVE says nothing. */
void want_live(struct web *w, int64_t app);
void want_next(struct web *w, const struct release *r);
void want_drop_next(struct web *w, int64_t app);
/* After a change of formation or generation. */
void want_again(struct web *w, int64_t app);

/*
 * Are other apps linked to it? They reach it without the router, so that
 * nobody could wake it: it never rests.
 */
bool want_is_linked(struct web *w, int64_t app);

void want_up(struct web *w); /* plan is there: all of it */
