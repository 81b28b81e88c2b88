#include "ipc/role.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

static const struct {
	const char *name, *user;
} table[ROLE_N] = {
    [ROLE_NONE] = {"nobody", ""},
    [ROLE_SUPER] = {"super", "root"},
    [ROLE_JAIL] = {"jail", "root"},
    [ROLE_SHIM] = {"shim", "paas-shim"},
    [ROLE_ROUTER] = {"router", "paas-router"},
    [ROLE_WEB] = {"web", "paas-web"},
    [ROLE_GITD] = {"gitd", "paas-gitd"},
    [ROLE_RECEIVE] = {"receive", "paas-receive"},
    [ROLE_BUILDER] = {"builder", "paas-builder"},
    [ROLE_PLAN] = {"plan", "paas-plan"},
    [ROLE_LOGD] = {"logd", "paas-logd"},
    [ROLE_OUTBOUND] = {"outbound", "paas-outbound"},
    [ROLE_NAMES] = {"names", "paas-names"},
};

int roles_load(struct roles *ret, struct error *err)
{
	for (int role = ROLE_SUPER; role < ROLE_N; role++) {
		const struct passwd *user;

		errno = 0;
		user = getpwnam(table[role].user);
		if (!user)
			return error_set(err, ERR_NOT_FOUND,
			    "the user %s does not exist: run paas setup (or "
			    "make run), or: "
			    "useradd --system --user-group %s",
			    table[role].user, table[role].user);
		ret->of[role] = (struct role_ids){user->pw_uid, user->pw_gid};
	}
	endpwent();
	return 0;
}

const char *role_name(enum role role)
{
	return role < ROLE_N ? table[role].name : "?";
}

const char *role_user(enum role role)
{
	return role < ROLE_N ? table[role].user : "";
}

bool role_matches(const struct roles *r, enum role role, uid_t uid)
{
	return role > ROLE_NONE && role < ROLE_N && r->of[role].uid == uid;
}
