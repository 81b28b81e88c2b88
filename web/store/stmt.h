/*
 * stmt - every statement, and the few helpers around them.
 *
 * For the files of the store alone. All statements are prepared when the
 * store opens, so a mistake in one shows at once.
 */
#pragma once
#include <sqlite3.h>

#include "store/crypt.h"
#include "store/store.h"

#define TOKEN_COLUMNS                                                          \
	"id, account, coalesce(parent, 0), uuid, description, scope, "         \
	"created_at, coalesce(expires_at, 0), coalesce(revoked_at, 0) "        \
	"FROM token "
#define APP_COLUMNS                                                            \
	"a.id, a.owner, coalesce(a.config, 0), a.created_at, a.updated_at, "   \
	"coalesce(a.released_at, 0), a.generation, a.maintenance, a.uuid, "    \
	"a.name, a.stack, o.uuid, o.email "                                    \
	"FROM app a JOIN account o ON o.id = a.owner "
#define RELEASE_COLUMNS                                                        \
	"r.id, r.app, coalesce(r.image, 0), r.config, r.account, "             \
	"coalesce(b.id, 0), r.created_at, coalesce(s.settled_at, 0), "         \
	"r.version, s.job, s.state, s.phase_done, r.uuid, u.email, u.uuid, "   \
	"r.description, s.reason, coalesce(i.digest, ''), "                    \
	"coalesce(b.uuid, ''), coalesce(b.secret, '') "                        \
	"FROM release r JOIN release_state s ON s.release = r.id "             \
	"JOIN account u ON u.id = r.account "                                  \
	"LEFT JOIN image i ON i.id = r.image "                                 \
	"LEFT JOIN build b ON b.release = r.id "
#define BUILD_COLUMNS                                                          \
	"b.id, b.app, b.account, coalesce(b.release, 0), b.created_at, "       \
	"b.updated_at, b.attempts, b.state, b.uuid, b.secret, b.commit_id, "   \
	"u.email, u.uuid, b.reason, coalesce(r.uuid, ''), "                    \
	"coalesce(r.image, 0) "                                                \
	"FROM build b JOIN account u ON u.id = b.account "                     \
	"LEFT JOIN release r ON r.id = b.release "
#define PUSH_COLUMNS                                                           \
	"id, app, account, build, state, settled, ref, old, new, reason "      \
	"FROM push "
#define DOMAIN_COLUMNS "id, app, uuid, hostname, created_at FROM domain "
#define FORMATION_COLUMNS                                                      \
	"uuid, type, quantity, size, created_at, updated_at FROM formation "

#define VOLUME_COLUMNS                                                         \
	"id, app, bytes, exclusive, created_at, updated_at, uuid, name, path " \
	"FROM volume "
#define EGRESS_COLUMNS                                                         \
	"id, coalesce(app, 0), created_at, uuid, rule FROM egress "
#define LINK_COLUMNS                                                           \
	"l.id, l.app, l.target, l.created_at, l.uuid, a.name, a.uuid "         \
	"FROM link l JOIN app a ON a.id = l.target "

