/* What apps may reach: rules of egress, links. */
#include "base/rand.h"
#include "store/stmt.h"

static void read_rule(sqlite3_stmt *q, struct egress_rule *ret)
{
	ret->id = sqlite3_column_int64(q, 0);
	ret->app = sqlite3_column_int64(q, 1);
	ret->created_at = sqlite3_column_int64(q, 2);
	store_text(q, 3, ret->uuid, sizeof(ret->uuid));
	store_text(q, 4, ret->rule, sizeof(ret->rule));
}

int store_egress_add(
    struct store *st, int64_t app, const char *rule, struct error *err)
{
	char uuid[UUID_SIZE];
	int n;

	rand_uuid(uuid);
	n = store_run(
	    st, STMT_EGRESS_ADD, err, "znzi", uuid, app, rule, store_now());
	if (n == 0)
		return error_set(
		    err, ERR_EXISTS, "%.100s is allowed already.", rule);
	return n == -1 ? -1 : 0;
}

int store_egress_find(struct store *st, int64_t app, struct str key,
    struct egress_rule *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_EGRESS_FIND);
	int more;

	store_bind(q, "is", app, key);
	more = store_step(st, q, err);
	if (more == 1)
		read_rule(q, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND,
		    "There is no such rule. See `paas egress`.");
	return more == 1 ? 0 : -1;
}

int store_egress_del(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_EGRESS_DEL, err, "i", id) == -1 ? -1 : 0;
}

int store_egress_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct egress_rule *r), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_EGRESS_LIST);
	struct egress_rule r;
	int more;

	store_bind(q, "i", app);
	while ((more = store_step(st, q, err)) == 1) {
		read_rule(q, &r);
		each(arg, &r);
	}
	return more;
}

int store_egress_count(
    struct store *st, int64_t app, uint64_t *ret, struct error *err)
{
	int64_t n = store_insert(st, STMT_EGRESS_COUNT, err, "i", app);

	if (n == -1)
		return -1;
	*ret = (uint64_t)n;
	return 0;
}

/* --- links ---------------------------------------------------------------- */

static void read_link(sqlite3_stmt *q, struct link *ret)
{
	ret->id = sqlite3_column_int64(q, 0);
	ret->app = sqlite3_column_int64(q, 1);
	ret->to = sqlite3_column_int64(q, 2);
	ret->created_at = sqlite3_column_int64(q, 3);
	store_text(q, 4, ret->uuid, sizeof(ret->uuid));
	store_text(q, 5, ret->name, sizeof(ret->name));
	store_text(q, 6, ret->to_uuid, sizeof(ret->to_uuid));
}

int store_link_add(struct store *st, int64_t app, int64_t to, struct error *err)
{
	char uuid[UUID_SIZE];
	int n;

	rand_uuid(uuid);
	n = store_run(
	    st, STMT_LINK_ADD, err, "ziii", uuid, app, to, store_now());
	if (n == 0)
		return error_set(
		    err, ERR_EXISTS, "These apps are linked already.");
	return n == -1 ? -1 : 0;
}

int store_link_find(struct store *st, int64_t app, struct str key,
    struct link *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_LINK_FIND);
	int more;

	store_bind(q, "is", app, key);
	more = store_step(st, q, err);
	if (more == 1)
		read_link(q, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND,
		    "There is no such link. See `paas links`.");
	return more == 1 ? 0 : -1;
}

int store_link_del(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_LINK_DEL, err, "i", id) == -1 ? -1 : 0;
}

int store_link_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct link *l), void *arg, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_LINK_LIST);
	struct link l;
	int more;

	store_bind(q, "i", app);
	while ((more = store_step(st, q, err)) == 1) {
		read_link(q, &l);
		each(arg, &l);
	}
	return more;
}

int store_link_from(struct store *st, int64_t to,
    void (*each)(void *arg, int64_t app), void *arg, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_LINK_FROM);
	int more;

	store_bind(q, "i", to);
	while ((more = store_step(st, q, err)) == 1)
		each(arg, sqlite3_column_int64(q, 0));
	return more;
}

int store_link_count(
    struct store *st, int64_t app, uint64_t *ret, struct error *err)
{
	int64_t n = store_insert(st, STMT_LINK_COUNT, err, "i", app);

	if (n == -1)
		return -1;
	*ret = (uint64_t)n;
	return 0;
}
