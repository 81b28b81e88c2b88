/*
 * store - the database: the only SQL, the only program that opens it.
 *
 * SQLite in WAL mode, opened exclusively. Rows are copied into the structs
 * below; a list calls each() with one row after the other, which may ask the
 * store for other things but not for the same list again. Functions return 0
 * (or a count) or -1 with err; a row that is not there is ERR_NOT_FOUND.
 * A change of more than one row goes between store_begin and store_commit.
 * Times are seconds since 1970. Called by web and web/api.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/name.h"
#include "base/str.h"

#define UUID_SIZE 37
#define TEXT_SIZE 241      /* descriptions and reasons */
#define ENV_MAX (5u << 20) /* bytes of a config snapshot */

struct store; /* opaque */

/* Open STATE/db and STATE/keys; makes both when they are empty. */
struct store *store_open(const char *state, struct error *err);
void store_close(struct store *st); /* NULL is fine */

/*
 * One change of state: all of it or nothing.
 *	scoped_tx struct store *tx = store_begin(st, err);
 *	...
 *	return store_commit(&tx, err);
 */
struct store *store_begin(struct store *st, struct error *err);
int store_commit(struct store **tx, struct error *err);
void store_rollback(struct store **tx); /* nothing when committed */
#define scoped_tx __attribute__((cleanup(store_rollback)))

/* --- apps that rest (idle.c) ---------------------------------------------- */

#define IDLE_SECONDS_MAX (30 * 86400)

struct idle {
	uint64_t freeze_seconds; /* without a request; 0: never */
	uint64_t stop_seconds;   /* more, until it is stopped; 0: never */
};

/* One that was never set never rests. */
int store_idle_get(
    struct store *st, int64_t app, struct idle *ret, struct error *err);
int store_idle_set(
    struct store *st, int64_t app, const struct idle *i, struct error *err);

/* --- apps that stop first (strategy.c) ------------------------------------ */

int store_stop_first_get(
    struct store *st, int64_t app, bool *ret, struct error *err);
int store_stop_first_set(
    struct store *st, int64_t app, bool on, struct error *err);

/* --- accounts and tokens -------------------------------------------------- */

struct account {
	int64_t id, created_at;
	char uuid[UUID_SIZE], email[255];
};

int store_account_add(
    struct store *st, struct str email, int64_t *ret_id, struct error *err);
int store_account_get(
    struct store *st, int64_t id, struct account *ret, struct error *err);
int store_account_by_email(
    struct store *st, struct str email, struct account *ret, struct error *err);
/* The one that was made first. */
int store_account_first(
    struct store *st, struct account *ret, struct error *err);

struct token {
	int64_t id, account, created_at, expires_at, revoked_at; /* 0: never */
	int64_t parent; /* 0, or the token that this session was made from */
	char uuid[UUID_SIZE], description[TEXT_SIZE], scope[81];
};

struct token_new {
	int64_t account, parent, expires_at; /* 0: none, never */
	const char *description, *scope;
};

int store_token_add(struct store *st, const struct token_new *t,
    struct str token, int64_t *ret_id, struct error *err);
/* Whatever its state: the caller looks at revoked_at and expires_at. */
int store_token_find(
    struct store *st, struct str token, struct token *ret, struct error *err);
int store_token_get(struct store *st, int64_t account, struct str uuid,
    struct token *ret, struct error *err);
/* Those that count; sessions are left out. */
int store_token_list(struct store *st, int64_t account,
    void (*each)(void *arg, const struct token *t), void *arg,
    struct error *err);
/* The sessions made from it end, too. */
int store_token_revoke(struct store *st, int64_t id, struct error *err);
/* How many tokens that count the account has, sessions left out. */
int store_token_count(
    struct store *st, int64_t account, uint64_t *ret, struct error *err);
/* Forget sessions that are over, and the account's oldest beyond `most`. */
int store_session_sweep(
    struct store *st, int64_t account, uint64_t most, struct error *err);

/* --- apps ----------------------------------------------------------------- */

