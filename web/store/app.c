/* Apps, their domains, what waits after their end. */
#include "base/rand.h"
#include "store/stmt.h"

static void read_app(sqlite3_stmt *q, struct app *ret)
{
	ret->id = sqlite3_column_int64(q, 0);
	ret->owner = sqlite3_column_int64(q, 1);
	ret->config = sqlite3_column_int64(q, 2);
	ret->created_at = sqlite3_column_int64(q, 3);
	ret->updated_at = sqlite3_column_int64(q, 4);
	ret->released_at = sqlite3_column_int64(q, 5);
	ret->generation = (uint64_t)sqlite3_column_int64(q, 6);
	ret->maintenance = sqlite3_column_int(q, 7) != 0;
	store_text(q, 8, ret->uuid, sizeof(ret->uuid));
	store_text(q, 9, ret->name, sizeof(ret->name));
	store_text(q, 10, ret->stack, sizeof(ret->stack));
	store_text(q, 11, ret->owner_uuid, sizeof(ret->owner_uuid));
	store_text(q, 12, ret->owner_email, sizeof(ret->owner_email));
}

static int find_app(
    struct store *st, sqlite3_stmt *q, struct app *ret, struct error *err)
{
	int more = store_step(st, q, err);

	if (more == 1)
		read_app(q, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND,
		    "There is no such app. See `paas apps`.");
	return more == 1 ? 0 : -1;
}

int store_app_add(struct store *st, struct str name, int64_t owner,
    const char *stack, int64_t *ret_id, struct error *err)
{
	char uuid[UUID_SIZE];
	int64_t id;

	rand_uuid(uuid);
	id = store_insert(st, STMT_APP_ADD, err, "zsizi", uuid, name, owner,
	    stack, store_now());
	if (id == -1)
		return -1;
	if (id == 0)
		return error_set(err, ERR_EXISTS,
		    "The name " STR_FMT " is taken. Choose another one.",
		    STR_ARG(name));
	*ret_id = id;
	return 0;
}

int store_app_get(
    struct store *st, int64_t id, struct app *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_APP_GET);

	store_bind(q, "i", id);
	return find_app(st, q, ret, err);
}

int store_app_find(
    struct store *st, struct str key, struct app *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_APP_FIND);

	store_bind(q, "s", key);
	return find_app(st, q, ret, err);
}

int store_app_list(struct store *st, int64_t account,
    void (*each)(void *arg, const struct app *a), void *arg, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_APP_LIST);
	struct app a;
	int more;

	store_bind(q, "i", account);
	while ((more = store_step(st, q, err)) == 1) {
		read_app(q, &a);
		each(arg, &a);
	}
	return more;
}

int store_app_count(struct store *st, uint64_t *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_APP_COUNT);

	if (store_step(st, q, err) != 1)
		return -1;
	*ret = (uint64_t)sqlite3_column_int64(q, 0);
	return 0;
}

int store_app_rename(
    struct store *st, int64_t id, struct str name, struct error *err)
{
	int n =
	    store_run(st, STMT_APP_RENAME, err, "sii", name, store_now(), id);

	if (n == 0)
		return error_set(err, ERR_EXISTS,
		    "The name " STR_FMT " is taken. Choose another one.",
		    STR_ARG(name));
	return n == -1 ? -1 : 0;
}

int store_app_maintenance(
    struct store *st, int64_t id, bool on, struct error *err)
{
	return store_run(st, STMT_APP_MAINTENANCE, err, "iii", (int64_t)on,
	           store_now(), id) == -1
	           ? -1
	           : 0;
}

int store_app_restart(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_APP_RESTART, err, "i", id) == -1 ? -1 : 0;
}

int store_app_config(
    struct store *st, int64_t id, int64_t config, struct error *err)
{
	return store_run(st, STMT_APP_CONFIG, err, "iii", config, store_now(),
	           id) == -1
	           ? -1
	           : 0;
}

int store_app_delete(struct store *st, int64_t id, struct error *err)
{
	static const enum stmt order[] = {STMT_GONE_ADD, STMT_APP_DELETE_PUSHES,
	    STMT_APP_DELETE_BUILDS, STMT_APP_DELETE_RELEASES,
	    STMT_APP_DELETE_CONFIG, STMT_APP_DELETE};

	for (size_t i = 0; i < NELEM(order); i++)
		if (store_run(st, order[i], err, "i", id) == -1)
			return -1;
	return 0;
}

int store_gone_list(struct store *st, enum gone who,
    void (*each)(void *arg, uint64_t app), void *arg, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_GONE_LIST);
	int more;

	store_bind(q, "i", (int64_t)who);
	while ((more = store_step(st, q, err)) == 1)
		each(arg, (uint64_t)sqlite3_column_int64(q, 0));
	return more;
}

int store_gone_done(
    struct store *st, uint64_t app, enum gone who, struct error *err)
{
	scoped_tx struct store *tx = store_begin(st, err);

	if (!tx ||
	    store_run(st, STMT_GONE_DONE, err, "ii", (int64_t)app,
	        (int64_t)who) == -1 ||
	    store_run(st, STMT_GONE_END, err, "i", (int64_t)app) == -1)
		return -1;
	return store_commit(&tx, err);
}

/* --- domains -------------------------------------------------------------- */

static void read_domain(sqlite3_stmt *q, struct domain *ret)
{
	ret->id = sqlite3_column_int64(q, 0);
	ret->app = sqlite3_column_int64(q, 1);
	store_text(q, 2, ret->uuid, sizeof(ret->uuid));
	store_text(q, 3, ret->hostname, sizeof(ret->hostname));
	ret->created_at = sqlite3_column_int64(q, 4);
}

int store_domain_count(
    struct store *st, int64_t app, uint64_t *ret, struct error *err)
{
	int64_t n = store_insert(st, STMT_DOMAIN_COUNT, err, "i", app);

	if (n == -1)
		return -1;
	*ret = (uint64_t)n;
	return 0;
}

int store_domain_add(
    struct store *st, int64_t app, struct str host, struct error *err)
{
	char uuid[UUID_SIZE];
	int n;

	rand_uuid(uuid);
	n = store_run(
	    st, STMT_DOMAIN_ADD, err, "zisi", uuid, app, host, store_now());
	if (n == 0)
		return error_set(err, ERR_EXISTS,
		    "The domain " STR_FMT " belongs to an app already.",
		    STR_ARG(host));
	return n == -1 ? -1 : 0;
}

int store_domain_del(
    struct store *st, int64_t app, struct str host, struct error *err)
{
	int n = store_run(st, STMT_DOMAIN_DEL, err, "is", app, host);

	if (n == 0)
		return error_set(
		    err, ERR_NOT_FOUND, "The app has no such domain.");
	return n == -1 ? -1 : 0;
}

int store_domain_find(
    struct store *st, struct str key, struct domain *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_DOMAIN_FIND);
	int more;

	store_bind(q, "s", key);
	more = store_step(st, q, err);
	if (more == 1)
		read_domain(q, ret);
	if (more == 0)
		return error_set(
		    err, ERR_NOT_FOUND, "The app has no such domain.");
	return more == 1 ? 0 : -1;
}

int store_domain_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct domain *d), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_DOMAIN_LIST);
	struct domain d;
	int more;

	store_bind(q, "i", app);
	while ((more = store_step(st, q, err)) == 1) {
		read_domain(q, &d);
		each(arg, &d);
	}
	return more;
}
