/*
 * refdir - the refs of one repository on disk, read and rewritten as a whole.
 *
 * All refs lie in packed-refs, so that any number of them moves at once by
 * the rename of one file. What other programs left in files of their own
 * (refs/heads/main), which stock git lets win over packed-refs, is read too,
 * and taken in when it is changed.
 *
 * Between lock and close nobody else writes: packed-refs.lock keeps git out,
 * a flock on the folder another gitd.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "reflist.h"

struct refdir {
	int dir; /* the repository; also carries the flock */
	bool locked;
	struct reflist packed;
	struct reflist loose;    /* id "" for one that is broken */
	struct reflist symbolic; /* loose ones of another kind; no ids */
};

/* Read all, and with lock keep others from writing. */
int refdir_open(
    struct refdir *ret, const char *path, bool lock, struct error *err);
void refdir_close(struct refdir *d); /* zeroed and dir -1 is fine */
#define scoped_refdir __attribute__((cleanup(refdir_close)))

/* What a ref points to; NULL when there is none. */
const char *refdir_find(const struct refdir *d, struct str name);
/* Does a stock git hold the lock of this ref? */
bool refdir_held(const struct refdir *d, const char *name);
/* All refs that point to something. */
struct reflist refdir_all(const struct refdir *d);

/*
 * Make these changes (in order, none to a symbolic ref), all or none, durably.
 * Needs the lock.
 */
int refdir_change(
    struct refdir *d, const struct reflist *changes, struct error *err);

/* The branch that HEAD names; the caller frees it, NULL when it is none. */
char *refdir_head(const struct refdir *d);
/* Drop the lock that a daemon left when it was killed; repo lies in dir. */
void refdir_unlock(int dir, const char *repo);
