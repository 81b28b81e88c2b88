/*
 * reflist - refs and what they point to, in order of their names.
 *
 * Pure. A list of changes has ID_ZERO for a ref that goes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "command.h"

struct ref {
	char *name;
	char id[ID_LEN + 1];
};

struct reflist {
	struct ref *list;
	size_t n, cap;
};

void reflist_release(struct reflist *l);
#define scoped_reflist __attribute__((cleanup(reflist_release)))

/* id has ID_LEN bytes, or none. */
void reflist_add(struct reflist *l, struct str name, struct str id);
void reflist_sort(struct reflist *l); /* needed before one of the next three */
const struct ref *reflist_find(const struct reflist *l, struct str name);
/* The index of the first ref whose name is not below name; n at the end. */
size_t reflist_from(const struct reflist *l, struct str name);
/* What base becomes with these changes, both in order. */
struct reflist reflist_apply(
    const struct reflist *base, const struct reflist *changes);
