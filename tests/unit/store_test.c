/* store: rows that stay, rows that never change, secrets, crashes. */
/* links: web/store/ -lsqlite3 -lcrypto */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "store/store.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define IMAGE "1111111111111111111111111111111111111111111111111111111111111111"

struct fixture {
	char path[64];
	struct store *st;
	int64_t account, app;
	struct error err;
};

#define OK(call) assert_int_equal((call), 0)

static void reopen(struct fixture *x)
{
	store_close(x->st);
	x->st = store_open(x->path, &x->err);
	if (!x->st)
		fail_msg("%s", x->err.msg);
}

static int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));
	char folder[80];

	snprintf(x->path, sizeof(x->path), "/tmp/store-test-XXXXXX");
	assert_non_null(mkdtemp(x->path));
	snprintf(folder, sizeof(folder), "%s/db", x->path);
	OK(mkdir(folder, 0700));
	snprintf(folder, sizeof(folder), "%s/keys", x->path);
	OK(mkdir(folder, 0700));
	reopen(x);
	OK(store_account_add(x->st, STR("a@example.com"), &x->account, NULL));
	OK(store_app_add(
	    x->st, STR("hello"), x->account, "debian-13", &x->app, NULL));
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	store_close(x->st);
	(void)fd_remove_tree(AT_FDCWD, x->path, NULL);
	free(x);
	return 0;
}

/* A release of the fixture's app with this config. */
static int add_release(struct fixture *x, struct str env,
    enum release_state state, struct release *ret)
{
	struct release_new n = {.app = x->app,
	    .account = x->account,
	    .description = "Set A config vars",
	    .state = state};

	if (store_config_add(x->st, x->app, env, &n.config, &x->err) == -1)
		return -1;
	return store_release_add(x->st, &n, ret, &x->err);
}

