/*
 * blog - the log of a build: what its jobs print is copied, masked and up to
 * a limit; what the builder says itself always gets in.
 *
 * Owns the descriptor that web gave, which appends. Calls grown() when there
 * is more to read, at once and then at most each BLOG_TICK_MS.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "ev/ev.h"
#include "mask.h"

#define BLOG_MAX (16u << 20) /* bytes that the jobs of a build may print */
#define BLOG_TICK_MS 20

struct blog {
	struct ev *ev;
	int fd;
	struct mask *mask;
	uint64_t copied;
	bool cut;  /* the limit is reached */
	bool open; /* the last line has no end yet */
	struct ev_timer timer;
	uint64_t told_ms;
	void (*grown)(struct blog *l);
};

/* fd is taken; config are the values to hide. */
void blog_open(struct blog *l, struct ev *ev, int fd, struct str config,
    void (*grown)(struct blog *l));
void blog_close(struct blog *l);

/* Copy what a job printed. */
void blog_copy(struct blog *l, struct str bytes);
/* The job has ended: nothing is held back any more. */
void blog_flush(struct blog *l);
/* A line of our own, "-----> " and the like included. */
void blog_say(struct blog *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
uint64_t blog_size(const struct blog *l); /* of the file */
