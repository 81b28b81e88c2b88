/*
 * login - from a token to an actor, and to the app that he means.
 *
 * Called by push.c and web/api: no door looks tokens or apps up by itself.
 */
#pragma once
#include <stdbool.h>

#include "authorize.h"
#include "web.h"

struct actor {
	struct account account; /* id 0: nobody */
	struct token token;
	unsigned scopes;
	bool owner; /* of the platform */
};

/* ERR_UNAUTHORIZED when the token is not good. */
int login_token(
    struct web *w, struct str token, struct actor *ret, struct error *err);

/* ERR_FORBIDDEN when the token is not for it. For what is no app's. */
int login_may(const struct actor *actor, enum action action, struct error *err);

/*
 * The app of this name or uuid. ERR_NOT_FOUND for a stranger, too, so that
 * names can't be found out; ERR_FORBIDDEN when he may see but not do it.
 */
int login_app(struct web *w, const struct actor *actor, enum action action,
    struct str key, struct app *ret, struct error *err);

/*
 * Make the first account (owner@HOST) when there is none, and let it log in
 * with this token, unless that one was revoked.
 */
int login_owner(struct web *w, struct str token, struct error *err);
