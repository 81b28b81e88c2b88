#include "refs.h"

#include <git2.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"

static void repository_close(git_repository **repo)
{
	git_repository_free(*repo);
}
#define scoped_repository __attribute__((cleanup(repository_close)))

static void transaction_close(git_transaction **tx)
{
	git_transaction_free(*tx); /* takes the locks back */
}
#define scoped_transaction __attribute__((cleanup(transaction_close)))

static int failed(struct error *err, const char *what)
{
	const git_error *e = git_error_last();

	return error_set(
	    err, ERR_INTERNAL, "%s: %s", what, e ? e->message : "no reason");
}

/*
 * Strict creation would read the objects that a ref names: they were
 * checked by the worker, and gitd shall not parse them.
 */
int refs_open(struct error *err)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA,
	    GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
	    GIT_CONFIG_LEVEL_GLOBAL};

	if (git_libgit2_init() < 0)
		return error_set(err, ERR_INTERNAL, "start libgit2");
	for (size_t i = 0; i < NELEM(levels); i++)
		(void)git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	(void)git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
	(void)git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	(void)git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	(void)git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0);
	return 0;
}

void refs_close(void)
{
	(void)git_libgit2_shutdown();
}

static int open_repo(const char *path, git_repository **ret, struct error *err)
{
	if (git_repository_open_bare(ret, path) != 0)
		return failed(err, "open the repository");
	return 0;
}

/* A ref that leads nowhere is not shown. */
static void list_one(
    git_repository *repo, git_reference *ref, struct reflist *ret)
{
	const char *name = git_reference_name(ref);
	char hex[GIT_OID_HEXSZ + 1];
	git_oid id;

	if (str_starts(str_z(name), STR(REFS_HIDDEN)) ||
	    git_reference_name_to_id(&id, repo, name) != 0)
		return;
	reflist_add(ret, name, git_oid_tostr(hex, sizeof(hex), &id));
}

int refs_list(const char *path, struct reflist *ret, struct error *err)
{
	scoped_repository git_repository *repo = NULL;
	git_reference_iterator *it;
	git_reference *ref;

	if (open_repo(path, &repo, err) == -1)
		return -1;
	if (git_reference_iterator_new(&it, repo) != 0)
		return failed(err, "list the refs");
	while (git_reference_next(&ref, it) == 0) {
		list_one(repo, ref, ret);
		git_reference_free(ref);
	}
	git_reference_iterator_free(it);
	reflist_sort(ret);
	return 0;
}

char *refs_head(const char *path)
{
	scoped_repository git_repository *repo = NULL;
	git_reference *head;
	char *name = NULL;

	if (git_repository_open_bare(&repo, path) != 0 ||
	    git_reference_lookup(&head, repo, "HEAD") != 0)
		return NULL;
	if (git_reference_type(head) == GIT_REFERENCE_SYMBOLIC)
		name = xstrdup(git_reference_symbolic_target(head));
	git_reference_free(head);
	return name;
}

static bool due(const struct command *c)
{
	return !c->why && !c->waits && !c->moved;
}

enum place { AT_OLD, AT_NEW, ELSEWHERE };

static enum place place_of(git_repository *repo, const struct command *c)
{
	char now[GIT_OID_HEXSZ + 1] = ID_ZERO;
	git_oid id;

	if (git_reference_name_to_id(&id, repo, c->name) == 0)
		git_oid_tostr(now, sizeof(now), &id);
	if (strcmp(now, c->new) == 0)
		return AT_NEW;
	return strcmp(now, c->old) == 0 ? AT_OLD : ELSEWHERE;
}

static void refuse_failed(struct command *c)
{
	const git_error *e = git_error_last();

	log_warn("ref not moved ref=%s: %s", log_quote(str_z(c->name)),
	    e ? e->message : "no reason");
	command_refuse(c, "failed to update ref");
}

/* Lock the ref, compare, and say what the commit of tx shall do. */
static void stage(git_repository *repo, git_transaction *tx, struct command *c)
{
	enum place at;
	git_oid id;
	int r = 0;

	if (git_transaction_lock_ref(tx, c->name) != 0) {
		refuse_failed(c);
		return;
	}
	at = place_of(repo, c);
	if (at == ELSEWHERE) {
		command_refuse(c, "moved meanwhile, fetch first");
		return;
	}
	if (at == AT_NEW)
		return;
	if (command_deletes(c))
		r = git_transaction_remove(tx, c->name);
	else if (git_oid_fromstr(&id, c->new) == 0)
		r = git_transaction_set_target(tx, c->name, &id, NULL, "push");
	if (r != 0)
		refuse_failed(c);
}

static int move_all(
    git_repository *repo, struct commands *cmds, struct error *err)
{
	scoped_transaction git_transaction *tx = NULL;

	if (git_transaction_new(&tx, repo) != 0)
		return failed(err, "move the refs");
	for (size_t i = 0; i < cmds->n; i++) {
		if (due(&cmds->list[i]))
			stage(repo, tx, &cmds->list[i]);
	}
	if (commands_refused(cmds)) {
		commands_refuse(cmds, "atomic push failure");
		return 0;
	}
	if (git_transaction_commit(tx) != 0)
		return failed(err, "move the refs");
	for (size_t i = 0; i < cmds->n; i++)
		cmds->list[i].moved = true;
	return 0;
}

static int move_one(git_repository *repo, struct command *c, struct error *err)
{
	scoped_transaction git_transaction *tx = NULL;

	if (git_transaction_new(&tx, repo) != 0)
		return failed(err, "move a ref");
	stage(repo, tx, c);
	if (!c->why && git_transaction_commit(tx) != 0)
		refuse_failed(c);
	c->moved = !c->why;
	return 0;
}

/* What is deleted makes room for what takes its place. */
int refs_move(
    const char *path, struct commands *cmds, bool atomic, struct error *err)
{
	scoped_repository git_repository *repo = NULL;

	if (open_repo(path, &repo, err) == -1)
		return -1;
	if (atomic)
		return move_all(repo, cmds, err);
	for (int deletes = 1; deletes >= 0; deletes--) {
		for (size_t i = 0; i < cmds->n; i++) {
			struct command *c = &cmds->list[i];

			if (!due(c) || command_deletes(c) != (deletes == 1))
				continue;
			if (move_one(repo, c, err) == -1)
				return -1;
		}
	}
	return 0;
}

static void pending_name(uint64_t id, char out[64])
{
	snprintf(out, 64, REFS_HIDDEN "pending/%" PRIu64, id);
}

int refs_keep(
    const char *path, uint64_t id, const char *commit, struct error *err)
{
	scoped_repository git_repository *repo = NULL;
	git_reference *ref;
	git_oid oid;
	char name[64];

	pending_name(id, name);
	if (open_repo(path, &repo, err) == -1)
		return -1;
	if (git_oid_fromstr(&oid, commit) != 0 ||
	    git_reference_create(&ref, repo, name, &oid, 1, "build") != 0)
		return failed(err, "keep the commit of a build");
	git_reference_free(ref);
	return 0;
}

int refs_unkeep(const char *path, uint64_t id, struct error *err)
{
	scoped_repository git_repository *repo = NULL;
	char name[64];

	pending_name(id, name);
	if (open_repo(path, &repo, err) == -1)
		return -1;
	if (git_reference_remove(repo, name) != 0)
		return failed(err, "drop the ref of a build");
	return 0;
}