/* Run SQL on the file behind the store's back; what the database says. */
static int meddle(struct fixture *x, const char *sql)
{
	char path[96];
	sqlite3 *db;
	int rc;

	store_close(take(x->st));
	snprintf(path, sizeof(path), "%s/db/paas.db", x->path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	reopen(x);
	return rc;
}

/* --- releases ------------------------------------------------------------ */

static void versions_count_up_for_each_app(void **state)
{
	struct fixture *x = *state;
	struct release r;
	int64_t other;

	for (uint64_t v = 1; v <= 3; v++) {
		OK(add_release(x, STR("A=1\0"), RELEASE_SUCCEEDED, &r));
		assert_int_equal(r.version, v);
	}
	OK(store_app_add(
	    x->st, STR("other"), x->account, "debian-13", &other, NULL));
	x->app = other;
	OK(add_release(x, STR(""), RELEASE_SUCCEEDED, &r));
	assert_int_equal(r.version, 1);
}

static void a_release_never_changes(void **state)
{
	struct fixture *x = *state;
	struct release r, again;

	OK(add_release(x, STR("A=1\0"), RELEASE_PENDING, &r));
	assert_int_equal(meddle(x, "UPDATE release SET description = 'other'"),
	    SQLITE_CONSTRAINT);
	assert_int_equal(
	    meddle(x, "UPDATE release SET config = 0, image = NULL"),
	    SQLITE_CONSTRAINT);
	OK(store_release_get(x->st, r.id, &again, NULL));
	assert_string_equal(again.description, r.description);
	assert_int_equal(again.config, r.config);
}

static void a_release_ends_once(void **state)
{
	struct fixture *x = *state;
	struct release r;

	OK(add_release(x, STR(""), RELEASE_PENDING, &r));
	OK(store_release_settle(
	    x->st, r.id, RELEASE_FAILED, "it crashed", NULL));
	OK(store_release_settle(x->st, r.id, RELEASE_SUCCEEDED, "", NULL));
	OK(store_release_get(x->st, r.id, &r, NULL));
	assert_int_equal(r.state, RELEASE_FAILED);
	assert_string_equal(r.reason, "it crashed");
}

static void a_release_is_found_by_number_and_uuid(void **state)
{
	struct fixture *x = *state;
	static const char *const bad[] = {"0", "2", "v", "v2", "-1", "vv1",
	    "v1 ", "1'--", "99999999999999999999", ""};
	struct release r, found;

	OK(add_release(x, STR(""), RELEASE_SUCCEEDED, &r));
	OK(store_release_find(x->st, x->app, STR("1"), &found, NULL));
	OK(store_release_find(x->st, x->app, STR("v1"), &found, NULL));
	OK(store_release_find(x->st, x->app, str_z(r.uuid), &found, NULL));
	assert_int_equal(found.id, r.id);
	for (size_t i = 0; i < NELEM(bad); i++) {
		struct error err = {0};

		assert_int_equal(store_release_find(x->st, x->app,
		                     str_z(bad[i]), &found, &err),
		    -1);
		assert_int_equal(err.code, ERR_NOT_FOUND);
	}
	assert_int_equal(
	    store_release_find(x->st, x->app + 1, STR("1"), &found, NULL), -1);
}

static void a_finished_build_shows_in_its_release(void **state)
{
	struct fixture *x = *state;
	struct process web = {STR("web"), STR("node server.js")};
	struct image_new i = {.digest = STR(IMAGE),
	    .layers = STR(IMAGE),
	    .buildpacks = STR("node 1"),
	    .app_json = STR("{\"cron\":[]}"),
	    .processes = &web,
	    .nprocesses = 1};
	struct release_new n = {.app = x->app,
	    .account = x->account,
	    .description = "Deploy 01234567"};
	scoped_buf struct buf command = BUF_INIT(100), json = BUF_INIT(100);
	int64_t build, image, image_again;
	struct release r;
	struct build b;

	OK(store_build_add(
	    x->st, x->app, x->account, STR(COMMIT), &build, NULL));
	OK(store_image_put(x->st, x->app, &i, &image, NULL));
	OK(store_image_put(x->st, x->app, &i, &image_again, NULL));
	assert_int_equal(image, image_again);
	n.image = image;
	OK(store_config_add(x->st, x->app, STR(""), &n.config, NULL));
	OK(store_release_add(x->st, &n, &r, NULL));
	OK(store_build_released(x->st, build, r.id, NULL));
	OK(store_release_get(x->st, r.id, &r, NULL));
	OK(store_build_get(x->st, build, &b, NULL));
	assert_int_equal(r.build, build);
	assert_string_equal(r.build_uuid, b.uuid);
	assert_string_equal(r.digest, IMAGE);
	assert_true(store_process_command(x->st, image, STR("web"), &command));
	assert_string_equal(buf_z(&command), "node server.js");
	assert_false(
	    store_process_command(x->st, image, STR("worker"), &command));
	OK(store_image_app_json(x->st, image, &json, NULL));
	assert_string_equal(buf_z(&json), "{\"cron\":[]}");
}

/* --- secrets ------------------------------------------------------------- */

/* Do the bytes of any file below db/ hold this text? */
static bool on_disk(struct fixture *x, const char *text)
{
	char path[96];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/db", x->path);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		scoped_buf struct buf all = BUF_INIT(64u << 20);

		if (entry->d_type != DT_REG)
			continue;
		OK(fd_read_file(dirfd(dir), entry->d_name, &all, NULL));
		found |= str_find_str(buf_str(&all), str_z(text)) != -1;
	}
	closedir(dir);
	return found;
}

static void config_vars_are_encrypted_on_disk(void **state)
{
	struct fixture *x = *state;
	static const struct str env =
	    STR("KEY_NAME=the-secret-value\0EMPTY=\0");
	scoped_buf struct buf got = BUF_INIT(ENV_MAX);
	struct release r;

	OK(add_release(x, env, RELEASE_SUCCEEDED, &r));
	assert_false(on_disk(x, "the-secret-value"));
	assert_false(on_disk(x, "KEY_NAME"));
	reopen(x);
	assert_false(on_disk(x, "the-secret-value"));
	assert_true(on_disk(x, "Set A config vars")); /* the test can tell */
	OK(store_config_get(x->st, x->app, r.config, &got, NULL));
	assert_true(str_eq(buf_str(&got), env));
}

