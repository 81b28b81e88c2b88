/* account - who one is, tokens, and the dashboard's session. */
#include <stdio.h>

#include "api/handlers.h"
#include "base/rand.h"

#define SESSION_SECONDS (30 * 86400)
#define SESSIONS_MAX_EACH 100
#define TOKENS_MAX 100 /* of one account */
#define EXPIRES_MAX ((uint64_t)10 * 365 * 86400)

void on_account(struct request *r)
{
	request_json(r, 200, shape_account(&r->actor.account));
}

/* --- tokens --------------------------------------------------------------- */

struct tokens {
	struct request *r;
	json_t *list;
};

static void add_token(void *arg, const struct token *t)
{
	struct tokens *to = arg;

	(void)json_array_append_new(
	    to->list, shape_token(t, &to->r->actor.account, NULL));
}

void on_tokens(struct request *r)
{
	struct tokens to = {r, json_array()};
	struct error err = {0};

	if (store_token_list(
	        r->w->store, r->actor.account.id, add_token, &to, &err) == -1) {
		json_decref(to.list);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, to.list);
}

/* ["read", "write"] as "read,write"; "global" when it is absent. */
static int read_scope(struct request *r, char out[81], struct error *err)
{
	const json_t *scope = json_object_get(r->json, "scope"), *name;
	scoped_buf struct buf names = BUF_INIT(80);
	size_t i;

	if (!scope || json_is_null(scope)) {
		snprintf(out, 81, "global");
		return 0;
	}
	json_array_foreach(scope, i, name)
	{
		if (i)
			buf_addc(&names, ',');
		buf_addz(&names,
		    json_is_string(name) ? json_string_value(name) : "?");
	}
	if (!names.len || names.bad || !authorize_scopes(buf_str(&names)))
		return error_set(err, ERR_INVALID,
		    "\"scope\" is a list of: global, read, write, "
		    "read-protected, write-protected, identity.");
	snprintf(out, 81, "%s", buf_z(&names));
	return 0;
}

/* A number of seconds, also as text; null for never. */
static int read_expiry(struct request *r, int64_t *ret, struct error *err)
{
	const json_t *in = json_object_get(r->json, "expires_in");
	uint64_t seconds = 0;

	*ret = 0;
	if (!in || json_is_null(in))
		return 0;
	if (json_is_string(in) &&
	    !str_u64(str_z(json_string_value(in)), EXPIRES_MAX, &seconds))
		seconds = 0;
	else if (json_is_integer(in) && json_integer_value(in) > 0)
		seconds = (uint64_t)json_integer_value(in);
	if (seconds == 0 || seconds > EXPIRES_MAX)
		return error_set(err, ERR_INVALID,
		    "\"expires_in\" is a number of seconds, at most ten "
		    "years.");
	*ret = shape_now() + (int64_t)seconds;
	return 0;
}

static int read_description(
    struct request *r, char out[TEXT_SIZE], struct error *err)
{
	struct str text;

	if (request_text(r, "description", &text, err) == -1)
		return -1;
	snprintf(out, TEXT_SIZE, STR_FMT,
	    STR_ARG(text.len ? text : STR("Long-lived user authorization")));
	if (text.len < TEXT_SIZE)
		return 0;
	return error_set(err, ERR_LIMIT,
	    "\"description\" has at most %d bytes.", TEXT_SIZE - 1);
}

static int audit(struct request *r, const char *action, const struct token *t,
    struct error *err)
{
	return store_event_add(r->w->store,
	    &(struct event_new){.account = r->actor.account.id,
	        .action = action,
	        .detail = t->description},
	    err);
}

/* The row and its audit. */
static int add_token_row(struct request *r, const struct token_new *n,
    struct str secret, struct token *ret, struct error *err)
{
	scoped_tx struct store *tx = NULL;
	uint64_t have;
	int64_t id;

	if (store_token_count(r->w->store, n->account, &have, err) == -1)
		return -1;
	if (have >= TOKENS_MAX)
		return error_set(err, ERR_LIMIT,
		    "You have %d tokens, and no more are allowed. Revoke one "
		    "first.",
		    TOKENS_MAX);
	tx = store_begin(r->w->store, err);
	if (!tx || store_token_add(r->w->store, n, secret, &id, err) == -1 ||
	    store_token_find(r->w->store, secret, ret, err) == -1 ||
	    audit(r, "token:create", ret, err) == -1)
		return -1;
	return store_commit(&tx, err);
}

