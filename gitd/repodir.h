/*
 * repodir - the folder of a bare repository, without looking at its content.
 *
 * dir is the folder of all repositories, repo the name of one in it. The
 * folders of a daemon's repositories are setgid and belong to the group of
 * the workers, which may read all and write into their quarantine only.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

#define QUARANTINE_MAX 32

bool repodir_exists(int dir, const char *repo);
/* Make an empty repository; one that is there already is fine. */
int repodir_create(int dir, const char *repo, struct error *err);
/* Remove it at once for everybody, then its files; a missing one is fine. */
int repodir_remove(int dir, const char *repo, struct error *err);

/*
 * At the start of a daemon, alone with the folder: drop what an earlier one
 * left behind when it was killed.
 */
void repodir_sweep(int dir);

/*
 * Make a folder objects/NAME for a push, and drop those of pushes that died;
 * writes NAME. Returns its descriptor, which shows that the push lives.
 */
int quarantine_make(int dir, const char *repo, char ret_name[QUARANTINE_MAX],
    struct error *err);
/*
 * Move the pack and its index from the quarantine to the repository, durably
 * and the index last: a pack without one is not seen by anybody.
 */
int quarantine_adopt(int dir, const char *repo, const char *name,
    const char *pack, struct error *err);
void quarantine_drop(int dir, const char *repo, const char *name);
/* Drop what pushes left behind whose program died. */
void quarantine_sweep(int dir, const char *repo);
