#include "authorize.h"

static const struct {
	const char *name;
	unsigned scope;
} names[] = {
    {"identity", SCOPE_IDENTITY},
    {"read", SCOPE_READ},
    {"read-protected", SCOPE_READ_PROTECTED},
    {"write", SCOPE_WRITE},
    {"write-protected", SCOPE_WRITE_PROTECTED},
    {"global", SCOPE_GLOBAL},
};

#define ANY                                                                    \
	(SCOPE_IDENTITY | SCOPE_READ | SCOPE_READ_PROTECTED | SCOPE_WRITE |    \
	    SCOPE_WRITE_PROTECTED | SCOPE_GLOBAL)
#define READS (ANY & ~(unsigned)SCOPE_IDENTITY)
#define SECRETS (SCOPE_READ_PROTECTED | SCOPE_WRITE_PROTECTED | SCOPE_GLOBAL)
#define WRITES (SCOPE_WRITE | SCOPE_WRITE_PROTECTED | SCOPE_GLOBAL)
#define PROTECTED (SCOPE_WRITE_PROTECTED | SCOPE_GLOBAL)

static const struct {
	unsigned scopes;     /* one of them is needed */
	enum relation least; /* to the object */
} actions[ACTION_N] = {
    [ACTION_PUBLIC] = {0, RELATION_NONE},
    [ACTION_ACCOUNT_READ] = {ANY, RELATION_SELF},
    [ACTION_TOKEN_READ] = {SCOPE_GLOBAL, RELATION_SELF},
    [ACTION_TOKEN_WRITE] = {SCOPE_GLOBAL, RELATION_SELF},
    [ACTION_APPS_READ] = {READS, RELATION_SELF},
    [ACTION_APPS_CREATE] = {WRITES, RELATION_SELF},
    [ACTION_PLATFORM_READ] = {SECRETS, RELATION_OWNER},
    [ACTION_PLATFORM_WRITE] = {PROTECTED, RELATION_OWNER},
    [ACTION_APP_READ] = {READS, RELATION_COLLABORATOR},
    [ACTION_APP_SECRETS] = {SECRETS, RELATION_COLLABORATOR},
    [ACTION_APP_LOGS] = {READS, RELATION_COLLABORATOR},
    [ACTION_APP_WRITE] = {WRITES, RELATION_COLLABORATOR},
    [ACTION_APP_CONFIGURE] = {PROTECTED, RELATION_COLLABORATOR},
    [ACTION_APP_DEPLOY] = {WRITES, RELATION_COLLABORATOR},
    /* A command sees the config vars, so it takes what they take. */
    [ACTION_APP_RUN] = {PROTECTED, RELATION_COLLABORATOR},
    [ACTION_APP_OWN] = {WRITES, RELATION_OWNER},
};

unsigned authorize_scopes(struct str list)
{
	unsigned scopes = 0;
	struct str name;

	while (str_split(&list, ',', &name)) {
		unsigned one = 0;

		for (size_t i = 0; i < NELEM(names); i++)
			if (str_eqz(name, names[i].name))
				one = names[i].scope;
		if (!one)
			return 0;
		scopes |= one;
	}
	return scopes;
}

bool authorize(unsigned scopes, enum relation relation, enum action action)
{
	if (action == ACTION_PUBLIC)
		return true;
	return (scopes & actions[action].scopes) &&
	       relation >= actions[action].least;
}
