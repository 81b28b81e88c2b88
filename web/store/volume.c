/* Volumes of apps; those destroyed until jail has let go of them. */
#include "base/rand.h"
#include "store/stmt.h"

static void read_volume(sqlite3_stmt *q, struct volume *ret)
{
	ret->id = sqlite3_column_int64(q, 0);
	ret->app = sqlite3_column_int64(q, 1);
	ret->bytes = (uint64_t)sqlite3_column_int64(q, 2);
	ret->exclusive = sqlite3_column_int(q, 3) != 0;
	ret->created_at = sqlite3_column_int64(q, 4);
	ret->updated_at = sqlite3_column_int64(q, 5);
	store_text(q, 6, ret->uuid, sizeof(ret->uuid));
	store_text(q, 7, ret->name, sizeof(ret->name));
	store_text(q, 8, ret->path, sizeof(ret->path));
}

int store_volume_add(struct store *st, const struct volume *v, int64_t *ret_id,
    struct error *err)
{
	char uuid[UUID_SIZE];
	int64_t id;

	rand_uuid(uuid);
	id = store_insert(st, STMT_VOLUME_ADD, err, "zizziii", uuid, v->app,
	    v->name, v->path, (int64_t)v->bytes, (int64_t)v->exclusive,
	    store_now());
	if (id == -1)
		return -1;
	if (id == 0)
		return error_set(err, ERR_EXISTS,
		    "The app has a volume %s already, or one at %s.", v->name,
		    v->path);
	*ret_id = id;
	return 0;
}

int store_volume_find(struct store *st, int64_t app, struct str key,
    struct volume *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_VOLUME_FIND);
	int more;

	store_bind(q, "is", app, key);
	more = store_step(st, q, err);
	if (more == 1)
		read_volume(q, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND,
		    "The app has no such volume. See `paas volumes`.");
	return more == 1 ? 0 : -1;
}

int store_volume_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct volume *v), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_VOLUME_LIST);
	struct volume v;
	int more;

	store_bind(q, "i", app);
	while ((more = store_step(st, q, err)) == 1) {
		read_volume(q, &v);
		each(arg, &v);
	}
	return more;
}

int store_volume_resize(
    struct store *st, int64_t id, uint64_t bytes, struct error *err)
{
	return store_run(st, STMT_VOLUME_RESIZE, err, "iii", (int64_t)bytes,
	           store_now(), id) == -1
	           ? -1
	           : 0;
}

int store_volume_gone(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_VOLUME_GONE, err, "i", id) == -1 ? -1 : 0;
}

int store_volume_gone_list(struct store *st,
    void (*each)(void *arg, int64_t app, int64_t id), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_VOLUME_GONE_LIST);
	int more;

	while ((more = store_step(st, q, err)) == 1)
		each(arg, sqlite3_column_int64(q, 0),
		    sqlite3_column_int64(q, 1));
	return more;
}

int store_volume_forget(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_VOLUME_FORGET, err, "i", id) == -1 ? -1 : 0;
}
