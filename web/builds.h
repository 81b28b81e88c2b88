/*
 * builds - what builder is to build, and what came of it.
 *
 * A build without a release is sent to builder each time that it connects;
 * one that it works on already goes on. A build that takes builder down
 * three times is given up.
 */
#pragma once
#include "ids.h"
#include "web.h"

#define BUILD_ATTEMPTS 3

/* A new one: send it, or have it wait for builder. */
void builds_start(struct web *w, int64_t build);
/* Fail it, wherever it is on its way; its push is refused. */
int builds_cancel(
    struct web *w, int64_t build, const char *reason, struct error *err);
/* Their app is destroyed: stop those that wait, remove the logs of all. */
void builds_forget(
    struct web *w, const struct ids *waiting, const struct ids *all);

void builds_up(struct web *w); /* builder is there */
void builds_down(struct web *w);

/* peers.c: frames of builder. */
void builds_tick(struct web *w, struct peer *p, struct frame *f);
void builds_stage(struct web *w, struct peer *p, struct frame *f);
void builds_done(struct web *w, struct peer *p, struct frame *f);
void builds_failed(struct web *w, struct peer *p, struct frame *f);