static void a_token_is_kept_as_its_hash(void **state)
{
	struct fixture *x = *state;
	static const struct str secret =
	    STR("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG");
	struct token_new n = {
	    .account = x->account, .description = "test", .scope = "global"};
	struct token t;
	int64_t id;

	OK(store_token_add(x->st, &n, secret, &id, NULL));
	OK(store_token_find(x->st, secret, &t, NULL));
	assert_int_equal(t.id, id);
	assert_false(on_disk(x, secret.p));
	reopen(x);
	assert_false(on_disk(x, secret.p));
}

static void config_of_another_app_or_a_changed_box_is_refused(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf got = BUF_INIT(ENV_MAX);
	struct error err = {0};
	struct release r;
	int64_t other;

	OK(add_release(x, STR("A=1\0"), RELEASE_SUCCEEDED, &r));
	OK(store_app_add(
	    x->st, STR("other"), x->account, "debian-13", &other, NULL));
	assert_int_equal(
	    store_config_get(x->st, other, r.config, &got, NULL), -1);
	/* A row that was moved to another app does not open there. */
	assert_int_equal(meddle(x, "PRAGMA foreign_keys = OFF; UPDATE config "
	                           "SET app = 2"),
	    SQLITE_OK);
	assert_int_equal(
	    store_config_get(x->st, other, r.config, &got, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(meddle(x, "UPDATE config SET app = 1, box = "
	                           "zeroblob(length(box))"),
	    SQLITE_OK);
	assert_int_equal(
	    store_config_get(x->st, x->app, r.config, &got, &err), -1);
	assert_int_equal(got.len, 0);
}

static void a_lost_key_is_not_replaced(void **state)
{
	struct fixture *x = *state;
	struct error err = {0};
	struct release r;
	char key[96];

	OK(add_release(x, STR("A=1\0"), RELEASE_SUCCEEDED, &r));
	store_close(take(x->st));
	snprintf(key, sizeof(key), "%s/keys/config.key", x->path);
	OK(unlink(key));
	assert_null(store_open(x->path, &err));
	assert_non_null(strstr(err.msg, "backup"));
	assert_int_equal(access(key, F_OK), -1);
}

/* --- tokens, limits, ends ------------------------------------------------ */

static int64_t add_token(
    struct fixture *x, const char *secret, int64_t parent, int64_t expires)
{
	struct token_new n = {.account = x->account,
	    .parent = parent,
	    .expires_at = expires,
	    .description = "test",
	    .scope = "global"};
	int64_t id;

	OK(store_token_add(x->st, &n, str_z(secret), &id, NULL));
	return id;
}

static void a_session_ends_with_its_token(void **state)
{
	struct fixture *x = *state;
	int64_t parent = add_token(x, "the-token-of-a-person", 0, 0);
	struct token t;

	(void)add_token(x, "the-session-of-it-1", parent, INT32_MAX);
	OK(store_token_revoke(x->st, parent, NULL));
	OK(store_token_find(x->st, STR("the-session-of-it-1"), &t, NULL));
	assert_int_not_equal(t.revoked_at, 0);
	OK(store_session_sweep(x->st, x->account, 10, NULL));
	assert_int_equal(
	    store_token_find(x->st, STR("the-session-of-it-1"), &t, NULL), -1);
	OK(store_token_find(x->st, STR("the-token-of-a-person"), &t, NULL));
}

static void only_the_newest_sessions_stay(void **state)
{
	struct fixture *x = *state;
	int64_t parent = add_token(x, "the-token-of-a-person", 0, 0);
	struct token t;
	uint64_t n;

	for (int i = 0; i < 12; i++) {
		char secret[32];

		snprintf(secret, sizeof(secret), "a-session-number-%02d", i);
		(void)add_token(x, secret, parent, INT32_MAX * (int64_t)2);
	}
	OK(store_session_sweep(x->st, x->account, 10, NULL));
	assert_int_equal(
	    store_token_find(x->st, STR("a-session-number-01"), &t, NULL), -1);
	OK(store_token_find(x->st, STR("a-session-number-02"), &t, NULL));
	OK(store_token_count(x->st, x->account, &n, NULL));
	assert_int_equal(n, 1); /* sessions are no tokens of their own */
}

static void an_open_push_is_the_only_one_of_its_ref(void **state)
{
	struct fixture *x = *state;
	struct push_new n = {.app = x->app,
	    .account = x->account,
	    .ref = STR("refs/heads/main"),
	    .old = STR(COMMIT),
	    .new = STR(COMMIT)};
	struct push p;
	int64_t push, second;

	OK(store_build_add(
	    x->st, x->app, x->account, STR(COMMIT), &n.build, NULL));
	OK(store_push_add(x->st, &n, &push, NULL));
	assert_int_equal(store_push_add(x->st, &n, &second, NULL), -1);
	/* Undecided it stays, whoever says that its ref was moved. */
	OK(store_push_settle(x->st, push, NULL));
	OK(store_push_open(x->st, x->app, n.ref, &p, NULL));
	OK(store_push_decide(x->st, push, 1, "", NULL));
	OK(store_push_decide(x->st, push, 2, "too late", NULL));
	OK(store_push_settle(x->st, push, NULL));
	OK(store_push_get(x->st, push, &p, NULL));
	assert_int_equal(p.state, 1);
	assert_int_equal(store_push_open(x->st, x->app, n.ref, &p, NULL), -1);
	OK(store_push_add(x->st, &n, &second, NULL));
}

static void nobody_hears(void *arg, uint64_t app)
{
	*(uint64_t *)arg += app;
}

static void a_removed_app_leaves_a_note_and_no_rows(void **state)
{
	struct fixture *x = *state;
	struct push_new n = {.app = x->app,
	    .account = x->account,
	    .ref = STR("refs/heads/main"),
	    .old = STR(COMMIT),
	    .new = STR(COMMIT)};
	struct release r;
	int64_t push, again;
	uint64_t told = 0;

	OK(add_release(x, STR("A=1\0"), RELEASE_SUCCEEDED, &r));
	OK(store_app_config(x->st, x->app, r.config, NULL));
	OK(store_build_add(
	    x->st, x->app, x->account, STR(COMMIT), &n.build, NULL));
	OK(store_build_released(x->st, n.build, r.id, NULL));
	OK(store_push_add(x->st, &n, &push, NULL));
	OK(store_domain_add(x->st, x->app, STR("www.example.com"), NULL));
	OK(store_formation_put(x->st, x->app, STR("web"), 1, "basic", NULL));
	OK(store_stage_put(x->st, n.build, STR("source"), 1, false, NULL));
	OK(store_app_delete(x->st, x->app, &x->err));
	assert_int_equal(store_release_get(x->st, r.id, &r, NULL), -1);
	OK(store_gone_list(x->st, GONE_GITD, nobody_hears, &told, NULL));
	assert_int_equal(told, x->app);
	OK(store_gone_done(x->st, (uint64_t)x->app, GONE_PLAN, NULL));
	OK(store_gone_done(x->st, (uint64_t)x->app, GONE_LOGD, NULL));
	OK(store_gone_done(x->st, (uint64_t)x->app, GONE_GITD, NULL));
	told = 0;
	OK(store_gone_list(x->st, GONE_GITD, nobody_hears, &told, NULL));
	assert_int_equal(told, 0);
	/* Repositories are named by ids, so none is used twice. */
	OK(store_app_add(
	    x->st, STR("hello"), x->account, "debian-13", &again, NULL));
	assert_int_not_equal(again, x->app);
}

static void what_is_taken_is_refused(void **state)
{
	struct fixture *x = *state;
	struct error err = {0};
	int64_t id;

	assert_int_equal(store_app_add(x->st, STR("hello"), x->account,
	                     "debian-13", &id, &err),
	    -1);
	assert_int_equal(err.code, ERR_EXISTS);
	OK(store_app_add(
	    x->st, STR("other"), x->account, "debian-13", &id, NULL));
	assert_int_equal(store_app_rename(x->st, id, STR("hello"), &err), -1);
	OK(store_domain_add(x->st, x->app, STR("www.example.com"), NULL));
	assert_int_equal(
	    store_domain_add(x->st, id, STR("www.example.com"), &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
}

/* --- transactions -------------------------------------------------------- */

static void what_is_not_committed_did_not_happen(void **state)
{
	struct fixture *x = *state;
	struct app a;

	{
		scoped_tx struct store *tx = store_begin(x->st, &x->err);

		assert_non_null(tx);
		OK(store_app_rename(x->st, x->app, STR("renamed"), NULL));
	}
	OK(store_app_get(x->st, x->app, &a, NULL));
	assert_string_equal(a.name, "hello");
}

/* A process that writes pairs of rows and says how many are committed. */
static void write_until_killed(struct fixture *x, int to)
{
	for (uint32_t n = 1;; n++) {
		struct store *tx = store_begin(x->st, &x->err);
		char domain[32];
		struct release r;

		snprintf(domain, sizeof(domain), "n%u.example.com", n);
		if (!tx ||
		    store_domain_add(x->st, x->app, str_z(domain), &x->err) ==
		        -1 ||
		    add_release(x, STR("A=1\0"), RELEASE_SUCCEEDED, &r) == -1 ||
		    store_commit(&tx, &x->err) == -1 ||
		    write(to, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static void count_domain(void *arg, const struct domain *d)
{
	(*(uint64_t *)arg)++;
}

static void a_killed_writer_loses_nothing_it_acknowledged(void **state)
{
	struct fixture *x = *state;

	for (int round = 0; round < 8; round++) {
		uint32_t last = 0, n;
		uint64_t domains = 0;
		struct release r;
		int fds[2], status;
		pid_t pid;

		store_close(take(x->st));
		(void)fd_remove_tree(AT_FDCWD, x->path, NULL);
		free(x);
		OK(set_up(state));
		x = *state;
		store_close(take(x->st));
		OK(fd_pipe(fds, NULL));
		pid = fork();
		if (pid == 0) {
			reopen(x);
			write_until_killed(x, fds[1]);
		}
		close(fds[1]);
		while (last < 3u + (uint32_t)round * 5 &&
		       read(fds[0], &n, sizeof(n)) == sizeof(n))
			last = n;
		OK(kill(pid, SIGKILL));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		while (read(fds[0], &n, sizeof(n)) == sizeof(n))
			last = n;
		close(fds[0]);
		reopen(x);
		OK(store_domain_list(
		    x->st, x->app, count_domain, &domains, NULL));
		OK(store_release_live(x->st, x->app, false, &r, NULL));
		assert_true(domains >= last);
		assert_int_equal(r.version, domains); /* both or none */
	}
}

static void a_newer_database_is_left_alone(void **state)
{
	struct fixture *x = *state;
	struct error err = {0};
	char path[96];
	sqlite3 *db;

	store_close(take(x->st));
	snprintf(path, sizeof(path), "%s/db/paas.db", x->path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	assert_null(store_open(x->path, &err));
	assert_non_null(strstr(err.msg, "newer"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(versions_count_up_for_each_app),
	    TEST(a_release_never_changes),
	    TEST(a_release_ends_once),
	    TEST(a_release_is_found_by_number_and_uuid),
	    TEST(a_finished_build_shows_in_its_release),
	    TEST(config_vars_are_encrypted_on_disk),
	    TEST(a_token_is_kept_as_its_hash),
	    TEST(config_of_another_app_or_a_changed_box_is_refused),
	    TEST(a_lost_key_is_not_replaced),
	    TEST(a_session_ends_with_its_token),
	    TEST(only_the_newest_sessions_stay),
	    TEST(an_open_push_is_the_only_one_of_its_ref),
	    TEST(a_removed_app_leaves_a_note_and_no_rows),
	    TEST(what_is_taken_is_refused),
	    TEST(what_is_not_committed_did_not_happen),
	    TEST(a_killed_writer_loses_nothing_it_acknowledged),
	    TEST(a_newer_database_is_left_alone),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
