/* strategy - whether two releases of an app may run at a time. */
#include "store/stmt.h"

int store_stop_first_get(
    struct store *st, int64_t app, bool *ret, struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_STOP_FIRST_GET);
	int more;

	store_bind(q, "i", app);
	more = store_step(st, q, err);
	if (more == -1)
		return -1;
	*ret = more == 1;
	return 0;
}

int store_stop_first_set(
    struct store *st, int64_t app, bool on, struct error *err)
{
	return store_run(st, on ? STMT_STOP_FIRST_PUT : STMT_STOP_FIRST_DROP,
	           err, "i", app) == -1
	           ? -1
	           : 0;
}