#define STMT_TABLE(STMT)                                                       \
	STMT(BEGIN, "BEGIN IMMEDIATE")                                         \
	STMT(COMMIT, "COMMIT")                                                 \
	STMT(ROLLBACK, "ROLLBACK")                                             \
                                                                               \
	STMT(ACCOUNT_ADD, "INSERT INTO account (uuid, email, created_at) "     \
	                  "VALUES (?, ?, ?) RETURNING id")                     \
	STMT(ACCOUNT_GET,                                                      \
	    "SELECT id, uuid, email, created_at FROM account WHERE id = ?")    \
	STMT(ACCOUNT_BY_EMAIL, "SELECT id, uuid, email, created_at FROM "      \
	                       "account WHERE email = ?")                      \
	STMT(ACCOUNT_FIRST, "SELECT id, uuid, email, created_at FROM "         \
	                    "account ORDER BY id LIMIT 1")                     \
	STMT(TOKEN_ADD,                                                        \
	    "INSERT INTO token (uuid, account, parent, hash, description, "    \
	    "scope, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "  \
	    "RETURNING id")                                                    \
	STMT(TOKEN_FIND, "SELECT " TOKEN_COLUMNS "WHERE hash = ?")             \
	STMT(TOKEN_GET,                                                        \
	    "SELECT " TOKEN_COLUMNS "WHERE account = ? AND uuid = ? AND "      \
	    "parent IS NULL AND revoked_at IS NULL")                           \
	STMT(TOKEN_LIST,                                                       \
	    "SELECT " TOKEN_COLUMNS "WHERE account = ? AND parent IS NULL "    \
	    "AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > "  \
	    "?) ORDER BY id")                                                  \
	STMT(TOKEN_REVOKE, "UPDATE token SET revoked_at = ?1 WHERE "           \
	                   "(id = ?2 OR parent = ?2) AND revoked_at IS NULL")  \
	STMT(TOKEN_COUNT,                                                      \
	    "SELECT count(*) FROM token WHERE account = ?1 AND parent IS "     \
	    "NULL AND revoked_at IS NULL AND (expires_at IS NULL OR "          \
	    "expires_at > ?2)")                                                \
	/* The newest ?2 sessions of an account stay. */                       \
	STMT(SESSION_TRIM,                                                     \
	    "DELETE FROM token WHERE id IN (SELECT id FROM token WHERE "       \
	    "account = ?1 AND parent IS NOT NULL ORDER BY id DESC "            \
	    "LIMIT -1 OFFSET ?2)")                                             \
	STMT(SESSION_SWEEP, "DELETE FROM token WHERE parent IS NOT NULL AND "  \
	                    "(revoked_at IS NOT NULL OR expires_at <= ?)")     \
                                                                               \
	STMT(APP_ADD,                                                          \
	    "INSERT INTO app (uuid, name, owner, stack, created_at, "          \
	    "updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5) "                     \
	    "ON CONFLICT (name) DO NOTHING RETURNING id")                      \
	STMT(APP_GET, "SELECT " APP_COLUMNS "WHERE a.id = ?")                  \
	STMT(APP_FIND,                                                         \
	    "SELECT " APP_COLUMNS "WHERE a.name = ?1 OR a.uuid = ?1")          \
	STMT(APP_LIST,                                                         \
	    "SELECT " APP_COLUMNS "WHERE ?1 = 0 OR a.owner = ?1 OR EXISTS "    \
	    "(SELECT 1 FROM collaborator c WHERE c.app = a.id AND "            \
	    "c.account = ?1) ORDER BY a.name")                                 \
	STMT(APP_COUNT, "SELECT count(*) FROM app")                            \
	STMT(APP_RENAME,                                                       \
	    "UPDATE OR IGNORE app SET name = ?, updated_at = ? WHERE id = ?")  \
	STMT(APP_MAINTENANCE,                                                  \
	    "UPDATE app SET maintenance = ?, updated_at = ? WHERE id = ?")     \
	STMT(APP_RESTART,                                                      \
	    "UPDATE app SET generation = generation + 1 WHERE id = ?")         \
	STMT(APP_CONFIG,                                                       \
	    "UPDATE app SET config = ?, updated_at = ? WHERE id = ?")          \
	STMT(APP_RELEASED, "UPDATE app SET released_at = ?1, updated_at = ?1 " \
	                   "WHERE id = ?2")                                    \
	/* A row that others point to goes after those that point. */          \
	STMT(APP_DELETE_PUSHES, "DELETE FROM push WHERE app = ?")              \
	STMT(APP_DELETE_BUILDS, "DELETE FROM build WHERE app = ?")             \
	STMT(APP_DELETE_RELEASES, "DELETE FROM release WHERE app = ?")         \
	STMT(APP_DELETE_CONFIG, "UPDATE app SET config = NULL WHERE id = ?")   \
	STMT(APP_DELETE, "DELETE FROM app WHERE id = ?")                       \
	STMT(GONE_ADD, "INSERT INTO gone (app, waits) VALUES (?, 7)")          \
	STMT(GONE_LIST, "SELECT app FROM gone WHERE waits & ?")                \
	STMT(GONE_DONE, "UPDATE gone SET waits = waits & ~?2 WHERE app = ?1")  \
	STMT(GONE_END, "DELETE FROM gone WHERE app = ? AND waits = 0")         \
                                                                               \
	STMT(COLLABORATOR_IS,                                                  \
	    "SELECT 1 FROM collaborator WHERE app = ? AND account = ?")        \
	STMT(COLLABORATOR_LIST,                                                \
	    "SELECT c.uuid, u.id, u.uuid, u.email, u.created_at, "             \
	    "c.created_at FROM collaborator c JOIN account u ON "              \
	    "u.id = c.account WHERE c.app = ? ORDER BY u.email")               \
	STMT(COLLABORATOR_ADD,                                                 \
	    "INSERT INTO collaborator (app, account, uuid, created_at) "       \
	    "VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")                      \
	STMT(COLLABORATOR_DEL,                                                 \
	    "DELETE FROM collaborator WHERE app = ? AND account = ?")          \
                                                                               \
	STMT(COLLABORATOR_COUNT,                                               \
	    "SELECT count(*) FROM collaborator WHERE app = ?")                 \
	STMT(DOMAIN_COUNT, "SELECT count(*) FROM domain WHERE app = ?")        \
	STMT(DOMAIN_ADD,                                                       \
	    "INSERT INTO domain (uuid, app, hostname, created_at) "            \
	    "VALUES (?, ?, ?, ?) ON CONFLICT (hostname) DO NOTHING")           \
	STMT(DOMAIN_DEL, "DELETE FROM domain WHERE app = ? AND hostname = ?")  \
	STMT(DOMAIN_FIND,                                                      \
	    "SELECT " DOMAIN_COLUMNS "WHERE hostname = ?1 OR uuid = ?1")       \
	STMT(                                                                  \
	    DOMAIN_LIST, "SELECT " DOMAIN_COLUMNS "WHERE app = ? ORDER BY id") \
                                                                               \
	STMT(DRAIN_ADD,                                                        \
	    "INSERT INTO drain (uuid, app, token, box, created_at) "           \
	    "VALUES (?, ?, ?, ?, ?) RETURNING id")                             \
	STMT(DRAIN_DEL, "DELETE FROM drain WHERE id = ?")                      \
	STMT(DRAIN_LIST, "SELECT id, app, uuid, token, box, created_at FROM "  \
	                 "drain WHERE ?1 = 0 OR app = ?1 ORDER BY id")         \
                                                                               \
	STMT(CONFIG_ADD, "INSERT INTO config (app, box, created_at) VALUES "   \
	                 "(?, ?, ?) RETURNING id")                             \
	STMT(CONFIG_GET, "SELECT box FROM config WHERE id = ? AND app = ?")    \
	STMT(IMAGE_PUT,                                                        \
	    "INSERT INTO image (app, digest, layers, buildpacks, app_json, "   \
	    "created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (app, digest) " \
	    "DO UPDATE SET layers = excluded.layers, "                         \
	    "app_json = excluded.app_json RETURNING id")                       \
	STMT(IMAGE_APP_JSON, "SELECT app_json FROM image WHERE id = ?")        \
	STMT(IMAGE_GET,                                                        \
	    "SELECT id, digest, layers, buildpacks FROM image WHERE id = ?")   \
	STMT(PROCESS_ADD,                                                      \
	    "INSERT INTO process (image, place, type, command) VALUES "        \
	    "(?, ?, ?, ?) ON CONFLICT DO NOTHING")                             \
	STMT(PROCESS_LIST, "SELECT type, command FROM process WHERE "          \
	                   "image = ? ORDER BY place")                         \
	STMT(PROCESS_COMMAND,                                                  \
	    "SELECT command FROM process WHERE image = ? AND type = ?")        \
                                                                               \
	STMT(RELEASE_ADD,                                                      \
	    "INSERT INTO release (uuid, app, version, image, config, "         \
	    "description, account, created_at) SELECT ?1, ?2, 1 + "            \
	    "coalesce((SELECT max(version) FROM release WHERE app = ?2), 0), " \
	    "?3, ?4, ?5, ?6, ?7 RETURNING id")                                 \
	STMT(RELEASE_STATE_ADD, "INSERT INTO release_state (release, state, "  \
	                        "settled_at) VALUES (?, ?, ?)")                \
	STMT(RELEASE_GET, "SELECT " RELEASE_COLUMNS "WHERE r.id = ?")          \
	STMT(RELEASE_BY_VERSION,                                               \
	    "SELECT " RELEASE_COLUMNS "WHERE r.app = ? AND r.version = ?")     \
	STMT(RELEASE_BY_UUID,                                                  \
	    "SELECT " RELEASE_COLUMNS "WHERE r.app = ? AND r.uuid = ?")        \
	STMT(RELEASE_LIVE,                                                     \
	    "SELECT " RELEASE_COLUMNS "WHERE r.app = ? AND s.state = 1 AND "   \
	    "(? = 0 OR r.image IS NOT NULL) ORDER BY r.version DESC LIMIT 1")  \
	/* The newest with the image that serves; its config may be on its */  \
	/* way yet. */                                                         \
	STMT(RELEASE_FOR_RUN,                                                  \
	    "SELECT " RELEASE_COLUMNS "WHERE r.app = ? AND s.state IN (0, 1) " \
	    "AND r.image = ? ORDER BY r.version DESC LIMIT 1")                 \
	STMT(RELEASE_NEXT,                                                     \
	    "SELECT " RELEASE_COLUMNS "WHERE r.app = ? AND s.state IN (0, 1) " \
	    "AND r.image IS NOT NULL ORDER BY r.version DESC LIMIT 1")         \
	STMT(RELEASE_LIST, "SELECT " RELEASE_COLUMNS                           \
	                   "WHERE r.app = ? ORDER BY r.version DESC LIMIT ?")  \
	STMT(RELEASE_PENDING,                                                  \
	    "SELECT " RELEASE_COLUMNS                                          \
	    "WHERE r.app = ? AND s.state = 0 ORDER BY r.version")              \
	STMT(RELEASE_SETTLE,                                                   \
	    "UPDATE release_state SET state = ?, reason = ?, settled_at = ? "  \
	    "WHERE release = ? AND state = 0")                                 \
	STMT(                                                                  \
	    RELEASE_JOB, "UPDATE release_state SET job = ? WHERE release = ?") \
	STMT(RELEASE_PHASE_DONE,                                               \
	    "UPDATE release_state SET phase_done = 1 WHERE release = ?")       \
                                                                               \
	STMT(FORMATION_LIST,                                                   \
	    "SELECT " FORMATION_COLUMNS "WHERE app = ? ORDER BY type")         \
	STMT(FORMATION_FIND, "SELECT " FORMATION_COLUMNS                       \
	                     "WHERE app = ?1 AND (type = ?2 OR uuid = ?2)")    \
	STMT(FORMATION_PUT,                                                    \
	    "INSERT INTO formation (app, type, uuid, quantity, size, "         \
	    "created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) "     \
	    "ON CONFLICT (app, type) DO UPDATE SET quantity = "                \
	    "excluded.quantity, size = excluded.size, updated_at = "           \
	    "excluded.updated_at")                                             \
	STMT(FORMATION_TRIM,                                                   \
	    "DELETE FROM formation WHERE app = ? AND type NOT IN "             \
	    "(SELECT type FROM process WHERE image = ?)")                      \
                                                                               \
	STMT(IDLE_GET,                                                         \
	    "SELECT freeze_seconds, stop_seconds FROM idle WHERE app = ?")     \
	STMT(IDLE_PUT, "INSERT INTO idle (app, freeze_seconds, stop_seconds) " \
	               "VALUES (?, ?, ?) ON CONFLICT (app) DO UPDATE SET "     \
	               "freeze_seconds = excluded.freeze_seconds, "            \
	               "stop_seconds = excluded.stop_seconds")                 \
	STMT(IDLE_DROP, "DELETE FROM idle WHERE app = ?")                      \
                                                                               \
	STMT(CRON_MARK, "UPDATE cron SET kept = 0 WHERE app = ?")              \
	STMT(CRON_KEEP,                                                        \
	    "INSERT INTO cron (app, num, schedule, command, done) SELECT ?1, " \
	    "coalesce(max(num), 0) + 1, ?2, ?3, ?4 FROM cron WHERE app = ?1 "  \
	    "ON CONFLICT (app, schedule, command) DO UPDATE SET kept = 1")     \
	STMT(CRON_SWEEP, "DELETE FROM cron WHERE app = ? AND kept = 0")        \
	STMT(CRON_LIST,                                                        \
	    "SELECT num, schedule, command, suspended, done, began_at, code "  \
	    "FROM cron WHERE app = ? ORDER BY num")                            \
	STMT(CRON_COMMAND,                                                     \
	    "SELECT command FROM cron WHERE app = ? AND num = ?")              \
	STMT(CRON_SUSPEND, "UPDATE cron SET suspended = ?, "                   \
	                   "done = max(done, ?) WHERE app = ? AND num = ?")    \
	STMT(CRON_RESET, "UPDATE cron SET done = ? WHERE app = ? AND num = ?") \
	STMT(CRON_DONE, "UPDATE cron SET done = max(done, ?1), "               \
	                "began_at = max(began_at, ?2), "                       \
	                "code = CASE WHEN ?2 > 0 THEN -1 ELSE code END "       \
	                "WHERE app = ?3 AND num = ?4")                         \
	STMT(CRON_EXITED, "UPDATE cron SET done = max(done, ?), code = ? "     \
	                  "WHERE app = ? AND num = ?")                         \
	STMT(IMAGE_COMMIT,                                                     \
	    "SELECT b.commit_id FROM build b JOIN release r ON "               \
	    "b.release = r.id WHERE r.app = ? AND r.image = ? "                \
	    "ORDER BY r.id DESC LIMIT 1")                                      \
	STMT(FEATURE_IS, "SELECT 1 FROM feature WHERE app = ? AND name = ?")   \
	STMT(FEATURE_ADD, "INSERT INTO feature (app, name) VALUES (?, ?) "     \
	                  "ON CONFLICT DO NOTHING")                            \
	STMT(FEATURE_DEL, "DELETE FROM feature WHERE app = ? AND name = ?")    \
                                                                               \
	STMT(STOP_FIRST_GET, "SELECT app FROM stop_first WHERE app = ?")       \
	STMT(STOP_FIRST_PUT, "INSERT INTO stop_first (app) VALUES (?) "        \
	                     "ON CONFLICT (app) DO NOTHING")                   \
	STMT(STOP_FIRST_DROP, "DELETE FROM stop_first WHERE app = ?")          \
                                                                               \
	STMT(BUILD_ADD,                                                        \
	    "INSERT INTO build (uuid, secret, app, account, commit_id, "       \
	    "created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) "     \
	    "RETURNING id")                                                    \
	STMT(BUILD_GET, "SELECT " BUILD_COLUMNS "WHERE b.id = ?")              \
	STMT(BUILD_FIND,                                                       \
	    "SELECT " BUILD_COLUMNS "WHERE b.app = ? AND b.uuid = ?")          \
	STMT(BUILD_BY_SECRET, "SELECT " BUILD_COLUMNS "WHERE b.secret = ?")    \
	STMT(BUILD_LIST, "SELECT " BUILD_COLUMNS                               \
	                 "WHERE b.app = ? ORDER BY b.id DESC LIMIT ?")         \
	STMT(BUILD_WAITING, "SELECT id FROM build WHERE state = 0 AND "        \
	                    "release IS NULL AND (?1 = 0 OR app = ?1) "        \
	                    "ORDER BY id")                                     \
	STMT(BUILD_IDS, "SELECT id FROM build WHERE app = ?")                  \
	STMT(BUILD_ATTEMPT,                                                    \
	    "UPDATE build SET attempts = attempts + 1 WHERE id = ?")           \
	STMT(BUILD_RELEASED,                                                   \
	    "UPDATE build SET release = ?, updated_at = ? WHERE id = ?")       \
	STMT(BUILD_SETTLE, "UPDATE build SET state = ?, reason = ?, "          \
	                   "updated_at = ? WHERE id = ? AND state = 0")        \
	STMT(STAGE_PUT,                                                        \
	    "INSERT INTO stage (build, place, name, ms, cached) SELECT ?1, "   \
	    "(SELECT count(*) FROM stage WHERE build = ?1), ?2, ?3, ?4 "       \
	    "WHERE TRUE ON CONFLICT (build, name) DO UPDATE SET "              \
	    "ms = excluded.ms, cached = excluded.cached")                      \
	STMT(STAGE_LIST, "SELECT name, ms, cached FROM stage WHERE "           \
	                 "build = ? ORDER BY place")                           \
                                                                               \
	STMT(PUSH_ADD,                                                         \
	    "INSERT INTO push (app, account, build, ref, old, new, "           \
	    "created_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id")           \
	STMT(PUSH_GET, "SELECT " PUSH_COLUMNS "WHERE id = ?")                  \
	STMT(PUSH_BY_BUILD, "SELECT " PUSH_COLUMNS "WHERE build = ?")          \
	STMT(PUSH_OPEN, "SELECT " PUSH_COLUMNS                                 \
	                "WHERE app = ? AND ref = ? AND settled = 0")           \
	STMT(                                                                  \
	    PUSH_LIST, "SELECT " PUSH_COLUMNS "WHERE settled = 0 ORDER BY id") \
	STMT(PUSH_DECIDE, "UPDATE push SET state = ?, reason = ? WHERE id = "  \
	                  "? AND state = 0")                                   \
	STMT(PUSH_SETTLE, "UPDATE push SET settled = 1 WHERE id = ? AND "      \
	                  "state <> 0")                                        \
                                                                               \
	STMT(VOLUME_ADD,                                                       \
	    "INSERT OR IGNORE INTO volume (uuid, app, name, path, bytes, "     \
	    "exclusive, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, "  \
	    "?6, ?7, ?7) RETURNING id")                                        \
	STMT(VOLUME_FIND,                                                      \
	    "SELECT " VOLUME_COLUMNS "WHERE app = ?1 AND gone = 0 AND "        \
	    "(name = ?2 OR uuid = ?2)")                                        \
	STMT(VOLUME_LIST, "SELECT " VOLUME_COLUMNS                             \
	                  "WHERE app = ? AND gone = 0 ORDER BY name")          \
	STMT(VOLUME_RESIZE,                                                    \
	    "UPDATE volume SET bytes = ?, updated_at = ? WHERE id = ?")        \
	STMT(VOLUME_GONE, "UPDATE volume SET gone = 1 WHERE id = ?")           \
	STMT(VOLUME_GONE_LIST, "SELECT app, id FROM volume WHERE gone = 1")    \
	STMT(VOLUME_FORGET, "DELETE FROM volume WHERE id = ? AND gone = 1")    \
	STMT(EGRESS_ADD, "INSERT INTO egress (uuid, app, rule, created_at) "   \
	                 "VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")         \
	STMT(EGRESS_FIND,                                                      \
	    "SELECT " EGRESS_COLUMNS "WHERE coalesce(app, 0) = ?1 AND "        \
	    "(rule = ?2 OR uuid = ?2)")                                        \
	STMT(EGRESS_DEL, "DELETE FROM egress WHERE id = ?")                    \
	STMT(EGRESS_LIST,                                                      \
	    "SELECT " EGRESS_COLUMNS "WHERE coalesce(app, 0) = ? ORDER BY id") \
	STMT(EGRESS_COUNT,                                                     \
	    "SELECT count(*) FROM egress WHERE coalesce(app, 0) = ?")          \
	STMT(LINK_ADD, "INSERT INTO link (uuid, app, target, created_at) "     \
	               "VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")           \
	STMT(LINK_FIND, "SELECT " LINK_COLUMNS "WHERE l.app = ?1 AND "         \
	                "(a.name = ?2 OR a.uuid = ?2 OR l.uuid = ?2)")         \
	STMT(LINK_DEL, "DELETE FROM link WHERE id = ?")                        \
	STMT(LINK_LIST,                                                        \
	    "SELECT " LINK_COLUMNS "WHERE l.app = ? ORDER BY a.name")          \
	STMT(LINK_FROM, "SELECT app FROM link WHERE target = ? ORDER BY app")  \
	STMT(LINK_COUNT, "SELECT count(*) FROM link WHERE app = ?")            \
                                                                               \
	STMT(EVENT_ADD,                                                        \
	    "INSERT INTO event (at, account, app, app_name, action, detail) "  \
	    "VALUES (?, ?, ?, ?, ?, ?)")

