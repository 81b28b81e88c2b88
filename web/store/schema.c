#include "store/schema.h"

#include <sqlite3.h>
#include <stdio.h>

#include "base/str.h"

static const char first[] =
    "CREATE TABLE account ("
    "  id INTEGER PRIMARY KEY,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  email TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    "  created_at INTEGER NOT NULL"
    ") STRICT;"

    /* A session is made from a token and ends with it. */
    "CREATE TABLE token ("
    "  id INTEGER PRIMARY KEY,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
    "  parent INTEGER REFERENCES token ON DELETE CASCADE,"
    "  hash BLOB NOT NULL UNIQUE," /* sha256 of the token */
    "  description TEXT NOT NULL,"
    "  scope TEXT NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  expires_at INTEGER,"
    "  revoked_at INTEGER"
    ") STRICT;"
    "CREATE INDEX token_account ON token(account);"
    "CREATE INDEX token_parent ON token(parent);"

    /* Ids are never used again: repositories are named by them. */
    "CREATE TABLE app ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL UNIQUE,"
    "  owner INTEGER NOT NULL REFERENCES account,"
    "  stack TEXT NOT NULL,"
    "  generation INTEGER NOT NULL DEFAULT 1," /* a restart raises it */
    "  maintenance INTEGER NOT NULL DEFAULT 0,"
    "  config INTEGER REFERENCES config," /* of the next release */
    "  created_at INTEGER NOT NULL,"
    "  updated_at INTEGER NOT NULL,"
    "  released_at INTEGER"
    ") STRICT;"

    /* Destroyed apps, until every program that holds a part let go of it. */
    "CREATE TABLE gone ("
    "  app INTEGER PRIMARY KEY,"
    "  waits INTEGER NOT NULL" /* bits of enum gone */
    ") STRICT;"

    "CREATE TABLE collaborator ("
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  created_at INTEGER NOT NULL,"
    "  PRIMARY KEY (app, account)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE config ("
    "  id INTEGER PRIMARY KEY,"
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  box BLOB NOT NULL," /* as crypt.h describes */
    "  created_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX config_app ON config(app);"

    "CREATE TABLE image ("
    "  id INTEGER PRIMARY KEY,"
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  digest TEXT NOT NULL,"
    "  layers TEXT NOT NULL,"     /* diffIDs by spaces, base first */
    "  buildpacks TEXT NOT NULL," /* by newlines */
    "  created_at INTEGER NOT NULL,"
    "  UNIQUE (app, digest)"
    ") STRICT;"
    "CREATE TABLE process ("
    "  image INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,"
    "  place INTEGER NOT NULL,"
    "  type TEXT NOT NULL,"
    "  command TEXT NOT NULL,"
    "  PRIMARY KEY (image, type)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE release ("
    "  id INTEGER PRIMARY KEY,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  version INTEGER NOT NULL,"
    "  image INTEGER REFERENCES image,"
    "  config INTEGER NOT NULL REFERENCES config,"
    "  description TEXT NOT NULL,"
    "  account INTEGER NOT NULL REFERENCES account,"
    "  created_at INTEGER NOT NULL,"
    "  UNIQUE (app, version)"
    ") STRICT;"
    "CREATE TRIGGER release_never_changes BEFORE UPDATE ON release BEGIN"
    "  SELECT RAISE(ABORT, 'a release never changes');"
    "END;"
    "CREATE TABLE release_state ("
    "  release INTEGER PRIMARY KEY REFERENCES release ON DELETE CASCADE,"
    "  state INTEGER NOT NULL," /* enum release_state */
    "  reason TEXT NOT NULL DEFAULT '',"
    "  job INTEGER NOT NULL DEFAULT 0," /* of the release phase */
    "  phase_done INTEGER NOT NULL DEFAULT 0,"
    "  settled_at INTEGER"
    ") STRICT;"
    "CREATE INDEX release_pending ON release_state(state) WHERE state = 0;"

    "CREATE TABLE formation ("
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  type TEXT NOT NULL,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  quantity INTEGER NOT NULL,"
    "  size TEXT NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  updated_at INTEGER NOT NULL,"
    "  PRIMARY KEY (app, type)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE domain ("
    "  id INTEGER PRIMARY KEY,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  hostname TEXT NOT NULL UNIQUE,"
    "  created_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX domain_app ON domain(app);"

    "CREATE TABLE build ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* names a log file */
    "  uuid TEXT NOT NULL UNIQUE,"
    "  secret TEXT NOT NULL UNIQUE," /* names its output's address */
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  account INTEGER NOT NULL REFERENCES account,"
    "  commit_id TEXT NOT NULL,"
    "  state INTEGER NOT NULL DEFAULT 0," /* enum build_state */
    "  reason TEXT NOT NULL DEFAULT '',"
    "  attempts INTEGER NOT NULL DEFAULT 0,"
    "  release INTEGER REFERENCES release,"
    "  created_at INTEGER NOT NULL,"
    "  updated_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX build_app ON build(app);"
    "CREATE INDEX build_release ON build(release);"
    "CREATE INDEX build_pending ON build(state) WHERE state = 0;"
    "CREATE TABLE stage ("
    "  build INTEGER NOT NULL REFERENCES build ON DELETE CASCADE,"
    "  place INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  ms INTEGER NOT NULL,"
    "  cached INTEGER NOT NULL,"
    "  PRIMARY KEY (build, name)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE push ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  account INTEGER NOT NULL REFERENCES account,"
    "  build INTEGER NOT NULL REFERENCES build,"
    "  ref TEXT NOT NULL,"
    "  old TEXT NOT NULL,"
    "  new TEXT NOT NULL,"
    "  state INTEGER NOT NULL DEFAULT 0," /* enum push_state */
    "  reason TEXT NOT NULL DEFAULT '',"
    "  settled INTEGER NOT NULL DEFAULT 0,"
    "  created_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX push_build ON push(build);"
    "CREATE UNIQUE INDEX push_open ON push(app, ref) WHERE settled = 0;"

    /* The audit: kept when its app is gone. */
    "CREATE TABLE event ("
    "  id INTEGER PRIMARY KEY,"
    "  at INTEGER NOT NULL,"
    "  account INTEGER,"
    "  app INTEGER,"
    "  app_name TEXT NOT NULL,"
    "  action TEXT NOT NULL,"
    "  detail TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX event_app ON event(app);";

