/*
 * gone - destroyed apps, until every program has let go of its part.
 *
 * plan stops what runs and has jail remove files, logd its lines, gitd the
 * repository. Each is told until it says OK, across restarts of either side.
 */
#pragma once
#include "web.h"

/* The app's rows are removed: tell all three. */
void gone_tell(struct web *w, uint64_t app);
/* A peer is there: tell it what it has not answered. */
void gone_up(struct web *w, enum gone who);
