#include "bytes.h"

#include <stdlib.h>

#include "base/mem.h"

struct bytes *bytes_new(size_t cap)
{
	struct bytes *b = xmalloc(sizeof(*b) + cap);

	b->cap = cap;
	b->off = b->len = 0;
	return b;
}

struct bytes *pool_get(struct pool *pool)
{
	struct bytes *b;

	if (pool->n == 0)
		return bytes_new(BYTES_BLOCK);
	b = pool->spare[--pool->n];
	b->off = b->len = 0;
	return b;
}

void pool_put(struct pool *pool, struct bytes *b)
{
	if (b && b->cap == BYTES_BLOCK && pool->n < POOL_SPARES)
		pool->spare[pool->n++] = b;
	else
		free(b);
}

void pool_release(struct pool *pool)
{
	while (pool->n > 0)
		free(pool->spare[--pool->n]);
}
