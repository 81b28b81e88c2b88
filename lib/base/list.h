/*
 * list - an intrusive doubly linked ring.
 *
 * The element embeds a struct list; a head is a struct list that points to
 * itself. Owns nothing.
 */
#pragma once
#include <stdbool.h>

#include "base/mem.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Put item before at: at the end of the ring when at is the head. */
static inline void list_add(struct list *at, struct list *item)
{
	item->prev = at->prev;
	item->next = at;
	at->prev->next = item;
	at->prev = item;
}

/* Take item out; it becomes a ring of its own, so twice is harmless. */
static inline void list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

/* Loop over the elements; the current one may be taken out. Nests. */
#define LIST_NAME_(a, line) a##line
#define LIST_NAME(a, line) LIST_NAME_(a, line)
#define list_each_(item, head, member, it, nx)                                 \
	for (struct list *it = (head)->next, *nx = it->next;                   \
	     it != (head) &&                                                   \
	     ((item) = container_of(it, typeof(*(item)), member), 1);          \
	     it = nx, nx = it->next)
#define list_each(item, head, member)                                          \
	list_each_(item, head, member, LIST_NAME(it_, __LINE__),               \
	    LIST_NAME(nx_, __LINE__))