struct app {
	int64_t id, owner, config; /* config 0: it never had one */
	int64_t created_at, updated_at, released_at; /* 0: never */
	uint64_t generation;
	bool maintenance;
	char uuid[UUID_SIZE], name[31], stack[33];
	char owner_uuid[UUID_SIZE], owner_email[255];
};

/* ERR_EXISTS when the name is taken. */
int store_app_add(struct store *st, struct str name, int64_t owner,
    const char *stack, int64_t *ret_id, struct error *err);
int store_app_get(
    struct store *st, int64_t id, struct app *ret, struct error *err);
/* By name or uuid. */
int store_app_find(
    struct store *st, struct str key, struct app *ret, struct error *err);
/* Those that the account owns or helps with; all for account 0. By name. */
int store_app_list(struct store *st, int64_t account,
    void (*each)(void *arg, const struct app *a), void *arg, struct error *err);
int store_app_count(struct store *st, uint64_t *ret, struct error *err);
int store_app_rename(
    struct store *st, int64_t id, struct str name, struct error *err);
int store_app_maintenance(
    struct store *st, int64_t id, bool on, struct error *err);
int store_app_restart(struct store *st, int64_t id, struct error *err);
int store_app_config(
    struct store *st, int64_t id, int64_t config, struct error *err);
/* Remove it with all it has; a row of `gone` is left. */
int store_app_delete(struct store *st, int64_t id, struct error *err);

/* Who has yet to let go of a destroyed app. */
enum gone { GONE_PLAN = 1, GONE_LOGD = 2, GONE_GITD = 4 };
int store_gone_list(struct store *st, enum gone who,
    void (*each)(void *arg, uint64_t app), void *arg, struct error *err);
int store_gone_done(
    struct store *st, uint64_t app, enum gone who, struct error *err);

struct collaborator {
	char uuid[UUID_SIZE];
	struct account account;
	int64_t created_at;
};

bool store_collaborator_is(struct store *st, int64_t app, int64_t account);
int store_collaborator_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct collaborator *c), void *arg,
    struct error *err);
int store_collaborator_count(
    struct store *st, int64_t app, uint64_t *ret, struct error *err);
int store_collaborator_add(
    struct store *st, int64_t app, int64_t account, struct error *err);
int store_collaborator_del(
    struct store *st, int64_t app, int64_t account, struct error *err);

struct domain {
	int64_t id, app, created_at;
	char uuid[UUID_SIZE], hostname[254];
};

int store_domain_count(
    struct store *st, int64_t app, uint64_t *ret, struct error *err);
/* ERR_EXISTS when it is taken. */
int store_domain_add(
    struct store *st, int64_t app, struct str host, struct error *err);
int store_domain_del(
    struct store *st, int64_t app, struct str host, struct error *err);
/* By hostname or uuid. */
int store_domain_find(
    struct store *st, struct str key, struct domain *ret, struct error *err);
int store_domain_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct domain *d), void *arg,
    struct error *err);

/* --- log drains ----------------------------------------------------------- */

#define DRAIN_URL_SIZE 2049
#define DRAIN_TOKEN_SIZE 39 /* "d." and a UUID */
struct log_drain {
	int64_t id, app, created_at;
	char uuid[UUID_SIZE], token[DRAIN_TOKEN_SIZE];
	char url[DRAIN_URL_SIZE]; /* may hold a password */
};

int store_drain_add(struct store *st, int64_t app, struct str url,
    struct log_drain *ret, struct error *err);
int store_drain_del(struct store *st, int64_t id, struct error *err);
/* Of an app, or of all for 0. */
int store_drain_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct log_drain *d), void *arg,
    struct error *err);

/* --- config and images ---------------------------------------------------- */

/* A text that a client keeps for us and can neither read nor make. */
int store_note_seal(
    struct store *st, struct str text, struct buf *box, struct error *err);
int store_note_unseal(
    struct store *st, struct str box, struct buf *text, struct error *err);

/* env is "KEY=VALUE\0" repeated, encrypted on its way in. */
int store_config_add(struct store *st, int64_t app, struct str env,
    int64_t *ret_id, struct error *err);
