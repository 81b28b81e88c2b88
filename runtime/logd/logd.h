/*
 * logd - the lines of all apps: who writes, who follows, what is removed.
 *
 * An app is made here when it is first written or followed, and stays until
 * LOG_DROP. Its folder is made by jail with the app's first instance; until
 * then logd's own lines wait in its own folder (writer.h). All folders are
 * watched for new segments (trim.h), and for every write while somebody
 * follows or a drain is there (drain.h). An idle logd sleeps.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "ev/ev.h"
#include "proc/settings.h"
#include "reader.h"
#include "writer.h"

#define FOLLOWERS_MAX 256        /* of all apps */
#define FOLLOW_BUF (160u * 1024) /* bytes waiting for one follower */

enum own_stream { OWN_PLATFORM, OWN_ROUTER, OWN_N };

struct peer;

struct logd {
	struct ev *ev;
	const struct settings *settings;
	int own_dir;           /* STATE/logd: places of drains, waiting lines */
	struct map *apps;      /* by id: struct app_log */
	struct map *watches;   /* by number: struct app_log */
	struct map *drains;    /* by id: struct drain of drain.c */
	struct peer *outbound; /* while there is one */
	struct ev_timer trim;
	bool trim_all;
	size_t followers;
	size_t open_dirs; /* app folders held open, with their writers' files */
	struct ev_io notify; /* inotify */
	int root_watch;
	struct writer_limits limits[OWN_N];
};

struct app_log {
	struct logd *d;
	uint64_t id;
	int dir;   /* its folder, -1 when closed or not there yet */
	int watch; /* of inotify, -1: none */
	struct writer own[OWN_N];
	struct list followers, drains;
	uint64_t bytes; /* of its segments, when it was last looked at */
	bool grew;      /* since then */
};

int logd_init(struct logd *d, struct ev *ev, const struct settings *settings,
    struct error *err);
void logd_release(struct logd *d);

/* Write text of this origin; router is for the router's request lines. */
void logd_write(struct logd *d, uint64_t app, bool router, struct origin o,
    struct str text);
/* The app is gone: remove logd's files, end its followers. */
void logd_drop(struct logd *d, uint64_t app);

struct follow_request {
	uint64_t app;
	struct filter filter;
	uint64_t lines;
	bool tail;
	bool marks;       /* each line behind its id of wire/logpos.h */
	struct str after; /* a position: lines behind it, else the last ones */
};

/* Serve a follower that reads fd, a pipe (taken on success). */
int logd_follow(
    struct logd *d, const struct follow_request *q, int fd, struct error *err);

/* app.c, for follow.c */
struct app_log *app_get(struct logd *d, uint64_t id);
int app_dir(struct app_log *a);    /* its folder, borrowed; -1: there is none */
void app_watch(struct app_log *a); /* as its followers and drains need */
/* The segment of logd's own that waits for the folder, borrowed, or -1. */
int app_memory(void *a, const char *name);
/* follow.c, for app.c: seg has grown; NULL: any may have. */
void follow_grown(struct app_log *a, const struct seg *seg);
void follow_end_all(struct app_log *a);
