#include "store/store.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/schema.h"
#include "store/stmt.h"

/*
 * FULL: an acknowledged push is still there after a power cut. The cache is
 * small since the kernel's holds the same pages. EXCLUSIVE keeps others out
 * and the index of the log in our memory instead of a shared file.
 */
static const char setup[] = "PRAGMA locking_mode = EXCLUSIVE;"
                            "PRAGMA journal_mode = WAL;"
                            "PRAGMA synchronous = FULL;"
                            "PRAGMA foreign_keys = ON;"
                            "PRAGMA trusted_schema = OFF;"
                            "PRAGMA cache_size = -256;"
                            "PRAGMA temp_store = MEMORY;"
                            "PRAGMA secure_delete = ON;"
                            "PRAGMA wal_autocheckpoint = 256;";

/* --- statements ----------------------------------------------------------- */

static int prepare_all(struct store *st, struct error *err)
{
#define STMT_SQL(name, sql) [STMT_##name] = sql,
	static const char *const texts[] = {STMT_TABLE(STMT_SQL)};

	for (int i = 0; i < STMT_N; i++)
		if (sqlite3_prepare_v3(st->db, texts[i], -1,
		        SQLITE_PREPARE_PERSISTENT, &st->stmts[i],
		        NULL) != SQLITE_OK)
			return error_set(err, ERR_INTERNAL, "%s: %s", texts[i],
			    sqlite3_errmsg(st->db));
	return 0;
}

sqlite3_stmt *store_stmt(struct store *st, enum stmt which)
{
	assert(!sqlite3_stmt_busy(st->stmts[which]));
	return st->stmts[which];
}

void store_stmt_done(sqlite3_stmt **q)
{
	(void)sqlite3_reset(*q);
	(void)sqlite3_clear_bindings(*q);
}

static void bind_all(sqlite3_stmt *q, const char *kinds, va_list args)
{
	for (int i = 1; kinds[i - 1]; i++) {
		int64_t number = 0;
		struct str s = {0};

		switch (kinds[i - 1]) {
		case 'i':
			sqlite3_bind_int64(q, i, va_arg(args, int64_t));
			break;
		case 'n':
			number = va_arg(args, int64_t);
			if (number)
				sqlite3_bind_int64(q, i, number);
			break;
		case 'z':
			sqlite3_bind_text(q, i, va_arg(args, const char *), -1,
			    SQLITE_STATIC);
			break;
		case 's':
			s = va_arg(args, struct str);
			sqlite3_bind_text(
			    q, i, s.len ? s.p : "", (int)s.len, SQLITE_STATIC);
			break;
		default:
			assert(kinds[i - 1] == 'b');
			s = va_arg(args, struct str);
			sqlite3_bind_blob(
			    q, i, s.len ? s.p : "", (int)s.len, SQLITE_STATIC);
		}
	}
}

void store_bind(sqlite3_stmt *q, const char *kinds, ...)
{
	va_list args;

	va_start(args, kinds);
	bind_all(q, kinds, args);
	va_end(args);
}

int store_step(struct store *st, sqlite3_stmt *q, struct error *err)
{
	switch (sqlite3_step(q)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return error_set(err, ERR_SYSTEM, "the database: %s",
		    sqlite3_errmsg(st->db));
	}
}

int store_run(struct store *st, enum stmt which, struct error *err,
    const char *kinds, ...)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, which);
	va_list args;

	va_start(args, kinds);
	bind_all(q, kinds, args);
	va_end(args);
	if (store_step(st, q, err) == -1)
		return -1;
	return sqlite3_changes(st->db);
}

int64_t store_insert(struct store *st, enum stmt which, struct error *err,
    const char *kinds, ...)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, which);
	int64_t id = 0;
	va_list args;
	int more;

	va_start(args, kinds);
	bind_all(q, kinds, args);
	va_end(args);
	while ((more = store_step(st, q, err)) == 1)
		id = sqlite3_column_int64(q, 0);
	return more == -1 ? -1 : id;
}

void store_text(sqlite3_stmt *q, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(q, column);

	snprintf(out, size, "%s", text ? (const char *)text : "");
}

struct str store_bytes(sqlite3_stmt *q, int column)
{
	const void *p = sqlite3_column_blob(q, column);

	return str_make(p ? p : "", (size_t)sqlite3_column_bytes(q, column));
}

int64_t store_now(void)
{
	return (int64_t)(clock_real_ms() / 1000);
}

/* --- opening -------------------------------------------------------------- */

static int open_db(struct store *st, const char *state, struct error *err)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/db/paas.db", state);
	if (sqlite3_open_v2(path, &st->db,
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	        NULL) != SQLITE_OK ||
	    sqlite3_exec(st->db, setup, NULL, NULL, NULL) != SQLITE_OK)
		return error_set(err, ERR_SYSTEM, "open %s: %s", path,
		    st->db ? sqlite3_errmsg(st->db) : "no memory");
	if (schema_migrate(st->db, err) == -1)
		return error_wrap(err, "%s", path);
	return 0;
}

/* Without one config there is nothing yet that a new key could not read. */
static bool has_config(struct store *st)
{
	sqlite3_stmt *q = NULL;
	bool has = true;

	if (sqlite3_prepare_v2(st->db, "SELECT 1 FROM config LIMIT 1", -1, &q,
	        NULL) == SQLITE_OK)
		has = sqlite3_step(q) != SQLITE_DONE;
	sqlite3_finalize(q);
	return has;
}

struct store *store_open(const char *state, struct error *err)
{
	struct store *st = xcalloc(1, sizeof(*st));
	char keys[300];

	snprintf(keys, sizeof(keys), "%s/keys", state);
	/* Our lists are short: no need for its own pool of small pieces. */
	(void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 512, 32);
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	if (open_db(st, state, err) == -1 ||
	    crypt_open(keys, !has_config(st), &st->crypt, err) == -1 ||
	    prepare_all(st, err) == -1) {
		store_close(st);
		return NULL;
	}
	return st;
}

void store_close(struct store *st)
{
	if (!st)
		return;
	for (int i = 0; i < STMT_N; i++)
		(void)sqlite3_finalize(st->stmts[i]);
	(void)sqlite3_close(st->db);
	crypt_close(&st->crypt);
	free(st);
}

/* --- transactions --------------------------------------------------------- */

struct store *store_begin(struct store *st, struct error *err)
{
	assert(!st->in_tx);
	if (store_run(st, STMT_BEGIN, err, "") == -1)
		return NULL;
	st->in_tx = true;
	return st;
}

int store_commit(struct store **tx, struct error *err)
{
	struct store *st = *tx;

	assert(st->in_tx);
	if (store_run(st, STMT_COMMIT, err, "") == -1)
		return -1; /* and store_rollback ends it */
	st->in_tx = false;
	*tx = NULL;
	return 0;
}

void store_rollback(struct store **tx)
{
	struct store *st = *tx;

	if (!st)
		return;
	/* Where an error has ended it already there is nothing to end. */
	if (!sqlite3_get_autocommit(st->db))
		(void)store_run(st, STMT_ROLLBACK, NULL, "");
	st->in_tx = false;
	*tx = NULL;
}

/* --- notes ---------------------------------------------------------------- */

#define NOTES 0 /* the context of none: apps count from 1 */

int store_note_seal(
    struct store *st, struct str text, struct buf *box, struct error *err)
{
	return crypt_seal(&st->crypt, NOTES, text, box, err);
}

int store_note_unseal(
    struct store *st, struct str box, struct buf *text, struct error *err)
{
	return crypt_unseal(&st->crypt, NOTES, box, text, err);
}
