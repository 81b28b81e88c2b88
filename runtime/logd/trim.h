/*
 * trim - what is removed so that logs stay within their bounds.
 *
 * An app's segments take at most log_app bytes together, those of all apps
 * log_host; each may be passed by the segments that are being written. The
 * oldest ones of instances that have ended go first, then the oldest of
 * others, never the one being written. A shim bounds its own by itself.
 *
 * Looked at when a segment is begun, and once at the start: nothing grows
 * otherwise, so there is no timer while nothing happens.
 */
#pragma once
#include "logd.h"

#define TRIM_MS 500         /* segments begun meanwhile are one occasion */
#define ENDED_FILES_MAX 256 /* segments of ended instances, of one app */

/* A segment of this app was begun; NULL: all apps are looked at. */
void trim_want(struct logd *d, struct app_log *a);
void trim_init(struct logd *d);
void trim_release(struct logd *d);

/* Has the instance of this segment ended for good? */
bool trim_ended(const struct logd *d, const struct seg *s);
