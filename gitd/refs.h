/*
 * refs - reading and moving the refs of one repository.
 *
 * path is the repository's folder. Nothing stays open between calls. Refs
 * are all that gitd reads or writes inside of a repository; objects are the
 * workers' business.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "command.h"
#include "reflist.h"

#define REFS_HIDDEN "refs/gitd/"

/* All refs that may be shown, in order. */
int refs_list(const char *path, struct reflist *ret, struct error *err);
/* The branch that HEAD names; the caller frees it, NULL when it is none. */
char *refs_head(const char *path);

/*
 * Carry out the commands without a reason that wait for nothing, in one step,
 * each only when its ref is still at its old value; else it gets a reason. A
 * ref that is at its new value already is fine. With atomic all move or none.
 * In the same step a build's ref of refs_keep goes, when build is not 0.
 * On failure nothing moved.
 */
int refs_move(const char *path, struct commands *cmds, bool atomic,
    uint64_t build, struct error *err);

/* Make or drop refs/gitd/pending/BUILD, which keeps a commit alive. */
int refs_keep(
    const char *path, uint64_t build, const char *commit, struct error *err);
int refs_unkeep(const char *path, uint64_t build, struct error *err);
