/* Accounts, tokens, the audit. */
#include "base/rand.h"
#include "store/stmt.h"

static void read_account(sqlite3_stmt *q, int at, struct account *ret)
{
	ret->id = sqlite3_column_int64(q, at);
	store_text(q, at + 1, ret->uuid, sizeof(ret->uuid));
	store_text(q, at + 2, ret->email, sizeof(ret->email));
	ret->created_at = sqlite3_column_int64(q, at + 3);
}

static int find_account(
    struct store *st, sqlite3_stmt *q, struct account *ret, struct error *err)
{
	int more = store_step(st, q, err);

	if (more == 1)
		read_account(q, 0, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND, "no such account");
	return more == 1 ? 0 : -1;
}

int store_account_add(
    struct store *st, struct str email, int64_t *ret_id, struct error *err)
{
	char uuid[UUID_SIZE];
	int64_t id;

	rand_uuid(uuid);
	id = store_insert(
	    st, STMT_ACCOUNT_ADD, err, "zsi", uuid, email, store_now());
	if (id == -1)
		return -1;
	*ret_id = id;
	return 0;
}

int store_account_get(
    struct store *st, int64_t id, struct account *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_ACCOUNT_GET);

	store_bind(q, "i", id);
	return find_account(st, q, ret, err);
}

int store_account_by_email(
    struct store *st, struct str email, struct account *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_ACCOUNT_BY_EMAIL);

	store_bind(q, "s", email);
	return find_account(st, q, ret, err);
}

int store_account_first(
    struct store *st, struct account *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_ACCOUNT_FIRST);

	return find_account(st, q, ret, err);
}

/* --- tokens --------------------------------------------------------------- */

static void read_token(sqlite3_stmt *q, struct token *ret)
{
	ret->id = sqlite3_column_int64(q, 0);
	ret->account = sqlite3_column_int64(q, 1);
	ret->parent = sqlite3_column_int64(q, 2);
	store_text(q, 3, ret->uuid, sizeof(ret->uuid));
	store_text(q, 4, ret->description, sizeof(ret->description));
	store_text(q, 5, ret->scope, sizeof(ret->scope));
	ret->created_at = sqlite3_column_int64(q, 6);
	ret->expires_at = sqlite3_column_int64(q, 7);
	ret->revoked_at = sqlite3_column_int64(q, 8);
}

static int find_token(
    struct store *st, sqlite3_stmt *q, struct token *ret, struct error *err)
{
	int more = store_step(st, q, err);

	if (more == 1)
		read_token(q, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND, "no such token");
	return more == 1 ? 0 : -1;
}

int store_token_add(struct store *st, const struct token_new *t,
    struct str token, int64_t *ret_id, struct error *err)
{
	unsigned char hash[32];
	char uuid[UUID_SIZE];
	int64_t id;

	rand_uuid(uuid);
	crypt_hash(token, hash);
	id = store_insert(st, STMT_TOKEN_ADD, err, "zinbzzin", uuid, t->account,
	    t->parent, str_make(hash, sizeof(hash)), t->description, t->scope,
	    store_now(), t->expires_at);
	if (id == -1)
		return -1;
	*ret_id = id;
	return 0;
}

int store_token_find(
    struct store *st, struct str token, struct token *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_TOKEN_FIND);
	unsigned char hash[32];

	crypt_hash(token, hash);
	store_bind(q, "b", str_make(hash, sizeof(hash)));
	return find_token(st, q, ret, err);
}

int store_token_get(struct store *st, int64_t account, struct str uuid,
    struct token *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_TOKEN_GET);

	store_bind(q, "is", account, uuid);
	return find_token(st, q, ret, err);
}

int store_token_list(struct store *st, int64_t account,
    void (*each)(void *arg, const struct token *t), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_TOKEN_LIST);
	struct token t;
	int more;

	store_bind(q, "ii", account, store_now());
	while ((more = store_step(st, q, err)) == 1) {
		read_token(q, &t);
		each(arg, &t);
	}
	return more;
}

int store_token_revoke(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_TOKEN_REVOKE, err, "ii", store_now(), id) ==
	               -1
	           ? -1
	           : 0;
}

int store_token_count(
    struct store *st, int64_t account, uint64_t *ret, struct error *err)
{
	int64_t n =
	    store_insert(st, STMT_TOKEN_COUNT, err, "ii", account, store_now());

	if (n == -1)
		return -1;
	*ret = (uint64_t)n;
	return 0;
}

int store_session_sweep(
    struct store *st, int64_t account, uint64_t most, struct error *err)
{
	if (store_run(st, STMT_SESSION_SWEEP, err, "i", store_now()) == -1 ||
	    store_run(
	        st, STMT_SESSION_TRIM, err, "ii", account, (int64_t)most) == -1)
		return -1;
	return 0;
}

/* --- collaborators -------------------------------------------------------- */

bool store_collaborator_is(struct store *st, int64_t app, int64_t account)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_COLLABORATOR_IS);

	store_bind(q, "ii", app, account);
	return store_step(st, q, NULL) == 1;
}

int store_collaborator_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct collaborator *c), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_COLLABORATOR_LIST);
	struct collaborator c;
	int more;

	store_bind(q, "i", app);
	while ((more = store_step(st, q, err)) == 1) {
		store_text(q, 0, c.uuid, sizeof(c.uuid));
		read_account(q, 1, &c.account);
		c.created_at = sqlite3_column_int64(q, 5);
		each(arg, &c);
	}
	return more;
}

int store_collaborator_count(
    struct store *st, int64_t app, uint64_t *ret, struct error *err)
{
	int64_t n = store_insert(st, STMT_COLLABORATOR_COUNT, err, "i", app);

	if (n == -1)
		return -1;
	*ret = (uint64_t)n;
	return 0;
}

int store_collaborator_add(
    struct store *st, int64_t app, int64_t account, struct error *err)
{
	char uuid[UUID_SIZE];

	rand_uuid(uuid);
	return store_run(st, STMT_COLLABORATOR_ADD, err, "iizi", app, account,
	           uuid, store_now()) == -1
	           ? -1
	           : 0;
}

int store_collaborator_del(
    struct store *st, int64_t app, int64_t account, struct error *err)
{
	int n = store_run(st, STMT_COLLABORATOR_DEL, err, "ii", app, account);

	if (n == 0)
		return error_set(err, ERR_NOT_FOUND, "no such collaborator");
	return n == -1 ? -1 : 0;
}

/* --- audit ---------------------------------------------------------------- */

int store_event_add(
    struct store *st, const struct event_new *e, struct error *err)
{
	return store_run(st, STMT_EVENT_ADD, err, "innzzz", store_now(),
	           e->account, e->app, e->app_name ? e->app_name : "",
	           e->action, e->detail ? e->detail : "") == -1
	           ? -1
	           : 0;
}
