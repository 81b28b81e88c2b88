/*
 * reflist - the refs of a repository at one moment, in order of their names.
 *
 * Pure: filled by refs.c, asked by policy.c and advert.c.
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

void reflist_add(struct reflist *l, const char *name, const char *id);
void reflist_sort(struct reflist *l); /* needed before one of the next two */
const struct ref *reflist_find(const struct reflist *l, struct str name);
/* The index of the first ref whose name is not below name; n at the end. */
size_t reflist_from(const struct reflist *l, struct str name);
