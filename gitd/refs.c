#include "refs.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "refdir.h"

int refs_list(const char *path, struct reflist *ret, struct error *err)
{
	scoped_refdir struct refdir d = {.dir = -1};
	size_t n = 0;

	if (refdir_open(&d, path, false, err) == -1)
		return -1;
	*ret = refdir_all(&d);
	for (size_t i = 0; i < ret->n; i++) {
		if (str_starts(str_z(ret->list[i].name), STR(REFS_HIDDEN)))
			free(ret->list[i].name);
		else
			ret->list[n++] = ret->list[i];
	}
	ret->n = n;
	return 0;
}

char *refs_head(const char *path)
{
	scoped_refdir struct refdir d = {.dir = -1};
	struct error err = {0};

	if (refdir_open(&d, path, false, &err) == -1)
		return NULL;
	return refdir_head(&d);
}

static bool due(const struct command *c)
{
	return !c->why && !c->waits && !c->moved;
}

/* Does the ref have to move? Refuses it where it can't. */
static bool check(const struct refdir *d, struct command *c)
{
	const char *now = refdir_find(d, str_z(c->name));

	if (!now)
		now = ID_ZERO;
	if (strcmp(now, c->new) == 0)
		return false;
	if (strcmp(now, c->old) != 0)
		command_refuse(c, "moved meanwhile, fetch first");
	else if (reflist_find(&d->symbolic, str_z(c->name)))
		command_refuse(c, "is a symbolic ref");
	else if (refdir_held(d, c->name))
		command_refuse(c, "is locked by another git");
	return !c->why;
}

static void gather(
    const struct refdir *d, struct commands *cmds, struct reflist *changes)
{
	for (size_t i = 0; i < cmds->n; i++) {
		struct command *c = &cmds->list[i];

		if (due(c) && check(d, c))
			reflist_add(changes, str_z(c->name), str_z(c->new));
	}
}

static struct str pending_name(uint64_t build, char mem[64])
{
	snprintf(mem, 64, REFS_HIDDEN "pending/%" PRIu64, build);
	return str_z(mem);
}

static void mark_moved(struct commands *cmds)
{
	for (size_t i = 0; i < cmds->n; i++) {
		if (due(&cmds->list[i]))
			cmds->list[i].moved = true;
	}
}

int refs_move(const char *path, struct commands *cmds, bool atomic,
    uint64_t build, struct error *err)
{
	scoped_refdir struct refdir d = {.dir = -1};
	scoped_reflist struct reflist changes = {0};
	char mem[64];

	if (refdir_open(&d, path, true, err) == -1)
		return -1;
	gather(&d, cmds, &changes);
	if (atomic && commands_refused(cmds)) {
		commands_refuse(cmds, "atomic push failure");
		reflist_release(&changes);
	}
	if (build && refdir_find(&d, pending_name(build, mem)))
		reflist_add(&changes, str_z(mem), STR(ID_ZERO));
	reflist_sort(&changes);
	if (refdir_change(&d, &changes, err) == -1)
		return -1;
	mark_moved(cmds);
	return 0;
}

static int set_pending(
    const char *path, uint64_t build, struct str commit, struct error *err)
{
	scoped_refdir struct refdir d = {.dir = -1};
	scoped_reflist struct reflist change = {0};
	const char *now;
	char mem[64];

	if (refdir_open(&d, path, true, err) == -1)
		return -1;
	now = refdir_find(&d, pending_name(build, mem));
	if (str_eqz(commit, now ? now : ID_ZERO))
		return 0;
	reflist_add(&change, str_z(mem), commit);
	return refdir_change(&d, &change, err);
}

int refs_keep(
    const char *path, uint64_t build, const char *commit, struct error *err)
{
	return set_pending(path, build, str_z(commit), err);
}

int refs_unkeep(const char *path, uint64_t build, struct error *err)
{
	return set_pending(path, build, STR(ID_ZERO), err);
}
