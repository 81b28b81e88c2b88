/*
 * fetch - one upload-pack request: a worker's output, passed on as it comes.
 *
 * Ends with its client.
 */
#pragma once
#include "body.h"
#include "repo.h"
#include "stream.h"
#include "target.h"

struct fetch; /* opaque */

/*
 * Answer into out (left when it ends; *holder is set to NULL then). refs asks
 * for the list alone.
 */
struct fetch *fetch_new(struct repo *repo, bool refs, enum protocol protocol,
    struct stream *out, struct fetch **holder);
/* Start it; body is the request's, NULL when there is none. */
void fetch_ready(struct fetch *f, struct body *body);
/* The client is gone; NULL is fine. */
void fetch_cancel(struct fetch *f);
