/*
 * role - who is who among the daemons, by user id.
 *
 * The kernel's word (SO_PEERCRED) decides what a peer may say. The users are
 * made by set-up; where a user is missing, roles_load says which.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

enum role {
	ROLE_NONE,
	ROLE_SUPER,    /* root */
	ROLE_JAIL,     /* root */
	ROLE_SHIM,     /* paas-shim */
	ROLE_ROUTER,   /* paas-router */
	ROLE_WEB,      /* paas-web */
	ROLE_GITD,     /* paas-gitd */
	ROLE_RECEIVE,  /* paas-receive: receive and export workers */
	ROLE_BUILDER,  /* paas-builder */
	ROLE_PLAN,     /* paas-plan */
	ROLE_LOGD,     /* paas-logd */
	ROLE_OUTBOUND, /* paas-outbound: a worker that reaches the internet */
	ROLE_NAMES,    /* paas-names */
	ROLE_N
};

#define ROLE_BIT(role) (1u << (role))

struct role_ids {
	uid_t uid;
	gid_t gid;
};

struct roles {
	struct role_ids of[ROLE_N];
};

/* Look all users up. Fails, naming the first one that is missing. */
int roles_load(struct roles *ret, struct error *err);
const char *role_name(enum role role); /* "web" */
const char *role_user(enum role role); /* "paas-web"; "root" */
/* May a process of this user claim this role? */
bool role_matches(const struct roles *r, enum role role, uid_t uid);
