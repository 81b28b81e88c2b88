#include "policy.h"

#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"

#define HIDDEN "refs/gitd/" /* ours: what keeps the commits of builds */

bool policy_deploys(const char *name)
{
	return strcmp(name, "refs/heads/main") == 0 ||
	       strcmp(name, "refs/heads/master") == 0;
}

/*
 * Other namespaces, as git itself would take them: name_ref knows three, so
 * the rest of the name is asked for as if it stood in one of these.
 */
static bool good_open_name(struct str name)
{
	struct str rest = str_sub(name, strlen("refs/"), name.len);
	char as_branch[NAME_REF_MAX + 16];
	int n;

	if (!str_starts(name, STR("refs/")) || str_starts(name, STR(HIDDEN)) ||
	    str_find(rest, '/') == -1)
		return false;
	n = snprintf(
	    as_branch, sizeof(as_branch), "refs/heads/" STR_FMT, STR_ARG(rest));
	return n < (int)sizeof(as_branch) && name_ref(str_z(as_branch));
}

static void check_name(const struct policy *p, struct command *c)
{
	struct str name = str_z(c->name);

	if (name_ref(name) || (p->open && good_open_name(name)))
		return;
	if (name.len > NAME_REF_MAX)
		command_refuse(
		    c, "the name is longer than %d bytes", NAME_REF_MAX);
	else if (!good_open_name(name))
		command_refuse(c, "funny refname");
	else
		command_refuse(
		    c, "only branches, tags and notes can be pushed");
}

static void check_value(
    const struct policy *p, const struct reflist *have, struct command *c)
{
	const struct ref *ref = reflist_find(have, str_z(c->name));
	bool current = p->open && p->head && strcmp(c->name, p->head) == 0;

	if (current && p->checked_out)
		command_refuse(c, "branch is currently checked out");
	else if (command_deletes(c) && current)
		command_refuse(c, "deletion of the current branch prohibited");
	else if (command_deletes(c) && !p->open && policy_deploys(c->name))
		command_refuse(c, "the deploy branch can't be deleted");
	else if (strcmp(ref ? ref->id : ID_ZERO, c->old) == 0)
		return;
	else if (!ref)
		command_refuse(c, "the ref does not exist");
	else if (command_creates(c))
		command_refuse(c, "already exists, fetch first");
	else
		command_refuse(c, "moved meanwhile, fetch first");
}

/* The commands by name; a name that comes twice is refused both times. */
static struct map *by_name(struct commands *cmds)
{
	struct map *m = map_new();

	for (size_t i = 0; i < cmds->n; i++) {
		struct command *c = &cmds->list[i];
		struct command *other = map_set(m, str_z(c->name), c);

		if (!other)
			continue;
		command_refuse(c, "multiple updates of one ref");
		command_refuse(other, "multiple updates of one ref");
	}
	return m;
}

static bool goes(const struct map *named, struct str name)
{
	const struct command *c = map_get(named, name);

	return c && !c->why && command_deletes(c);
}

/* Is there a ref in l, other than one that goes, that is a folder of name? */
static bool above(
    const struct reflist *l, const struct map *named, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		struct str folder = str_sub(name, 0, i);

		if (name.p[i] == '/' && reflist_find(l, folder) &&
		    !goes(named, folder))
			return true;
	}
	return false;
}

/* Is there one that would need name as its folder? */
static bool below(
    const struct reflist *l, const struct map *named, struct str name)
{
	scoped_free char *folder = xasprintf(STR_FMT "/", STR_ARG(name));

	for (size_t i = reflist_from(l, str_z(folder)); i < l->n; i++) {
		struct str other = str_z(l->list[i].name);

		if (!str_starts(other, str_z(folder)))
			return false;
		if (!goes(named, other))
			return true;
	}
	return false;
}

/* A name can't be a ref and a folder of refs at once. */
static void check_clashes(
    const struct reflist *have, const struct map *named, struct commands *cmds)
{
	scoped_reflist struct reflist fresh = {0};

	for (size_t i = 0; i < cmds->n; i++) {
		struct command *c = &cmds->list[i];

		if (!c->why && command_creates(c) && !command_deletes(c))
			reflist_add(&fresh, str_z(c->name), str_z(c->new));
	}
	reflist_sort(&fresh);
	for (size_t i = 0; i < cmds->n && fresh.n; i++) {
		struct command *c = &cmds->list[i];
		struct str name = str_z(c->name);

		if (c->why || !command_creates(c) || command_deletes(c))
			continue;
		if (above(have, named, name) || below(have, named, name) ||
		    above(&fresh, named, name) || below(&fresh, named, name))
			command_refuse(c, "the name clashes with another ref");
	}
}

static void check_count(const struct reflist *have, struct commands *cmds)
{
	size_t n = have->n;

	for (size_t i = 0; i < cmds->n; i++) {
		struct command *c = &cmds->list[i];

		if (c->why || !command_creates(c) || command_deletes(c))
			continue;
		if (n == POLICY_REFS_MAX)
			command_refuse(c, "more than %d refs in the repository",
			    POLICY_REFS_MAX);
		else
			n++;
	}
}

/* Each push is one release. */
static void check_deploys(struct commands *cmds)
{
	bool found = false;

	for (size_t i = 0; i < cmds->n; i++) {
		struct command *c = &cmds->list[i];

		if (c->why || !policy_deploys(c->name))
			continue;
		if (found)
			command_refuse(c, "push main or master, not both");
		found = true;
	}
}

void policy_check(
    const struct policy *p, const struct reflist *have, struct commands *cmds)
{
	struct map *named;

	for (size_t i = 0; i < cmds->n; i++) {
		check_name(p, &cmds->list[i]);
		check_value(p, have, &cmds->list[i]);
	}
	named = by_name(cmds);
	check_clashes(have, named, cmds);
	map_free(named);
	check_count(have, cmds);
	if (!p->open)
		check_deploys(cmds);
}
