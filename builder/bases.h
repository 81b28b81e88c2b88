/*
 * bases - the layers of the base images: imported into the store when the
 * platform first runs, remembered from then on.
 *
 * STATE/stacks/STACK-NAME.tar is made by set-up. Which layer a tar has become
 * is kept in STATE/builder/bases, a line each: "NAME SIZE MTIME_NS DIGEST";
 * a tar of another size or time is imported anew. What is remembered is
 * checked with the store once.
 */
#pragma once
#include "builder.h"
#include "result.h"

enum base_name { BASE_RUN, BASE_BUILD, BASE_N };

struct bases *bases_new(struct builder *b);
void bases_free(struct bases *all);

/* Are both there? Otherwise starts what is to be done for it. */
bool bases_ready(struct bases *all);
/*
 * Why they can't be made, and forget it, so that the next build tries again;
 * NULL while there is hope.
 */
const char *bases_failed(struct bases *all);
/* Is an import at work (and not a question alone)? */
bool bases_import(const struct bases *all);
const char *bases_digest(const struct bases *all, enum base_name name);
/* plan is gone: what was under way starts again when it is back. */
void bases_lost(struct bases *all);
