/*
 * lease - a pool of numbered things lent to keys, as long as somebody holds.
 *
 * Pure. Two pools use it: ranges of host ids lent to apps (every instance and
 * every work folder of the app holds a share) and addresses lent to instances.
 * What is lent stands in the instances' records; the pool is rebuilt from
 * them when jail starts. Numbers are handed out in a circle, so that one just
 * returned is the last to be lent again.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Host ids: 64 Ki a range. The first range is the store's, on disk, for all
 * platforms of the host; the others are split among the slots.
 */
#define ID_FIRST 1879048192u
#define ID_RANGE 65536u
#define ID_STORE ID_FIRST
#define SLOTS_MAX 64 /* a /16 of 100.64.0.0/10 each */

struct lease_pool; /* opaque */

/* Numbers first .. first + count - 1. what names them in errors. */
struct lease_pool *lease_new(const char *what, uint32_t first, uint32_t count);
void lease_free(struct lease_pool *p);

/* Hold a share for key: the number it has, or a free one. ERR_LIMIT. */
int lease_take(
    struct lease_pool *p, uint64_t key, uint32_t *ret, struct error *err);
/* Hold a share of a known number; ERR_EXISTS when it is somebody else's. */
int lease_keep(
    struct lease_pool *p, uint64_t key, uint32_t number, struct error *err);
/*
 * Give one share back; a key that holds nothing is fine. With the last one
 * its number is free again and *ret (may be NULL) is set to it: true.
 */
bool lease_drop(struct lease_pool *p, uint64_t key, uint32_t *ret);

/* The share of slot in the ranges: first index (1 is behind the store's). */
int lease_slot(
    uint64_t slot, uint32_t *ret_first, uint32_t *ret_count, struct error *err);
/* The first host id of range number. */
uint32_t lease_base(uint32_t number);