void on_token_create(struct request *r)
{
	char description[TEXT_SIZE], scope[81], secret[44];
	struct token_new n = {.account = r->actor.account.id,
	    .description = description,
	    .scope = scope};
	struct error err = {0};
	struct token t;

	rand_secret(secret);
	if (read_description(r, description, &err) == -1 ||
	    read_scope(r, scope, &err) == -1 ||
	    read_expiry(r, &n.expires_at, &err) == -1 ||
	    add_token_row(r, &n, str_z(secret), &t, &err) == -1)
		request_error(r, &err);
	else
		request_json(
		    r, 201, shape_token(&t, &r->actor.account, secret));
	explicit_bzero(secret, sizeof(secret));
}

/* The token of the path; "~" is the one in use. */
static int find_token(struct request *r, struct token *ret, struct error *err)
{
	if (!str_eqz(r->match.args[0], "~"))
		return store_token_get(r->w->store, r->actor.account.id,
		    r->match.args[0], ret, err);
	*ret = r->actor.token;
	return 0;
}

void on_token_info(struct request *r)
{
	struct error err = {0};
	struct token t;

	if (find_token(r, &t, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_token(&t, &r->actor.account, NULL));
}

static int revoke_token(
    struct request *r, const struct token *t, struct error *err)
{
	scoped_tx struct store *tx = store_begin(r->w->store, err);

	if (!tx || store_token_revoke(r->w->store, t->id, err) == -1 ||
	    audit(r, "token:revoke", t, err) == -1)
		return -1;
	return store_commit(&tx, err);
}

void on_token_delete(struct request *r)
{
	struct error err = {0};
	struct token t;

	if (find_token(r, &t, &err) == -1 || revoke_token(r, &t, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_token(&t, &r->actor.account, NULL));
}

/* --- sessions ------------------------------------------------------------- */

static void set_cookie(struct request *r, const char *value, int seconds)
{
	bool https = str_eqz(r->origin.proto, "https");
	char text[256];

	snprintf(text, sizeof(text),
	    "%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s",
	    https ? COOKIE_HTTPS : COOKIE_PLAIN, value, seconds,
	    https ? "; Secure" : "");
	request_field(r, "Set-Cookie", text);
}

static int add_session(struct request *r, const char *secret, struct error *err)
{
	const struct token *t = &r->actor.token;
	struct token_new n = {.account = t->account,
	    .parent = t->id,
	    .description = "Dashboard",
	    .scope = t->scope,
	    .expires_at = shape_now() + SESSION_SECONDS};
	int64_t id;

	if (t->expires_at && t->expires_at < n.expires_at)
		n.expires_at = t->expires_at;
	if (store_session_sweep(
	        r->w->store, t->account, SESSIONS_MAX_EACH - 1, err) == -1)
		return -1;
	return store_token_add(r->w->store, &n, str_z(secret), &id, err);
}

void on_session_create(struct request *r)
{
	struct error err = {0};
	struct str token;
	char secret[44];

	if (!origin_may_log_in(&r->origin)) {
		request_refuse(r, 403, "forbidden",
		    "Another site has asked to log in here.");
		return;
	}
	rand_secret(secret);
	if (request_text(r, "token", &token, &err) == -1 ||
	    login_token(r->w, token, &r->actor, &err) == -1 ||
	    add_session(r, secret, &err) == -1) {
		request_error(r, &err);
		return;
	}
	request_json(r, 201, shape_account(&r->actor.account));
	set_cookie(r, secret, SESSION_SECONDS);
}

void on_session_delete(struct request *r)
{
	struct error err = {0};

	/* A token that is no session stays: it is not a cookie's to end. */
	if (r->actor.token.parent &&
	    store_token_revoke(r->w->store, r->actor.token.id, &err) == -1) {
		request_error(r, &err);
		return;
	}
	request_json(r, 200, json_object());
	set_cookie(r, "", 0);
}
