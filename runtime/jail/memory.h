/*
 * memory - says when an instance has used up its memory.
 *
 * The kernel tells: on v1 by an eventfd for crossing nine tenths of the limit,
 * for pressure and for kills, on v2 by changes of memory.events. Each time
 * jail looks at what can't be reclaimed (anonymous memory and files in
 * memory; the page cache is the kernel's to take back) and at the count of
 * kills, and tells plan, which writes the lines. Nothing is polled: after a
 * word of the kernel it is not listened to for a second.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "ev/ev.h"

struct instance;

#define MEMORY_WARN_PERCENT 90 /* of the limit, from where on it is told */

struct memory_watch {
	struct ev_io io; /* fd -1 while it is not watched */
	struct ev_timer pause;
	int group; /* its folder in the hierarchy of memory */
	bool v2;
	uint64_t kills, told_ms;
};

void memory_init(struct memory_watch *m);
/* From now on; what the host can't tell is not told. Jobs are none of it. */
void memory_watch(struct instance *in);
void memory_unwatch(struct instance *in); /* twice is harmless */

/* Bytes that it uses now; 0 when it is not watched. */
uint64_t memory_of(const struct memory_watch *m);
/* Bytes that can't be reclaimed, from the text of memory.stat. Pure. */
uint64_t memory_used(struct str stat);
