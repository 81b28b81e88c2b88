/* Config snapshots, images, releases, formations. */
#include <inttypes.h>

#include "base/rand.h"
#include "store/stmt.h"

/* --- config --------------------------------------------------------------- */

int store_config_add(struct store *st, int64_t app, struct str env,
    int64_t *ret_id, struct error *err)
{
	scoped_buf struct buf box = BUF_INIT(ENV_MAX + CRYPT_OVERHEAD);
	int64_t id;

	if (crypt_seal(&st->crypt, (uint64_t)app, env, &box, err) == -1)
		return -1;
	id = store_insert(
	    st, STMT_CONFIG_ADD, err, "ibi", app, buf_str(&box), store_now());
	if (id == -1)
		return -1;
	*ret_id = id;
	return 0;
}

int store_config_get(struct store *st, int64_t app, int64_t id, struct buf *env,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_CONFIG_GET);
	int more;

	if (!id)
		return 0;
	store_bind(q, "ii", id, app);
	more = store_step(st, q, err);
	if (more == 0)
		return error_set(err, ERR_INTERNAL,
		    "config snapshot %" PRId64 " is not there", id);
	if (more == -1)
		return -1;
	return crypt_unseal(
	    &st->crypt, (uint64_t)app, store_bytes(q, 0), env, err);
}

/* --- images --------------------------------------------------------------- */

int store_image_put(struct store *st, int64_t app, const struct image_new *i,
    int64_t *ret_id, struct error *err)
{
	int64_t id = store_insert(st, STMT_IMAGE_PUT, err, "issssi", app,
	    i->digest, i->layers, i->buildpacks, i->app_json, store_now());

	if (id == -1)
		return -1;
	for (size_t p = 0; p < i->nprocesses; p++)
		if (store_run(st, STMT_PROCESS_ADD, err, "iiss", id, (int64_t)p,
		        i->processes[p].type, i->processes[p].command) == -1)
			return -1;
	*ret_id = id;
	return 0;
}

int store_image_get(struct store *st, int64_t id, struct image *ret,
    struct buf *layers, struct buf *buildpacks, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_IMAGE_GET);
	int more;

	store_bind(q, "i", id);
	more = store_step(st, q, err);
	if (more == 0)
		return error_set(
		    err, ERR_NOT_FOUND, "image %" PRId64 " is not there", id);
	if (more == -1)
		return -1;
	ret->id = id;
	store_text(q, 1, ret->digest, sizeof(ret->digest));
	if (layers)
		buf_add(layers, store_bytes(q, 2));
	if (buildpacks)
		buf_add(buildpacks, store_bytes(q, 3));
	return 0;
}

int store_image_app_json(
    struct store *st, int64_t id, struct buf *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_IMAGE_APP_JSON);
	int more;

	store_bind(q, "i", id);
	more = store_step(st, q, err);
	if (more == 1)
		buf_add(ret, store_bytes(q, 0));
	return more == -1 ? -1 : 0;
}

int store_process_list(struct store *st, int64_t image,
    void (*each)(void *arg, const struct process *p), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_PROCESS_LIST);
	int more;

	store_bind(q, "i", image);
	while ((more = store_step(st, q, err)) == 1) {
		struct process p = {store_bytes(q, 0), store_bytes(q, 1)};

		each(arg, &p);
	}
	return more;
}

bool store_process_command(
    struct store *st, int64_t image, struct str type, struct buf *ret)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_PROCESS_COMMAND);

	store_bind(q, "is", image, type);
	if (store_step(st, q, NULL) != 1)
		return false;
	buf_add(ret, store_bytes(q, 0));
	return true;
}

/* --- releases ------------------------------------------------------------- */

static void read_release(sqlite3_stmt *q, struct release *ret)
{
	ret->id = sqlite3_column_int64(q, 0);
	ret->app = sqlite3_column_int64(q, 1);
	ret->image = sqlite3_column_int64(q, 2);
	ret->config = sqlite3_column_int64(q, 3);
	ret->account = sqlite3_column_int64(q, 4);
	ret->build = sqlite3_column_int64(q, 5);
	ret->created_at = sqlite3_column_int64(q, 6);
	ret->settled_at = sqlite3_column_int64(q, 7);
	ret->version = (uint64_t)sqlite3_column_int64(q, 8);
	ret->job = (uint64_t)sqlite3_column_int64(q, 9);
	ret->state = (enum release_state)sqlite3_column_int(q, 10);
	ret->phase_done = sqlite3_column_int(q, 11) != 0;
	store_text(q, 12, ret->uuid, sizeof(ret->uuid));
	store_text(q, 13, ret->email, sizeof(ret->email));
	store_text(q, 14, ret->account_uuid, sizeof(ret->account_uuid));
	store_text(q, 15, ret->description, sizeof(ret->description));
	store_text(q, 16, ret->reason, sizeof(ret->reason));
	store_text(q, 17, ret->digest, sizeof(ret->digest));
	store_text(q, 18, ret->build_uuid, sizeof(ret->build_uuid));
	store_text(q, 19, ret->build_secret, sizeof(ret->build_secret));
}

static int find_release(
    struct store *st, sqlite3_stmt *q, struct release *ret, struct error *err)
{
	int more = store_step(st, q, err);

	if (more == 1)
		read_release(q, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND,
		    "There is no such release. See `paas releases`.");
	return more == 1 ? 0 : -1;
}

static int list_releases(struct store *st, sqlite3_stmt *q,
    void (*each)(void *arg, const struct release *r), void *arg,
    struct error *err)
{
	struct release r;
	int more;

	while ((more = store_step(st, q, err)) == 1) {
		read_release(q, &r);
		each(arg, &r);
	}
	return more;
}

