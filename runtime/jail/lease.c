#include "lease.h"

#include <inttypes.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

/* 4094 ranges lie between ID_FIRST and 2147352575; the store has one. */
#define SLOT0_RANGES 2048u /* a host's first platform is its main one */
#define SLOT_RANGES 32u    /* the others are for tests and trials */

struct lease {
	uint64_t key;
	uint32_t number;
	uint32_t shares;
};

struct lease_pool {
	const char *what;
	uint32_t first, count, next;
	struct map *by_key, *by_number;
};

struct lease_pool *lease_new(const char *what, uint32_t first, uint32_t count)
{
	struct lease_pool *p = xcalloc(1, sizeof(*p));

	p->what = what;
	p->first = first;
	p->count = count;
	p->by_key = map_new();
	p->by_number = map_new();
	return p;
}

void lease_free(struct lease_pool *p)
{
	size_t pos = 0;
	void *value;

	if (!p)
		return;
	while (map_next(p->by_key, &pos, NULL, &value))
		free(value);
	map_free(p->by_key);
	map_free(p->by_number);
	free(p);
}

static void lease_add(struct lease_pool *p, uint64_t key, uint32_t number)
{
	struct lease *l = xcalloc(1, sizeof(*l));

	*l = (struct lease){.key = key, .number = number, .shares = 1};
	map_set_id(p->by_key, key, l);
	map_set_id(p->by_number, number, l);
}

int lease_take(
    struct lease_pool *p, uint64_t key, uint32_t *ret, struct error *err)
{
	struct lease *l = map_get_id(p->by_key, key);

	if (l) {
		l->shares++;
		*ret = l->number;
		return 0;
	}
	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t number = p->first + (p->next + i) % p->count;

		if (map_get_id(p->by_number, number))
			continue;
		p->next = (p->next + i + 1) % p->count;
		lease_add(p, key, number);
		*ret = number;
		return 0;
	}
	return error_set(
	    err, ERR_LIMIT, "all %" PRIu32 " %s are in use", p->count, p->what);
}

int lease_keep(
    struct lease_pool *p, uint64_t key, uint32_t number, struct error *err)
{
	struct lease *l = map_get_id(p->by_key, key);
	struct lease *there = map_get_id(p->by_number, number);

	if (number < p->first || number - p->first >= p->count)
		return error_set(err, ERR_INVALID,
		    "%s: %" PRIu32 " is not ours", p->what, number);
	if (there != l)
		return error_set(err, ERR_EXISTS,
		    "%s: %" PRIu32 " is in use twice", p->what, number);
	if (l)
		l->shares++;
	else
		lease_add(p, key, number);
	return 0;
}

bool lease_drop(struct lease_pool *p, uint64_t key, uint32_t *ret)
{
	struct lease *l = map_get_id(p->by_key, key);

	if (!l || --l->shares > 0)
		return false;
	map_del_id(p->by_key, key);
	map_del_id(p->by_number, l->number);
	if (ret)
		*ret = l->number;
	free(l);
	return true;
}

int lease_slot(
    uint64_t slot, uint32_t *ret_first, uint32_t *ret_count, struct error *err)
{
	if (slot >= SLOTS_MAX)
		return error_set(err, ERR_LIMIT,
		    "slot %" PRIu64 ": at most %d platforms on one host", slot,
		    SLOTS_MAX);
	*ret_first = 1;
	*ret_count = SLOT0_RANGES;
	if (slot > 0) {
		*ret_first =
		    1 + SLOT0_RANGES + ((uint32_t)slot - 1) * SLOT_RANGES;
		*ret_count = SLOT_RANGES;
	}
	return 0;
}

uint32_t lease_base(uint32_t number)
{
	return ID_FIRST + number * ID_RANGE;
}
