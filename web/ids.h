/*
 * ids - row ids gathered from a list of the store, to walk after it.
 *
 * A list of the store may not be asked for again while it is walked; who
 * wants to change rows collects their ids first.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

struct ids {
	int64_t *v;
	size_t n;
};

static inline void ids_add(void *ids, int64_t id)
{
	struct ids *to = ids;

	to->v = xrealloc(to->v, (to->n + 1) * sizeof(*to->v));
	to->v[to->n++] = id;
}

static inline void ids_release(struct ids *ids)
{
	free(ids->v);
	*ids = (struct ids){0};
}
#define scoped_ids __attribute__((cleanup(ids_release)))
