/*
 * authorize - who may do what: one table, asked by every door.
 *
 * Pure. A token's scope says what kinds of action it is good for; the actor's
 * relation to the object says the rest.
 */
#pragma once
#include <stdbool.h>

#include "base/str.h"

enum relation {
	RELATION_NONE,         /* a stranger to the app */
	RELATION_SELF,         /* actions on one's own account */
	RELATION_COLLABORATOR, /* of the app */
	RELATION_OWNER,        /* of the app, or of the platform */
};

enum action {
	ACTION_PUBLIC, /* nobody needs to be known */
	ACTION_ACCOUNT_READ,
	ACTION_TOKEN_READ,
	ACTION_TOKEN_WRITE,
	ACTION_APPS_READ, /* the list; each sees his own */
	ACTION_APPS_CREATE,
	ACTION_PLATFORM_READ, /* what concerns the machine */
	ACTION_PLATFORM_WRITE,
	ACTION_APP_READ,
	ACTION_APP_SECRETS, /* config vars */
	ACTION_APP_LOGS,
	ACTION_APP_WRITE, /* scale, restart, domains, maintenance */
	ACTION_APP_CONFIGURE,
	ACTION_APP_DEPLOY, /* push, rollback, cancel */
	ACTION_APP_RUN,
	ACTION_APP_OWN, /* rename, destroy, let others in */
	ACTION_N
};

enum scope {
	SCOPE_IDENTITY = 1,
	SCOPE_READ = 2,
	SCOPE_READ_PROTECTED = 4,
	SCOPE_WRITE = 8,
	SCOPE_WRITE_PROTECTED = 16,
	SCOPE_GLOBAL = 32,
};

/* The scopes of a list of names by commas; 0 when one is unknown. */
unsigned authorize_scopes(struct str names);

/* May one with these scopes and this relation do it? */
bool authorize(unsigned scopes, enum relation relation, enum action action);
