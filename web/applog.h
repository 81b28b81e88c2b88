/*
 * applog - what web says about an app in the app's own log.
 *
 * While logd is away a few lines wait; then the oldest are dropped.
 */
#pragma once
#include "web.h"

/* A line as app[api]. */
void applog(struct web *w, int64_t app, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void applog_up(struct web *w); /* logd is there */
