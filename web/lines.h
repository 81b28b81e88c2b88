/*
 * lines - the last lines of a process, asked of logd.
 *
 * done() is called once, by the loop, with the lines as they were written,
 * without time and source; empty when logd is away or slow.
 */
#pragma once
#include "web.h"

struct lines; /* opaque */

/* instance 0: all that had the name. */
struct lines *lines_ask(struct web *w, int64_t app, const char *proc,
    uint64_t instance, unsigned most, void (*done)(void *arg, struct str text),
    void *arg);
void lines_cancel(struct lines *l); /* NULL is fine */