/* Append the snapshot's content; for id 0 nothing. */
int store_config_get(struct store *st, int64_t app, int64_t id, struct buf *env,
    struct error *err);

#define DIGEST_SIZE 65
struct image {
	int64_t id;
	char digest[DIGEST_SIZE];
};

struct process {
	struct str type, command; /* borrowed */
};

struct image_new {
	struct str digest;
	struct str layers;     /* diffIDs by spaces, base first */
	struct str buildpacks; /* by newlines */
	struct str app_json;   /* what of it is used; empty for none */
	const struct process *processes;
	size_t nprocesses;
};

/* An image that is there already is fine. */
int store_image_put(struct store *st, int64_t app, const struct image_new *i,
    int64_t *ret_id, struct error *err);
/* layers, buildpacks: appended in the form above; either may be NULL. */
int store_image_get(struct store *st, int64_t id, struct image *ret,
    struct buf *layers, struct buf *buildpacks, struct error *err);
/* Append what of its app.json is used, as JSON; nothing when it has none. */
int store_image_app_json(
    struct store *st, int64_t id, struct buf *ret, struct error *err);
int store_process_list(struct store *st, int64_t image,
    void (*each)(void *arg, const struct process *p), void *arg,
    struct error *err);
/* Append the command of a type; false when the image has none such. */
bool store_process_command(
    struct store *st, int64_t image, struct str type, struct buf *ret);

/* --- releases ------------------------------------------------------------- */

enum release_state {
	RELEASE_PENDING,
	RELEASE_SUCCEEDED,
	RELEASE_FAILED,
	RELEASE_EXPIRED, /* a later one took its place before it began */
};

struct release {
	int64_t id, app, image, config; /* image 0: nothing to run */
	int64_t account, build;         /* build 0: not made by one */
	int64_t created_at, settled_at;
	uint64_t version, job;
	enum release_state state;
	bool phase_done; /* its release phase has succeeded */
	char uuid[UUID_SIZE], email[255], account_uuid[UUID_SIZE];
	char description[TEXT_SIZE], reason[TEXT_SIZE];
	char digest[DIGEST_SIZE], build_uuid[UUID_SIZE];
	char build_secret[44]; /* of its build */
};

struct release_new {
	int64_t app, image, config, account;
	const char *description;
	enum release_state state;
};

/* The next version of the app. */
int store_release_add(struct store *st, const struct release_new *r,
    struct release *ret, struct error *err);
int store_release_get(
    struct store *st, int64_t id, struct release *ret, struct error *err);
/* By number ("3", "v3") or uuid. */
int store_release_find(struct store *st, int64_t app, struct str key,
    struct release *ret, struct error *err);
/* The newest that succeeded; with_image: and has something to run. */
int store_release_live(struct store *st, int64_t app, bool with_image,
    struct release *ret, struct error *err);
/*
 * What a command is run with: the code that serves, and the newest config of
 * it, even when that is still being rolled out. So `run` after `config:set`
 * sees what was set; a deploy on its way is not used before it serves.
 */
int store_release_for_run(
    struct store *st, int64_t app, struct release *ret, struct error *err);
/* The newest that runs or is to run: whose image the next one takes. */
int store_release_next(
    struct store *st, int64_t app, struct release *ret, struct error *err);
/* The newest first, at most max. */
int store_release_list(struct store *st, int64_t app, uint64_t max,
    void (*each)(void *arg, const struct release *r), void *arg,
    struct error *err);
/* Those of app that are pending, the oldest first. */
int store_release_pending(struct store *st, int64_t app,
    void (*each)(void *arg, const struct release *r), void *arg,
    struct error *err);
/* Write the end of a pending one; one that has ended is left. */
int store_release_settle(struct store *st, int64_t id, enum release_state state,
    const char *reason, struct error *err);
int store_release_job(
    struct store *st, int64_t id, uint64_t job, struct error *err);
int store_release_phase_done(struct store *st, int64_t id, struct error *err);

struct formation {
	int64_t created_at, updated_at;
	uint64_t quantity;
	char uuid[UUID_SIZE], type[64], size[33];
};

