/*
 * command - one ref that a push asks to change, and what became of it.
 *
 * Pure. A command without a reason (why) is, or may be, carried out.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define ID_LEN 40
#define ID_ZERO "0000000000000000000000000000000000000000"

struct command {
	char *name;
	char old[ID_LEN + 1], new[ID_LEN + 1]; /* ID_ZERO: no such ref */
	char *why;  /* it is refused; NULL when it is not */
	bool waits; /* for its build */
	bool moved; /* done */
};

struct commands {
	struct command *list;
	size_t n, cap;
};

void commands_release(struct commands *c);
/* old and new are 40 hex digits each. */
void commands_add(
    struct commands *c, struct str name, struct str old, struct str new);

static inline bool command_creates(const struct command *c)
{
	return strcmp(c->old, ID_ZERO) == 0;
}

static inline bool command_deletes(const struct command *c)
{
	return strcmp(c->new, ID_ZERO) == 0;
}

/* Give a reason; the first one stays. */
void command_refuse(struct command *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Refuse all that are neither refused nor done. */
void commands_refuse(struct commands *c, const char *why);
bool commands_refused(const struct commands *c);  /* is any? */
bool commands_hopeless(const struct commands *c); /* are all? */
