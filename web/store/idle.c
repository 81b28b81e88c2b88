/* idle - when an app that nobody asks for may rest. */
#include "store/stmt.h"

int store_idle_get(
    struct store *st, int64_t app, struct idle *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_IDLE_GET);
	int more;

	store_bind(q, "i", app);
	more = store_step(st, q, err);
	if (more == -1)
		return -1;
	*ret = (struct idle){0};
	if (more == 0)
		return 0;
	ret->freeze_seconds = (uint64_t)sqlite3_column_int64(q, 0);
	ret->stop_seconds = (uint64_t)sqlite3_column_int64(q, 1);
	return 0;
}

int store_idle_set(
    struct store *st, int64_t app, const struct idle *i, struct error *err)
{
	if (i->freeze_seconds == 0)
		return store_run(st, STMT_IDLE_DROP, err, "i", app) == -1 ? -1
		                                                          : 0;
	return store_run(st, STMT_IDLE_PUT, err, "iii", app,
	           (int64_t)i->freeze_seconds, (int64_t)i->stop_seconds) == -1
	           ? -1
	           : 0;
}
