/*
 * works - the work folders of builds, so that none outlives its builder.
 *
 * A work (its files are memory) is made by jail for the first job that names
 * it and removed when builder says WORK_DROP. When builder goes away, plan
 * says so for it once no instance works there any more. Those of adopted jobs
 * are among them; of others an earlier plan does not tell.
 */
#pragma once
#include "loop.h"

/* A job of a connected builder names it; or an adopted one: an orphan. */
void works_add(struct plan *p, uint64_t work, bool orphan);
void works_dropped(struct plan *p, uint64_t work); /* builder did it */
void works_builder_gone(struct plan *p);
void works_drop_unused(struct plan *p); /* as far as jail is there */
void works_release(struct plan *p);
