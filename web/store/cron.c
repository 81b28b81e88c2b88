/* cron - the jobs of what is live, and features that are switched on. */
#include "store/stmt.h"

static int done(int rows)
{
	return rows == -1 ? -1 : 0;
}

int store_cron_mark(struct store *st, int64_t app, struct error *err)
{
	return done(store_run(st, STMT_CRON_MARK, err, "i", app));
}

int store_cron_keep(struct store *st, int64_t app, struct str schedule,
    struct str command, struct error *err)
{
	/* A new one is due from now on. */
	return done(store_run(st, STMT_CRON_KEEP, err, "issi", app, schedule,
	    command, store_now() / 60));
}

int store_cron_sweep(struct store *st, int64_t app, struct error *err)
{
	return done(store_run(st, STMT_CRON_SWEEP, err, "i", app));
}

static void read_cron(sqlite3_stmt *q, struct cron_row *c)
{
	*c = (struct cron_row){
	    .num = (uint64_t)sqlite3_column_int64(q, 0),
	    .schedule = store_bytes(q, 1),
	    .command = store_bytes(q, 2),
	    .suspended = sqlite3_column_int(q, 3) != 0,
	    .done = (uint64_t)sqlite3_column_int64(q, 4),
	    .began_at = sqlite3_column_int64(q, 5),
	    .code = sqlite3_column_int64(q, 6),
	};
}

int store_cron_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct cron_row *c), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_CRON_LIST);
	struct cron_row c;
	int more;

	store_bind(q, "i", app);
	while ((more = store_step(st, q, err)) == 1) {
		read_cron(q, &c);
		each(arg, &c);
	}
	return more;
}

int store_cron_command(struct store *st, int64_t app, uint64_t num,
    struct buf *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_CRON_COMMAND);
	int more;

	store_bind(q, "ii", app, (int64_t)num);
	more = store_step(st, q, err);
	if (more == 1)
		buf_add(ret, store_bytes(q, 0));
	if (more == 0)
		return error_set(err, ERR_NOT_FOUND,
		    "There is no such cron job. See `paas cron`.");
	return more == 1 ? 0 : -1;
}

int store_cron_suspend(struct store *st, int64_t app, uint64_t num,
    bool suspended, struct error *err)
{
	/* What was due in the pause is not made up for. */
	return done(store_run(st, STMT_CRON_SUSPEND, err, "iiii",
	    (int64_t)suspended, store_now() / 60, app, (int64_t)num));
}

int store_cron_done(struct store *st, int64_t app, uint64_t num,
    uint64_t minute, bool began, bool reset, struct error *err)
{
	if (reset)
		return done(store_run(st, STMT_CRON_RESET, err, "iii",
		    (int64_t)minute, app, (int64_t)num));
	return done(store_run(st, STMT_CRON_DONE, err, "iiii", (int64_t)minute,
	    began ? store_now() : (int64_t)0, app, (int64_t)num));
}

int store_cron_exited(struct store *st, int64_t app, uint64_t num,
    uint64_t minute, uint64_t code, struct error *err)
{
	return done(store_run(st, STMT_CRON_EXITED, err, "iiii",
	    (int64_t)minute, (int64_t)code, app, (int64_t)num));
}

/* --- of images ------------------------------------------------------------ */

void store_image_commit(
    struct store *st, int64_t app, int64_t image, char ret[41])
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_IMAGE_COMMIT);

	store_bind(q, "ii", app, image);
	ret[0] = '\0';
	if (store_step(st, q, NULL) == 1)
		store_text(q, 0, ret, 41);
}

/* --- features ------------------------------------------------------------- */

bool store_feature(struct store *st, int64_t app, const char *name)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_FEATURE_IS);

	store_bind(q, "iz", app, name);
	return store_step(st, q, NULL) == 1;
}

int store_feature_set(
    struct store *st, int64_t app, const char *name, bool on, struct error *err)
{
	return done(store_run(st, on ? STMT_FEATURE_ADD : STMT_FEATURE_DEL, err,
	    "iz", app, name));
}