int store_formation_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct formation *f), void *arg,
    struct error *err);
/* By type or uuid. */
int store_formation_find(struct store *st, int64_t app, struct str key,
    struct formation *ret, struct error *err);
int store_formation_put(struct store *st, int64_t app, struct str type,
    uint64_t quantity, const char *size, struct error *err);
/* Remove the types that the image does not have. */
int store_formation_trim(
    struct store *st, int64_t app, int64_t image, struct error *err);

/* --- cron.c --------------------------------------------------------------- */

struct cron_row {
	uint64_t num;
	struct str schedule, command; /* borrowed */
	bool suspended;
	uint64_t done;    /* the minute since 1970 up to which it is done */
	int64_t began_at; /* its last run, 0: none */
	int64_t code;     /* of that, -1: not known, or not yet */
};

/* The jobs of a new live release: mark, keep each, sweep what was not. */
int store_cron_mark(struct store *st, int64_t app, struct error *err);
int store_cron_keep(struct store *st, int64_t app, struct str schedule,
    struct str command, struct error *err);
int store_cron_sweep(struct store *st, int64_t app, struct error *err);
int store_cron_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct cron_row *c), void *arg,
    struct error *err);
int store_cron_command(struct store *st, int64_t app, uint64_t num,
    struct buf *ret, struct error *err);
int store_cron_suspend(struct store *st, int64_t app, uint64_t num,
    bool suspended, struct error *err);
/* Up to this minute it is done. began: by a run; reset: the clock was wrong. */
int store_cron_done(struct store *st, int64_t app, uint64_t num,
    uint64_t minute, bool began, bool reset, struct error *err);
int store_cron_exited(struct store *st, int64_t app, uint64_t num,
    uint64_t minute, uint64_t code, struct error *err);

/* The commit that an image was last built of; "" when it is not known. */
void store_image_commit(
    struct store *st, int64_t app, int64_t image, char ret[41]);
/* Is this feature of the app switched on? */
bool store_feature(struct store *st, int64_t app, const char *name);
int store_feature_set(struct store *st, int64_t app, const char *name, bool on,
    struct error *err);

/* --- builds and pushes ---------------------------------------------------- */

enum build_state { BUILD_PENDING, BUILD_SUCCEEDED, BUILD_FAILED };

struct build {
	int64_t id, app, account, release; /* release 0: not built yet */
	int64_t created_at, updated_at;
	uint64_t attempts;
	enum build_state state;
	char uuid[UUID_SIZE], secret[44], commit[41];
	char email[255], account_uuid[UUID_SIZE], reason[TEXT_SIZE];
	char release_uuid[UUID_SIZE];
	int64_t image; /* of its release */
};

int store_build_add(struct store *st, int64_t app, int64_t account,
    struct str commit, int64_t *ret_id, struct error *err);
int store_build_get(
    struct store *st, int64_t id, struct build *ret, struct error *err);
/* By uuid. */
int store_build_find(struct store *st, int64_t app, struct str uuid,
    struct build *ret, struct error *err);
int store_build_by_secret(
    struct store *st, struct str secret, struct build *ret, struct error *err);
/* The newest first, at most max. */
int store_build_list(struct store *st, int64_t app, uint64_t max,
    void (*each)(void *arg, const struct build *b), void *arg,
    struct error *err);
/* The ids of those that are to be built, the oldest first. */
int store_build_waiting(struct store *st, int64_t app,
    void (*each)(void *arg, int64_t build), void *arg, struct error *err);
/* All ids of an app's builds. */
int store_build_ids(struct store *st, int64_t app,
    void (*each)(void *arg, int64_t build), void *arg, struct error *err);
int store_build_attempt(struct store *st, int64_t id, struct error *err);
int store_build_released(
    struct store *st, int64_t id, int64_t release, struct error *err);
int store_build_settle(struct store *st, int64_t id, enum build_state state,
    const char *reason, struct error *err);

struct stage {
	char name[33];
	uint64_t ms;
	bool cached;
};

