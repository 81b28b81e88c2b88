/*
 * queue - which of an app's pending releases goes next.
 *
 * Pure. One release of an app rolls out at a time, in the order of versions.
 * Of several in a row that only change config or go back, the last one has
 * all that the others wanted, so they are passed over. One that a build has
 * made is never passed over: its push waits for what becomes of it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queued {
	int64_t release, image;
	bool built; /* by a build */
};

/* The index in v[0..n) that goes next; those before it are passed over. */
size_t queue_next(const struct queued *v, size_t n);

/*
 * The release with this image failed: is q, which waits, to be made again
 * from what is live? Else it would bring the refused code back.
 */
bool queue_is_tainted(
    const struct queued *q, int64_t failed_image, int64_t live_image);
