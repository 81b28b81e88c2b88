/* Builds, their stages, pushes. */
#include "base/rand.h"
#include "store/stmt.h"

static void read_build(sqlite3_stmt *q, struct build *ret)
{
	ret->id = sqlite3_column_int64(q, 0);
	ret->app = sqlite3_column_int64(q, 1);
	ret->account = sqlite3_column_int64(q, 2);
	ret->release = sqlite3_column_int64(q, 3);
	ret->created_at = sqlite3_column_int64(q, 4);
	ret->updated_at = sqlite3_column_int64(q, 5);
	ret->attempts = (uint64_t)sqlite3_column_int64(q, 6);
	ret->state = (enum build_state)sqlite3_column_int(q, 7);
	store_text(q, 8, ret->uuid, sizeof(ret->uuid));
	store_text(q, 9, ret->secret, sizeof(ret->secret));
	store_text(q, 10, ret->commit, sizeof(ret->commit));
	store_text(q, 11, ret->email, sizeof(ret->email));
	store_text(q, 12, ret->account_uuid, sizeof(ret->account_uuid));
	store_text(q, 13, ret->reason, sizeof(ret->reason));
	store_text(q, 14, ret->release_uuid, sizeof(ret->release_uuid));
	ret->image = sqlite3_column_int64(q, 15);
}

static int find_build(
    struct store *st, sqlite3_stmt *q, struct build *ret, struct error *err)
{
	int more = store_step(st, q, err);

	if (more == 1)
		read_build(q, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND,
		    "There is no such build. See `paas builds`.");
	return more == 1 ? 0 : -1;
}

int store_build_add(struct store *st, int64_t app, int64_t account,
    struct str commit, int64_t *ret_id, struct error *err)
{
	char uuid[UUID_SIZE], secret[44];
	int64_t id;

	rand_uuid(uuid);
	rand_secret(secret);
	id = store_insert(st, STMT_BUILD_ADD, err, "zziisi", uuid, secret, app,
	    account, commit, store_now());
	if (id == -1)
		return -1;
	*ret_id = id;
	return 0;
}

int store_build_get(
    struct store *st, int64_t id, struct build *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_BUILD_GET);

	store_bind(q, "i", id);
	return find_build(st, q, ret, err);
}

int store_build_find(struct store *st, int64_t app, struct str uuid,
    struct build *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_BUILD_FIND);

	store_bind(q, "is", app, uuid);
	return find_build(st, q, ret, err);
}

int store_build_by_secret(
    struct store *st, struct str secret, struct build *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_BUILD_BY_SECRET);

	store_bind(q, "s", secret);
	return find_build(st, q, ret, err);
}

int store_build_list(struct store *st, int64_t app, uint64_t max,
    void (*each)(void *arg, const struct build *b), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_BUILD_LIST);
	struct build b;
	int more;

	store_bind(q, "ii", app, (int64_t)max);
	while ((more = store_step(st, q, err)) == 1) {
		read_build(q, &b);
		each(arg, &b);
	}
	return more;
}

static int list_ids(struct store *st, enum stmt which, int64_t app,
    void (*each)(void *arg, int64_t build), void *arg, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, which);
	int more;

	store_bind(q, "i", app);
	while ((more = store_step(st, q, err)) == 1)
		each(arg, sqlite3_column_int64(q, 0));
	return more;
}

int store_build_waiting(struct store *st, int64_t app,
    void (*each)(void *arg, int64_t build), void *arg, struct error *err)
{
	return list_ids(st, STMT_BUILD_WAITING, app, each, arg, err);
}

int store_build_ids(struct store *st, int64_t app,
    void (*each)(void *arg, int64_t build), void *arg, struct error *err)
{
	return list_ids(st, STMT_BUILD_IDS, app, each, arg, err);
}

int store_build_attempt(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_BUILD_ATTEMPT, err, "i", id) == -1 ? -1 : 0;
}

