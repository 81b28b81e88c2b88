#include "route.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/rand.h"

/* --- what web said -------------------------------------------------------- */

struct route_set {
	struct map *hosts; /* to struct route */
};

struct route_set *route_set_new(void)
{
	struct route_set *s = xcalloc(1, sizeof(*s));

	s->hosts = map_new();
	return s;
}

void route_set_clear(struct route_set *s)
{
	size_t pos = 0;
	void *value;

	while (map_next(s->hosts, &pos, NULL, &value))
		free(value);
	map_free(s->hosts);
	s->hosts = map_new();
}

void route_set_free(struct route_set *s)
{
	if (!s)
		return;
	route_set_clear(s);
	map_free(s->hosts);
	free(s);
}

void route_set_put(struct route_set *s, struct str host, struct route to)
{
	struct route *r = xmalloc(sizeof(*r));

	*r = to;
	free(map_set(s->hosts, host, r));
}

bool route_set_get(
    const struct route_set *s, struct str host, struct route *ret)
{
	const struct route *r = map_get(s->hosts, host);

	if (r)
		*ret = *r;
	return r;
}

void route_set_drop(struct route_set *s, struct str host)
{
	free(map_del(s->hosts, host));
}

/* --- the table: open addressing, at most half full ------------------------ */

struct entry {
	uint64_t hash;
	struct str host; /* p is NULL in an empty one */
	struct route to;
};

struct route_table {
	uint64_t seed; /* hosts come from users: don't let them collide */
	size_t mask;
	char *text; /* of all hosts */
	struct entry entries[];
};

static uint64_t hash_host(const struct route_table *t, struct str host)
{
	uint64_t h = t->seed;

	for (size_t i = 0; i < host.len; i++) {
		h = (h ^ (unsigned char)host.p[i]) *
		    UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

static struct entry *entry_of(struct route_table *t, uint64_t hash)
{
	size_t i = hash & t->mask;

	while (t->entries[i].host.p)
		i = (i + 1) & t->mask;
	return &t->entries[i];
}

struct route_table *route_table_new(const struct route_set *s)
{
	size_t n = 8, pos = 0, bytes = 0;
	struct route_table *t;
	struct str host;
	void *value;

	while (n < map_len(s->hosts) * 2)
		n *= 2;
	while (map_next(s->hosts, &pos, &host, NULL))
		bytes += host.len;
	t = xcalloc(1, sizeof(*t) + n * sizeof(struct entry));
	t->seed = rand_u64();
	t->mask = n - 1;
	t->text = xmalloc(bytes + 1);
	bytes = 0;
	for (pos = 0; map_next(s->hosts, &pos, &host, &value);) {
		char *copy = t->text + bytes;
		struct entry *e;

		if (host.len > 0)
			memcpy(copy, host.p, host.len);
		bytes += host.len;
		host.p = copy;
		e = entry_of(t, hash_host(t, host));
		*e = (struct entry){
		    hash_host(t, host), host, *(const struct route *)value};
	}
	return t;
}

void route_table_free(struct route_table *t)
{
	if (!t)
		return;
	free(t->text);
	free(t);
}

bool route_find(const struct route_table *t, struct str host, struct route *ret)
{
	uint64_t hash = hash_host(t, host);

	for (size_t i = hash & t->mask; t->entries[i].host.p;
	     i = (i + 1) & t->mask) {
		const struct entry *e = &t->entries[i];

		if (e->hash == hash && str_eq(e->host, host)) {
			*ret = e->to;
			return true;
		}
	}
	return false;
}

struct str route_host_of(const struct route_table *t, uint64_t app)
{
	for (size_t i = 0; i <= t->mask; i++) {
		const struct entry *e = &t->entries[i];

		if (e->host.p && e->to.to == ROUTE_APP && e->to.app == app)
			return e->host;
	}
	return (struct str){0};
}

/* --- hosts and paths ------------------------------------------------------ */

struct str host_plain(struct str host, char mem[254])
{
	size_t n = host.len;

	/* The port: what follows the last colon, unless that is in "[...]". */
	while (n > 0 && host.p[n - 1] >= '0' && host.p[n - 1] <= '9')
		n--;
	if (n > 0 && host.p[n - 1] == ':')
		host.len = n - 1;
	if (host.len > 0 && host.p[host.len - 1] == '.')
		host.len--;
	if (host.len > NAME_HOST_MAX)
		return (struct str){0};
	for (size_t i = 0; i < host.len; i++) {
		char c = host.p[i];

		mem[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return str_make(mem, host.len);
}

bool host_is_ip(struct str host)
{
	char z[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	int family = AF_INET;

	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
		host = str_sub(host, 1, host.len - 1);
		family = AF_INET6;
	}
	if (host.len == 0 || host.len >= sizeof(z))
		return false;
	memcpy(z, host.p, host.len);
	z[host.len] = '\0';
	return inet_pton(family, z, &addr) == 1;
}

bool path_is_git(struct str path)
{
	struct str target = path, name;

	(void)str_split(&target, '?', &path);
	if (path.len == 0 || path.p[0] != '/')
		return false;
	path = str_sub(path, 1, path.len);
	(void)str_split(&path, '/', &name);
	return path.p && name.len > 4 && str_ends(name, STR(".git"));
}

struct str path_secret(struct str path)
{
	struct str secret = {0};

	if (str_starts(path, STR("/attach/")))
		secret = str_sub(path, 8, path.len);
	return name_secret(secret) ? secret : (struct str){0};
}
