/*
 * Open addressing with linear probing. A deleted slot is left as a tomb, so
 * that probes go on past it and a walk survives deletions; tombs go away
 * when the table is next rebuilt, which only map_set does.
 */
#include "base/map.h"

#include <assert.h>

#include "base/mem.h"
#include "base/rand.h"

#define FIRST_SLOTS 16
#define SHORT_KEY 16 /* bytes kept in the slot itself */

enum slot_state { SLOT_EMPTY, SLOT_TOMB, SLOT_USED };

struct slot {
	uint64_t hash;
	void *value;
	uint32_t len;
	uint8_t state;
	union {
		char bytes[SHORT_KEY];
		char *heap;
	} key;
};

struct map {
	struct slot *slots;
	size_t nslots; /* a power of two */
	size_t used, tombs;
	uint64_t seed[2];
};

/* --- SipHash-1-3 (Aumasson, Bernstein) ----------------------------------- */

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint64_t sip_hash(const uint64_t seed[2], struct str s)
{
	uint64_t v[4] = {
	    seed[0] ^ UINT64_C(0x736f6d6570736575),
	    seed[1] ^ UINT64_C(0x646f72616e646f6d),
	    seed[0] ^ UINT64_C(0x6c7967656e657261),
	    seed[1] ^ UINT64_C(0x7465646279746573),
	};
	uint64_t word, last = (uint64_t)s.len << 56;
	size_t i;

	for (i = 0; i + 8 <= s.len; i += 8) {
		memcpy(&word, s.p + i, 8);
		sip_word(v, word);
	}
	for (size_t shift = 0; i < s.len; i++, shift += 8)
		last |= (uint64_t)(unsigned char)s.p[i] << shift;
	sip_word(v, last);
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* --- slots --------------------------------------------------------------- */

static struct str slot_key(const struct slot *s)
{
	return str_make(
	    s->len <= SHORT_KEY ? s->key.bytes : s->key.heap, s->len);
}

static void slot_clear(struct slot *s, enum slot_state state)
{
	if (s->state == SLOT_USED && s->len > SHORT_KEY)
		free(s->key.heap);
	*s = (struct slot){.state = (uint8_t)state};
}

/* The slot of key, or NULL; *ret_free is where it would go. */
static struct slot *find(
    const struct map *m, uint64_t hash, struct str key, struct slot **ret_free)
{
	struct slot *first_free = NULL;
	size_t mask = m->nslots - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct slot *s = &m->slots[i];

		if (s->state != SLOT_USED && !first_free)
			first_free = s;
		if (s->state == SLOT_EMPTY)
			break;
		if (s->state == SLOT_USED && s->hash == hash &&
		    str_eq(slot_key(s), key))
			return s;
	}
	if (ret_free)
		*ret_free = first_free;
	return NULL;
}

static void rebuild(struct map *m)
{
	struct slot *old = m->slots;
	size_t n = m->nslots, want = FIRST_SLOTS;

	while (want < m->used * 2 + 2)
		want *= 2;
	m->slots = xcalloc(want, sizeof(*m->slots));
	m->nslots = want;
	m->tombs = 0;
	for (size_t i = 0; i < n; i++) {
		struct slot *to;

		if (old[i].state != SLOT_USED)
			continue;
		(void)find(m, old[i].hash, slot_key(&old[i]), &to);
		*to = old[i];
	}
	free(old);
}

/* --- the interface ------------------------------------------------------- */

struct map *map_new(void)
{
	struct map *m = xcalloc(1, sizeof(*m));

	m->nslots = FIRST_SLOTS;
	m->slots = xcalloc(m->nslots, sizeof(*m->slots));
	rand_bytes(m->seed, sizeof(m->seed));
	return m;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->nslots; i++)
		slot_clear(&m->slots[i], SLOT_EMPTY);
	free(m->slots);
	free(m);
}

size_t map_len(const struct map *m)
{
	return m->used;
}

void *map_get(const struct map *m, struct str key)
{
	struct slot *s = find(m, sip_hash(m->seed, key), key, NULL);

	return s ? s->value : NULL;
}

void *map_set(struct map *m, struct str key, void *value)
{
	uint64_t hash = sip_hash(m->seed, key);
	struct slot *to, *s = find(m, hash, key, NULL);
	void *old;

	if (s) {
		old = s->value;
		s->value = value;
		return old;
	}
	assert(key.len <= UINT32_MAX);
	if ((m->used + m->tombs + 1) * 4 > m->nslots * 3)
		rebuild(m);
	(void)find(m, hash, key, &to);
	if (to->state == SLOT_TOMB)
		m->tombs--;
	*to = (struct slot){.hash = hash,
	    .value = value,
	    .len = (uint32_t)key.len,
	    .state = SLOT_USED};
	if (key.len > SHORT_KEY)
		to->key.heap = str_dup(key);
	else if (key.len > 0)
		memcpy(to->key.bytes, key.p, key.len);
	m->used++;
	return NULL;
}

void *map_del(struct map *m, struct str key)
{
	struct slot *s = find(m, sip_hash(m->seed, key), key, NULL);
	size_t next;
	void *value;

	if (!s)
		return NULL;
	value = s->value;
	next = ((size_t)(s - m->slots) + 1) & (m->nslots - 1);
	if (m->slots[next].state == SLOT_EMPTY) {
		slot_clear(s, SLOT_EMPTY);
	} else {
		slot_clear(s, SLOT_TOMB);
		m->tombs++;
	}
	m->used--;
	return value;
}

static struct str id_key(const uint64_t *id)
{
	return str_make(id, sizeof(*id));
}

void *map_get_id(const struct map *m, uint64_t id)
{
	return map_get(m, id_key(&id));
}

void *map_set_id(struct map *m, uint64_t id, void *value)
{
	return map_set(m, id_key(&id), value);
}

void *map_del_id(struct map *m, uint64_t id)
{
	return map_del(m, id_key(&id));
}

bool map_next(
    const struct map *m, size_t *pos, struct str *ret_key, void **ret_value)
{
	while (*pos < m->nslots) {
		const struct slot *s = &m->slots[(*pos)++];

		if (s->state != SLOT_USED)
			continue;
		if (ret_key)
			*ret_key = slot_key(s);
		if (ret_value)
			*ret_value = s->value;
		return true;
	}
	return false;
}
