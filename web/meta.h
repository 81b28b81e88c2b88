/*
 * meta - variables about app and release, where the app wants them.
 *
 * Heroku's runtime-dyno-metadata. They stand before the config vars, which
 * win. HEROKU_DYNO_ID is left empty: the launcher fills it in, since jail
 * alone knows which instance it is.
 */
#pragma once
#include "web.h"

#define FEATURE_METADATA "runtime-dyno-metadata"

/* Append "KEY=value\0"... if the app of r has it switched on. */
void meta_add(struct web *w, const struct release *r, struct buf *out);