/* What of the app's app.json is used, as JSON; '' for none. */
static const char app_json[] =
    "ALTER TABLE image ADD COLUMN app_json TEXT NOT NULL DEFAULT '';";

static const char idle[] =
    "CREATE TABLE idle ("
    "  app INTEGER PRIMARY KEY REFERENCES app ON DELETE CASCADE,"
    "  freeze_seconds INTEGER NOT NULL,"
    "  stop_seconds INTEGER NOT NULL" /* 0: never */
    ") STRICT;";

/* Ids are never used again: logd's files are named by them. */
static const char drains[] =
    "CREATE TABLE drain ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  token TEXT NOT NULL UNIQUE,"
    "  box BLOB NOT NULL," /* the address, as crypt.h describes */
    "  created_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX drain_app ON drain(app);";

/* Ids are never used again: what a volume holds is named by them. */
static const char volume[] =
    "CREATE TABLE volume ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  path TEXT NOT NULL,"
    "  bytes INTEGER NOT NULL,"
    "  exclusive INTEGER NOT NULL,"
    "  gone INTEGER NOT NULL DEFAULT 0," /* destroyed, and jail has it yet */
    "  created_at INTEGER NOT NULL,"
    "  updated_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX volume_name ON volume(app, name) WHERE gone = 0;"
    "CREATE UNIQUE INDEX volume_path ON volume(app, path) WHERE gone = 0;"
    "CREATE INDEX volume_gone ON volume(id) WHERE gone = 1;";

/* app NULL: every app. */
static const char network[] =
    "CREATE TABLE egress ("
    "  id INTEGER PRIMARY KEY,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  app INTEGER REFERENCES app ON DELETE CASCADE,"
    "  rule TEXT NOT NULL," /* as wire/egress.h prints it */
    "  created_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX egress_rule ON egress(coalesce(app, 0), rule);"
    "CREATE INDEX egress_app ON egress(app);"
    "CREATE TABLE link ("
    "  id INTEGER PRIMARY KEY,"
    "  uuid TEXT NOT NULL UNIQUE,"
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  target INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  created_at INTEGER NOT NULL,"
    "  UNIQUE (app, target)"
    ") STRICT;"
    "CREATE INDEX link_target ON link(target);";

/* "done" is the minute since 1970 up to which a job is looked after. */
static const char cron[] =
    "CREATE TABLE cron ("
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  num INTEGER NOT NULL,"
    "  schedule TEXT NOT NULL,"
    "  command TEXT NOT NULL,"
    "  kept INTEGER NOT NULL DEFAULT 1," /* while a release settles */
    "  suspended INTEGER NOT NULL DEFAULT 0,"
    "  done INTEGER NOT NULL,"
    "  began_at INTEGER NOT NULL DEFAULT 0,"
    "  code INTEGER NOT NULL DEFAULT -1," /* of the last run */
    "  PRIMARY KEY (app, num),"
    "  UNIQUE (app, schedule, command)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE feature (" /* those switched on */
    "  app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  PRIMARY KEY (app, name)"
    ") STRICT, WITHOUT ROWID;";

/* Apps of which two releases never run at a time. */
static const char stop_first[] =
    "CREATE TABLE stop_first ("
    "  app INTEGER PRIMARY KEY REFERENCES app ON DELETE CASCADE"
    ") STRICT;";

static const char *const migrations[] = {
    first, app_json, idle, drains, volume, network, cron, stop_first};

static int run(sqlite3 *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return error_set(err, ERR_INTERNAL, "%s", sqlite3_errmsg(db));
}

static int version_of(sqlite3 *db, struct error *err)
{
	sqlite3_stmt *q = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL) ==
	        SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW)
		version = sqlite3_column_int(q, 0);
	else
		error_set(err, ERR_INTERNAL, "%s", sqlite3_errmsg(db));
	sqlite3_finalize(q);
	return version;
}

static int apply(sqlite3 *db, size_t i, struct error *err)
{
	char mark[64];

	snprintf(mark, sizeof(mark), "PRAGMA user_version = %zu", i + 1);
	if (run(db, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	if (run(db, migrations[i], err) == -1 || run(db, mark, err) == -1 ||
	    run(db, "COMMIT", err) == -1) {
		(void)run(db, "ROLLBACK", NULL);
		return error_wrap(err, "migration %zu", i + 1);
	}
	return 0;
}

int schema_migrate(struct sqlite3 *db, struct error *err)
{
	int version = version_of(db, err);

	if (version == -1)
		return -1;
	if ((size_t)version > NELEM(migrations))
		return error_set(err, ERR_INVALID,
		    "the database is of a newer paas (version %d, this one "
		    "knows %zu): start that one",
		    version, NELEM(migrations));
	for (size_t i = (size_t)version; i < NELEM(migrations); i++)
		if (apply(db, i, err) == -1)
			return -1;
	return 0;
}
