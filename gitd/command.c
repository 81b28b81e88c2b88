#include "command.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#define REASON_MAX 160

void commands_release(struct commands *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->list[i].name);
		free(c->list[i].why);
	}
	free(c->list);
	*c = (struct commands){0};
}

void commands_add(
    struct commands *c, struct str name, struct str old, struct str new)
{
	struct command *to;

	assert(old.len == ID_LEN && new.len == ID_LEN);
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 4;
		c->list = xrealloc(c->list, c->cap * sizeof(*c->list));
	}
	to = &c->list[c->n++];
	*to = (struct command){.name = str_dup(name)};
	memcpy(to->old, old.p, ID_LEN);
	memcpy(to->new, new.p, ID_LEN);
}

void command_refuse(struct command *c, const char *fmt, ...)
{
	char text[REASON_MAX];
	va_list ap;

	if (c->why)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->why = xstrdup(text);
}

void commands_refuse(struct commands *c, const char *why)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!c->list[i].moved)
			command_refuse(&c->list[i], "%s", why);
	}
}

bool commands_refused(const struct commands *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->list[i].why)
			return true;
	}
	return false;
}

bool commands_hopeless(const struct commands *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!c->list[i].why)
			return false;
	}
	return true;
}
