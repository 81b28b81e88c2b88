/*
 * policy - which refs a push may change.
 *
 * Pure: looks at the commands and at the refs as they are, gives a reason to
 * each command that can't be carried out. The old values are compared again
 * under each ref's lock when it is moved (refs.c).
 */
#pragma once
#include <stdbool.h>

#include "base/str.h"
#include "command.h"
#include "reflist.h"

#define POLICY_REFS_MAX 20000 /* refs of one repository */

struct policy {
	bool open;        /* serves alone: any ref, no deploys */
	const char *head; /* open: this branch can't be deleted; or NULL */
	bool checked_out; /* ... nor moved: it has a work tree */
};

/* Is this a branch whose push is a deploy? */
bool policy_deploys(const char *name);

void policy_check(
    const struct policy *p, const struct reflist *have, struct commands *cmds);