int store_stage_put(struct store *st, int64_t build, struct str name,
    uint64_t ms, bool cached, struct error *err);
int store_stage_list(struct store *st, int64_t build,
    void (*each)(void *arg, const struct stage *s), void *arg,
    struct error *err);

struct push {
	int64_t id, app, account, build;
	int state; /* enum push_state of ipc/msg.h */
	bool settled;
	char ref[256], old[41], new[41], reason[TEXT_SIZE];
};

struct push_new {
	int64_t app, account, build;
	struct str ref, old, new;
};

int store_push_add(struct store *st, const struct push_new *p, int64_t *ret_id,
    struct error *err);
int store_push_get(
    struct store *st, int64_t id, struct push *ret, struct error *err);
int store_push_by_build(
    struct store *st, int64_t build, struct push *ret, struct error *err);
/* The one of this ref that is not settled. */
int store_push_open(struct store *st, int64_t app, struct str ref,
    struct push *ret, struct error *err);
int store_push_list(struct store *st,
    void (*each)(void *arg, const struct push *p), void *arg,
    struct error *err);
int store_push_decide(struct store *st, int64_t id, int state,
    const char *reason, struct error *err);
int store_push_settle(struct store *st, int64_t id, struct error *err);

/* --- volumes -------------------------------------------------------------- */

struct volume {
	int64_t id, app, created_at, updated_at;
	uint64_t bytes;
	bool exclusive;
	char uuid[UUID_SIZE], name[33], path[NAME_MOUNT_MAX + 1];
};

/* ERR_EXISTS when the app has one of this name or path. */
int store_volume_add(struct store *st, const struct volume *v, int64_t *ret_id,
    struct error *err);
/* By name or uuid. */
int store_volume_find(struct store *st, int64_t app, struct str key,
    struct volume *ret, struct error *err);
int store_volume_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct volume *v), void *arg,
    struct error *err);
int store_volume_resize(
    struct store *st, int64_t id, uint64_t bytes, struct error *err);
/* It is no more, but for jail; then forget it. */
int store_volume_gone(struct store *st, int64_t id, struct error *err);
int store_volume_gone_list(struct store *st,
    void (*each)(void *arg, int64_t app, int64_t id), void *arg,
    struct error *err);
int store_volume_forget(struct store *st, int64_t id, struct error *err);

/* --- network -------------------------------------------------------------- */

struct egress_rule {
	int64_t id, app; /* app 0: every app */
	int64_t created_at;
	char uuid[UUID_SIZE], rule[262];
};

/* app 0 stands for every app. ERR_EXISTS when it is there. */
int store_egress_add(
    struct store *st, int64_t app, const char *rule, struct error *err);
/* By its text or uuid. */
int store_egress_find(struct store *st, int64_t app, struct str key,
    struct egress_rule *ret, struct error *err);
int store_egress_del(struct store *st, int64_t id, struct error *err);
int store_egress_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct egress_rule *r), void *arg,
    struct error *err);
int store_egress_count(
    struct store *st, int64_t app, uint64_t *ret, struct error *err);

struct link {
	int64_t id, app, to, created_at;
	char uuid[UUID_SIZE], name[31], to_uuid[UUID_SIZE]; /* of the target */
};

/* ERR_EXISTS when it is there. */
int store_link_add(
    struct store *st, int64_t app, int64_t to, struct error *err);
/* By the target's name or uuid, or its own. */
int store_link_find(struct store *st, int64_t app, struct str key,
    struct link *ret, struct error *err);
int store_link_del(struct store *st, int64_t id, struct error *err);
int store_link_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct link *l), void *arg,
    struct error *err);
/* The apps that are linked to this one. */
int store_link_from(struct store *st, int64_t to,
    void (*each)(void *arg, int64_t app), void *arg, struct error *err);
int store_link_count(
    struct store *st, int64_t app, uint64_t *ret, struct error *err);

/* --- audit ---------------------------------------------------------------- */

struct event_new {
	int64_t account, app; /* 0: none */
	const char *app_name, *action, *detail;
};
int store_event_add(
    struct store *st, const struct event_new *e, struct error *err);
