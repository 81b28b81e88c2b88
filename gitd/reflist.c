#include "reflist.h"

#include "base/mem.h"

void reflist_release(struct reflist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i].name);
	free(l->list);
	*l = (struct reflist){0};
}

void reflist_add(struct reflist *l, struct str name, struct str id)
{
	struct ref *to;

	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 8;
		l->list = xrealloc(l->list, l->cap * sizeof(*l->list));
	}
	to = &l->list[l->n++];
	to->name = str_dup(name);
	str_copy(id, to->id, sizeof(to->id));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
	    ((const struct ref *)a)->name, ((const struct ref *)b)->name);
}

void reflist_sort(struct reflist *l)
{
	if (l->n)
		qsort(l->list, l->n, sizeof(*l->list), by_name);
}

size_t reflist_from(const struct reflist *l, struct str name)
{
	size_t from = 0, to = l->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (str_cmp(str_z(l->list[mid].name), name) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

const struct ref *reflist_find(const struct reflist *l, struct str name)
{
	size_t i = reflist_from(l, name);

	if (i < l->n && str_eqz(name, l->list[i].name))
		return &l->list[i];
	return NULL;
}

static void add_unless_gone(struct reflist *l, const struct ref *ref)
{
	if (strcmp(ref->id, ID_ZERO) != 0)
		reflist_add(l, str_z(ref->name), str_z(ref->id));
}

struct reflist reflist_apply(
    const struct reflist *base, const struct reflist *changes)
{
	struct reflist made = {0};
	size_t b = 0, c = 0;

	while (b < base->n || c < changes->n) {
		int order = b == base->n      ? 1
		            : c == changes->n ? -1
		                              : strcmp(base->list[b].name,
		                                    changes->list[c].name);

		if (order < 0)
			add_unless_gone(&made, &base->list[b]);
		else
			add_unless_gone(&made, &changes->list[c]);
		b += order <= 0;
		c += order >= 0;
	}
	return made;
}
