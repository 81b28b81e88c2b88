/*
 * url - the addresses that people are given.
 *
 * Pure: from the settings alone.
 */
#pragma once
#include "base/buf.h"
#include "proc/settings.h"

/* "http://NAME.apps_domain:PORT/" */
void url_of_app(const struct settings *s, const char *app, struct buf *out);
/* "http://HOST:PORT/NAME.git" */
void url_of_git(const struct settings *s, const char *app, struct buf *out);
