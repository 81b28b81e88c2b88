/*
 * drain - an address that an app's lines are sent to, and how far it is.
 *
 * Lines are read from the app's segments as a follower reads them, gathered
 * into batches and given to outbound, which tells what became of them
 * (ipc/msg.h). How far what has arrived goes is kept in STATE/logd/drain-ID;
 * so a batch may arrive twice when a program dies, but none is left out. What
 * was removed before it could be sent is counted and told as L10.
 *
 *   IDLE --line--> SOON --> SENDING (up to RING_MAX batches under way)
 *   SENDING --failed--> WAITING --time--> SENDING, from what has arrived last
 *
 * Tries go on for as long as the drain is there, with growing pauses; the
 * app's log says once that one fails, and why. A drain costs no wake-up while
 * there are no lines.
 */
#pragma once
#include <stdint.h>

#include "base/str.h"
#include "logd.h"

#define DRAIN_BATCH_BYTES (256u * 1024) /* and room for one line more */
#define DRAIN_BATCH_LINES 1000
#define DRAIN_SOON_MS 100     /* lines gather for so long */
#define DRAIN_RETRY_MS 500    /* the first pause; each next one is longer */
#define DRAIN_RETRY_MAX 60000 /* but no longer than this */
#define RING_MAX 64           /* batches of a drain under way */

struct drain_spec {
	uint64_t id, app, since_ms;
	struct str url, token;
};

/* Make it, or leave the one of this id as it is. */
void drain_put(struct logd *d, const struct drain_spec *spec);
/* Stop it and forget how far it is. */
void drain_drop(struct logd *d, uint64_t id);
/* All that are put between these two stay, others go. */
void drains_begin(struct logd *d);
void drains_end(struct logd *d);
void drains_release(struct logd *d);

/* For app.c. */
void drains_grown(struct app_log *a, const struct seg *seg); /* NULL: any */
void drains_forfeit(struct app_log *a, const struct seg *seg);
void drains_drop_all(struct app_log *a);

/* For link.c: what outbound tells. */
void drain_sent(struct logd *d, uint64_t id, uint64_t seq);
void drain_done(struct logd *d, uint64_t id, uint64_t seq);
void drain_failed(
    struct logd *d, uint64_t id, uint64_t seq, uint64_t code, struct str text);
void drains_lost(struct logd *d); /* outbound went away */

/* link.c: a connection to outbound, made when there is none. NULL: not now. */
struct peer *link_get(struct logd *d);
void link_release(struct logd *d);
