/*
 * map - a hash table from a 64-bit id or a byte string to a pointer.
 *
 * Keys are copied; values are the caller's. Seeded at random, so keys from
 * outside can't be chosen to collide. Not for more than 2^31 entries.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map; /* opaque */

struct map *map_new(void);
void map_free(struct map *m); /* the values stay the caller's; NULL is fine */
size_t map_len(const struct map *m);

void *map_get(const struct map *m, struct str key);
/* Set key to value; returns the value it replaces, or NULL. */
void *map_set(struct map *m, struct str key, void *value);
/* Remove key; returns its value, or NULL. */
void *map_del(struct map *m, struct str key);

void *map_get_id(const struct map *m, uint64_t id);
void *map_set_id(struct map *m, uint64_t id, void *value);
void *map_del_id(struct map *m, uint64_t id);

/*
 * Walk all entries: start with pos 0; false at the end. The map may not be
 * changed while walking, except by deleting the entry just returned.
 */
bool map_next(
    const struct map *m, size_t *pos, struct str *ret_key, void **ret_value);
