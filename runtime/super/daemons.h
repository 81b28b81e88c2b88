/*
 * daemons - the platform's programs and their lives.
 *
 *   DOWN --start--> STARTING --ready line--> UP --exit--> DOWN (back-off)
 *
 * A daemon found running by its pid record at start is adopted as UP.
 * Owned by super; each start hands in the descriptors that its row names.
 */
#pragma once
#include <stdbool.h>

#include "ev/ev.h"
#include "proc/settings.h"
#include "programs.h"
#include "sockets.h"

struct daemons; /* opaque */

struct daemons_ops {
	void (*all_ready)(void *ctx); /* every time the last one gets ready */
	void (*all_gone)(void *ctx);  /* after daemons_stop */
	/* After daemons_replace: all are up, or failed is not. */
	void (*replaced)(void *ctx, const char *failed);
};

/* pid_dir is the run folder's pid/; conf and token are sealed memfds. */
struct daemons *daemons_new(struct ev *ev, const struct programs *programs,
    const struct sockets *sockets, int pid_dir, int conf, int token,
    const struct daemons_ops *ops, void *ctx);
void daemons_free(struct daemons *d);

/* End what an earlier holder left running, whose sockets are gone. */
void daemons_end_stale(int pid_dir);
/* Adopt what runs under this holder and start the rest. */
void daemons_start(struct daemons *d);

/*
 * Replace the daemon of this name, or with NULL all of them, one after the
 * other: each is ended, started anew and waited for. The router comes last;
 * where it still serves requests, its successor starts beside it.
 */
int daemons_replace(struct daemons *d, const char *name, struct error *err);
bool daemons_has(const char *name);
const char *daemons_names(void); /* "logd, jail, ..." */

/*
 * Stop: with apps, plan is told first to bring every instance down; then all
 * get SIGTERM, the router last, and SIGKILL when they take too long.
 */
void daemons_stop(struct daemons *d, bool apps, uint64_t plan_ms);
