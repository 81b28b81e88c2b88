#include "reflist.h"

#include <stdio.h>

#include "base/mem.h"

void reflist_release(struct reflist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i].name);
	free(l->list);
	*l = (struct reflist){0};
}

void reflist_add(struct reflist *l, const char *name, const char *id)
{
	struct ref *to;

	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 8;
		l->list = xrealloc(l->list, l->cap * sizeof(*l->list));
	}
	to = &l->list[l->n++];
	to->name = xstrdup(name);
	snprintf(to->id, sizeof(to->id), "%s", id);
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