int store_release_add(struct store *st, const struct release_new *r,
    struct release *ret, struct error *err)
{
	char uuid[UUID_SIZE];
	int64_t now = store_now(), id;

	rand_uuid(uuid);
	id = store_insert(st, STMT_RELEASE_ADD, err, "zinizii", uuid, r->app,
	    r->image, r->config, r->description, r->account, now);
	if (id == -1 ||
	    store_run(st, STMT_RELEASE_STATE_ADD, err, "iin", id,
	        (int64_t)r->state,
	        r->state == RELEASE_PENDING ? (int64_t)0 : now) == -1)
		return -1;
	if (r->state == RELEASE_SUCCEEDED &&
	    store_run(st, STMT_APP_RELEASED, err, "ii", now, r->app) == -1)
		return -1;
	return store_release_get(st, id, ret, err);
}

int store_release_get(
    struct store *st, int64_t id, struct release *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_RELEASE_GET);

	store_bind(q, "i", id);
	return find_release(st, q, ret, err);
}

int store_release_find(struct store *st, int64_t app, struct str key,
    struct release *ret, struct error *err)
{
	struct str digits =
	    str_starts(key, STR("v")) ? str_sub(key, 1, key.len) : key;
	uint64_t version;
	bool number = str_u64(digits, INT64_MAX, &version);
	scoped_stmt sqlite3_stmt *q = store_stmt(
	    st, number ? STMT_RELEASE_BY_VERSION : STMT_RELEASE_BY_UUID);

	if (number)
		store_bind(q, "ii", app, (int64_t)version);
	else
		store_bind(q, "is", app, key);
	return find_release(st, q, ret, err);
}

int store_release_live(struct store *st, int64_t app, bool with_image,
    struct release *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_RELEASE_LIVE);

	store_bind(q, "ii", app, (int64_t)with_image);
	return find_release(st, q, ret, err);
}

int store_release_for_run(
    struct store *st, int64_t app, struct release *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_RELEASE_FOR_RUN);
	struct release live;

	if (store_release_live(st, app, true, &live, err) == -1)
		return -1;
	store_bind(q, "ii", app, live.image);
	return find_release(st, q, ret, err);
}

int store_release_next(
    struct store *st, int64_t app, struct release *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_RELEASE_NEXT);

	store_bind(q, "i", app);
	return find_release(st, q, ret, err);
}

int store_release_list(struct store *st, int64_t app, uint64_t max,
    void (*each)(void *arg, const struct release *r), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_RELEASE_LIST);

	store_bind(q, "ii", app, (int64_t)max);
	return list_releases(st, q, each, arg, err);
}

int store_release_pending(struct store *st, int64_t app,
    void (*each)(void *arg, const struct release *r), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_RELEASE_PENDING);

	store_bind(q, "i", app);
	return list_releases(st, q, each, arg, err);
}

int store_release_settle(struct store *st, int64_t id, enum release_state state,
    const char *reason, struct error *err)
{
	struct release r;
	int n = store_run(st, STMT_RELEASE_SETTLE, err, "izii", (int64_t)state,
	    reason, store_now(), id);

	if (n == -1 || (n > 0 && store_release_get(st, id, &r, err) == -1))
		return -1;
	if (n > 0 && state == RELEASE_SUCCEEDED &&
	    store_run(st, STMT_APP_RELEASED, err, "ii", r.settled_at, r.app) ==
	        -1)
		return -1;
	return 0;
}

int store_release_job(
    struct store *st, int64_t id, uint64_t job, struct error *err)
{
	return store_run(st, STMT_RELEASE_JOB, err, "ii", (int64_t)job, id) ==
	               -1
	           ? -1
	           : 0;
}

int store_release_phase_done(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_RELEASE_PHASE_DONE, err, "i", id) == -1 ? -1
	                                                                  : 0;
}

/* --- formation ------------------------------------------------------------ */

static void read_formation(sqlite3_stmt *q, struct formation *ret)
{
	store_text(q, 0, ret->uuid, sizeof(ret->uuid));
	store_text(q, 1, ret->type, sizeof(ret->type));
	ret->quantity = (uint64_t)sqlite3_column_int64(q, 2);
	store_text(q, 3, ret->size, sizeof(ret->size));
	ret->created_at = sqlite3_column_int64(q, 4);
	ret->updated_at = sqlite3_column_int64(q, 5);
}

int store_formation_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct formation *f), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_FORMATION_LIST);
	struct formation f;
	int more;

	store_bind(q, "i", app);
	while ((more = store_step(st, q, err)) == 1) {
		read_formation(q, &f);
		each(arg, &f);
	}
	return more;
}

int store_formation_find(struct store *st, int64_t app, struct str key,
    struct formation *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_FORMATION_FIND);
	int more;

	store_bind(q, "is", app, key);
	more = store_step(st, q, err);
	if (more == 1)
		read_formation(q, ret);
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND,
		    "The app has no process type " STR_FMT
		    ". Its Procfile names them, and they come with a deploy.",
		    STR_ARG(str_sub(key, 0, 64)));
	return more == 1 ? 0 : -1;
}

int store_formation_put(struct store *st, int64_t app, struct str type,
    uint64_t quantity, const char *size, struct error *err)
{
	char uuid[UUID_SIZE];

	rand_uuid(uuid);
	return store_run(st, STMT_FORMATION_PUT, err, "iszizi", app, type, uuid,
	           (int64_t)quantity, size, store_now()) == -1
	           ? -1
	           : 0;
}

int store_formation_trim(
    struct store *st, int64_t app, int64_t image, struct error *err)
{
	return store_run(st, STMT_FORMATION_TRIM, err, "ii", app, image) == -1
	           ? -1
	           : 0;
}