#define STMT_ENUM(name, sql) STMT_##name,
enum stmt { STMT_TABLE(STMT_ENUM) STMT_N };

struct store {
	sqlite3 *db;
	struct crypt crypt;
	sqlite3_stmt *stmts[STMT_N];
	bool in_tx;
};

/* The statement, not in use; reset at the end of the scope. */
sqlite3_stmt *store_stmt(struct store *st, enum stmt which);
void store_stmt_done(sqlite3_stmt **q);
#define scoped_stmt __attribute__((cleanup(store_stmt_done)))

/*
 * Bind values by kind: i int64_t, n int64_t where 0 is NULL, z const char *,
 * s struct str as text, b struct str as bytes. What is borrowed must live
 * until the statement is reset.
 */
void store_bind(sqlite3_stmt *q, const char *kinds, ...);
/* 1 with a row, 0 at the end, -1. */
int store_step(struct store *st, sqlite3_stmt *q, struct error *err);

/* Bind and run to the end; returns the rows changed, or -1. */
int store_run(struct store *st, enum stmt which, struct error *err,
    const char *kinds, ...);
/* The same for one that returns a number; 0 where it returned none. */
int64_t store_insert(struct store *st, enum stmt which, struct error *err,
    const char *kinds, ...);

/* A column's text into out, cut to its size. */
void store_text(sqlite3_stmt *q, int column, char *out, size_t size);
/* A column's text or bytes, valid until the next step. */
struct str store_bytes(sqlite3_stmt *q, int column);
int64_t store_now(void);
