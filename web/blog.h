/*
 * blog - the log of a build: a file that grows, and who reads along.
 *
 * builder appends what the build says through a descriptor of its own; web
 * appends what comes before and after. Readers are told that it grew.
 */
#pragma once
#include "web.h"

/* Its descriptor, made if it is not there: O_APPEND, or to read. */
int blog_open(struct web *w, int64_t build, bool append, struct error *err);
void blog_remove(struct web *w, int64_t build);

/* Append text and tell the readers. */
void blog_add(struct web *w, int64_t build, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Does the end of the log hold this text already? */
bool blog_has(struct web *w, int64_t build, struct str text);
/* The file has grown, or the build has ended: tell the readers. */
void blog_grown(struct web *w, int64_t build);

struct blog_watch {
	struct list item;
	int64_t build;
	void (*grown)(struct blog_watch *watch);
};

/* Builds were removed: have every reader look. */
void blog_check_all(struct web *w);
void blog_watch_add(struct web *w, struct blog_watch *watch);
void blog_watch_del(struct blog_watch *watch);
