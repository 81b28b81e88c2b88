/*
 * volumes - the persistent folders of an app: made, grown, destroyed.
 *
 * The rows say which there are; jail has what they hold, makes it when it is
 * first needed and is told, again after a restart of anybody, what is gone.
 * A change of which there are restarts the app's processes. Called by
 * web/api/volumes.c and peers.c.
 */
#pragma once
#include "ask.h"
#include "web.h"

#define VOLUME_LEAST (32ull << 20) /* bytes: room for its own tables */

/* What is asked of jail; done() is called once, unless cancelled. */
struct volume_ask {
	struct ask ask;
	struct web *w;
	int64_t app;
	struct volume volume;
	char email[255];
	uint64_t used, files; /* answered */
	void (*done)(struct volume_ask *a, const struct error *err);
};

/* Write the row, then have it made; a row that can't be is taken back. */
int volumes_create(struct web *w, const struct account *by,
    const struct app *app, const struct volume *v, struct volume_ask *a,
    struct error *err);
/* Have it grown, then write that down. */
int volumes_resize(struct web *w, const struct account *by,
    const struct app *app, const struct volume *v, uint64_t bytes,
    struct volume_ask *a, struct error *err);
/* What is used of it. */
int volumes_look(struct web *w, const struct app *app, const struct volume *v,
    struct volume_ask *a, struct error *err);
int volumes_destroy(struct web *w, const struct account *by,
    const struct app *app, const struct volume *v, struct error *err);

/* plan is back: what is gone is told again. */
void volumes_up(struct web *w);

/* The groups of a WANT or RUN. */
int volumes_put(
    struct web *w, int64_t app, struct frame_out *o, struct error *err);
