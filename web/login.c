#include "login.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/name.h"

static bool is_good(const struct token *t)
{
	return !t->revoked_at &&
	       (!t->expires_at ||
	           t->expires_at > (int64_t)(clock_real_ms() / 1000));
}

int login_token(
    struct web *w, struct str token, struct actor *ret, struct error *err)
{
	struct error why = {0};

	if (store_token_find(w->store, token, &ret->token, &why) == -1 &&
	    why.code != ERR_NOT_FOUND) {
		*err = why;
		return -1;
	}
	if (why.code || !is_good(&ret->token))
		return error_set(err, ERR_UNAUTHORIZED,
		    "This token is not valid. Log in again: paas login");
	ret->scopes = authorize_scopes(str_z(ret->token.scope));
	ret->owner = ret->token.account == w->owner;
	return store_account_get(
	    w->store, ret->token.account, &ret->account, err);
}

int login_may(const struct actor *actor, enum action action, struct error *err)
{
	enum relation relation = !actor->account.id ? RELATION_NONE
	                         : actor->owner     ? RELATION_OWNER
	                                            : RELATION_SELF;

	if (authorize(actor->scopes, relation, action))
		return 0;
	if (!actor->account.id)
		return error_set(err, ERR_UNAUTHORIZED,
		    "There is no token. Log in: paas login");
	if (authorize(actor->scopes, RELATION_OWNER, action))
		return error_set(err, ERR_FORBIDDEN,
		    "The owner of the platform alone may do that.");
	return error_set(err, ERR_FORBIDDEN,
	    "This token's scope (%s) does not allow it. Use another token.",
	    actor->token.scope);
}

static enum relation relation_to(
    struct web *w, const struct actor *actor, const struct app *a)
{
	if (actor->account.id && actor->account.id == a->owner)
		return RELATION_OWNER;
	if (actor->account.id &&
	    store_collaborator_is(w->store, a->id, actor->account.id))
		return RELATION_COLLABORATOR;
	return RELATION_NONE;
}

int login_app(struct web *w, const struct actor *actor, enum action action,
    struct str key, struct app *ret, struct error *err)
{
	enum relation relation;

	if (!actor->account.id)
		return error_set(err, ERR_UNAUTHORIZED,
		    "There is no token. Log in: paas login");
	if (store_app_find(w->store, key, ret, err) == -1)
		return -1;
	relation = relation_to(w, actor, ret);
	if (authorize(actor->scopes, relation, action))
		return 0;
	if (relation == RELATION_NONE)
		return error_set(err, ERR_NOT_FOUND,
		    "There is no such app. See `paas apps`.");
	if (authorize(SCOPE_GLOBAL, relation, action))
		return error_set(err, ERR_FORBIDDEN,
		    "This token's scope (%s) does not allow it. Use another "
		    "token.",
		    actor->token.scope);
	return error_set(err, ERR_FORBIDDEN,
	    "Only the owner of %s (%s) may do this.", ret->name,
	    ret->owner_email);
}

/* --- the first account ---------------------------------------------------- */

static int first_account(struct web *w, struct account *ret, struct error *err)
{
	struct error why = {0};
	char email[255];
	int64_t id;

	if (store_account_first(w->store, ret, &why) == 0)
		return 0;
	if (why.code != ERR_NOT_FOUND) {
		*err = why;
		return -1;
	}
	snprintf(email, sizeof(email), "owner@%.240s", w->settings.host);
	if (store_account_add(w->store, str_z(email), &id, err) == -1)
		return -1;
	log_info("first account made email=%s", email);
	return store_account_get(w->store, id, ret, err);
}

int login_owner(struct web *w, struct str token, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	struct token_new n = {
	    .description = "client.env of the platform", .scope = "global"};
	struct account owner;
	struct token known;
	int64_t id;

	if (!tx || first_account(w, &owner, err) == -1)
		return -1;
	n.account = w->owner = owner.id;
	if (!name_secret(token))
		return error_set(
		    err, ERR_INVALID, "the owner's token is malformed");
	if (store_token_find(w->store, token, &known, NULL) == -1 &&
	    store_token_add(w->store, &n, token, &id, err) == -1)
		return -1;
	return store_commit(&tx, err);
}
