/*
 * bytes - blocks of bytes that a connection holds only while some wait.
 *
 * A block is taken from the loop's pool to read into, and goes back as soon
 * as it is empty; what has to wait longer moves to a block of its own size.
 * So an idle connection costs no buffer, and the blocks in use stay warm.
 */
#pragma once
#include <stddef.h>

#include "base/str.h"

/* A whole head must fit, and a little of what follows it. */
#define BYTES_BLOCK ((size_t)72 * 1024)

struct bytes {
	size_t cap, off, len; /* the content is len bytes at p + off */
	char p[];
};

#define POOL_SPARES 4
struct pool {
	struct bytes *spare[POOL_SPARES];
	unsigned n;
};

struct bytes *bytes_new(size_t cap);
struct bytes *pool_get(struct pool *pool); /* an empty block of BYTES_BLOCK */
void pool_put(struct pool *pool, struct bytes *b); /* any block; NULL is fine */
void pool_release(struct pool *pool);

static inline char *bytes_at(struct bytes *b)
{
	return b->p + b->off;
}

static inline struct str bytes_str(const struct bytes *b)
{
	return str_make(b->p + b->off, b->len);
}

/* Drop n bytes off the front. */
static inline void bytes_drop(struct bytes *b, size_t n)
{
	b->off += n;
	b->len -= n;
}