int store_build_released(
    struct store *st, int64_t id, int64_t release, struct error *err)
{
	return store_run(st, STMT_BUILD_RELEASED, err, "iii", release,
	           store_now(), id) == -1
	           ? -1
	           : 0;
}

int store_build_settle(struct store *st, int64_t id, enum build_state state,
    const char *reason, struct error *err)
{
	return store_run(st, STMT_BUILD_SETTLE, err, "izii", (int64_t)state,
	           reason, store_now(), id) == -1
	           ? -1
	           : 0;
}

int store_stage_put(struct store *st, int64_t build, struct str name,
    uint64_t ms, bool cached, struct error *err)
{
	return store_run(st, STMT_STAGE_PUT, err, "isii", build, name,
	           (int64_t)ms, (int64_t)cached) == -1
	           ? -1
	           : 0;
}

int store_stage_list(struct store *st, int64_t build,
    void (*each)(void *arg, const struct stage *s), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_STAGE_LIST);
	struct stage s;
	int more;

	store_bind(q, "i", build);
	while ((more = store_step(st, q, err)) == 1) {
		store_text(q, 0, s.name, sizeof(s.name));
		s.ms = (uint64_t)sqlite3_column_int64(q, 1);
		s.cached = sqlite3_column_int(q, 2) != 0;
		each(arg, &s);
	}
	return more;
}

/* --- pushes --------------------------------------------------------------- */

static void read_push(sqlite3_stmt *q, struct push *ret)
{
	ret->id = sqlite3_column_int64(q, 0);
	ret->app = sqlite3_column_int64(q, 1);
	ret->account = sqlite3_column_int64(q, 2);
	ret->build = sqlite3_column_int64(q, 3);
	ret->state = sqlite3_column_int(q, 4);
	ret->settled = sqlite3_column_int(q, 5) != 0;
	store_text(q, 6, ret->ref, sizeof(ret->ref));
	store_text(q, 7, ret->old, sizeof(ret->old));
	store_text(q, 8, ret->new, sizeof(ret->new));
	store_text(q, 9, ret->reason, sizeof(ret->reason));
}

static int find_push(
    struct store *st, sqlite3_stmt *q, struct push *ret, struct error *err)
{
	int more = store_step(st, q, err);

	if (more == 1)
		read_push(q, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND, "there is no such push");
	return more == 1 ? 0 : -1;
}

int store_push_add(struct store *st, const struct push_new *p, int64_t *ret_id,
    struct error *err)
{
	int64_t id = store_insert(st, STMT_PUSH_ADD, err, "iiisssi", p->app,
	    p->account, p->build, p->ref, p->old, p->new, store_now());

	if (id == -1)
		return -1;
	*ret_id = id;
	return 0;
}

int store_push_get(
    struct store *st, int64_t id, struct push *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_PUSH_GET);

	store_bind(q, "i", id);
	return find_push(st, q, ret, err);
}

int store_push_by_build(
    struct store *st, int64_t build, struct push *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_PUSH_BY_BUILD);

	store_bind(q, "i", build);
	return find_push(st, q, ret, err);
}

int store_push_open(struct store *st, int64_t app, struct str ref,
    struct push *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_PUSH_OPEN);

	store_bind(q, "is", app, ref);
	return find_push(st, q, ret, err);
}

int store_push_list(struct store *st,
    void (*each)(void *arg, const struct push *p), void *arg, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_PUSH_LIST);
	struct push p;
	int more;

	while ((more = store_step(st, q, err)) == 1) {
		read_push(q, &p);
		each(arg, &p);
	}
	return more;
}

int store_push_decide(struct store *st, int64_t id, int state,
    const char *reason, struct error *err)
{
	return store_run(st, STMT_PUSH_DECIDE, err, "izi", (int64_t)state,
	           reason, id) == -1
	           ? -1
	           : 0;
}

int store_push_settle(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_PUSH_SETTLE, err, "i", id) == -1 ? -1 : 0;
}
