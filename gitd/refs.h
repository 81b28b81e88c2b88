/*
 * refs - reading and moving the refs of one repository, by libgit2.
 *
 * path is the repository's folder. Nothing stays open between calls. Refs
 * are all that gitd reads or writes inside of a repository; objects are the
 * workers' business.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "command.h"
#include "reflist.h"

#define REFS_HIDDEN "refs/gitd/"

/* Once, before any other: no configuration but the repository's own. */
int refs_open(struct error *err);
void refs_close(void);

/* All refs that may be shown, in order. */
int refs_list(const char *path, struct reflist *ret, struct error *err);
/* The branch that HEAD names; the caller frees it, NULL when it is none. */
char *refs_head(const char *path);

/*
 * Carry out the commands without a reason that wait for nothing, each under
 * its ref's lock and only when the ref is still at its old value; what fails
 * gets a reason. A ref that is at its new value already is fine. With atomic
 * all move or none.
 */
int refs_move(
    const char *path, struct commands *cmds, bool atomic, struct error *err);

/* Make or drop refs/gitd/pending/ID, which keeps a commit alive. */
int refs_keep(
    const char *path, uint64_t id, const char *commit, struct error *err);
int refs_unkeep(const char *path, uint64_t id, struct error *err);
