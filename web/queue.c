#include "queue.h"

size_t queue_next(const struct queued *v, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && !v[i].built && !v[i + 1].built)
		i++;
	return i;
}

bool queue_is_tainted(
    const struct queued *q, int64_t failed_image, int64_t live_image)
{
	return !q->built && q->image == failed_image && q->image != live_image;
}
