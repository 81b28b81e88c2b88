/*
 * mem - allocation that aborts when there is no memory, and scoped cleanup.
 *
 * What comes from outside has a limit before anything is allocated for it,
 * so running out is our own bug or the end of the machine.
 */
#pragma once
#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
/* printf into a fresh string; the caller frees it. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline void scoped_free_(void *p)
{
	free(*(void **)p);
}
#define scoped_free __attribute__((cleanup(scoped_free_)))

/* Hand a pointer on: its value, with the variable set to NULL. */
#define take(p)                                                                \
	({                                                                     \
		typeof(p) take_ = (p);                                         \
		(p) = NULL;                                                    \
		take_;                                                         \
	})

#define container_of(ptr, type, member)                                        \
	((type *)((char *)(ptr)-offsetof(type, member)))
