/*
 * run - a command in an instance of its own, attached or not, or attached
 * inside one that runs; and the size of its terminal.
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/handlers.h"
#include "apps.h"
#include "await.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/rand.h"
#include "dynos.h"
#include "ipc/msg.h"
#include "oneoff.h"
#include "routes.h"
#include "wire/exitmark.h"

#define LAUNCHER "/cnb/lifecycle/launcher" /* in every instance */
#define TTL_MAX 86400                      /* of Heroku's time_to_live */
#define ATTACH_MS 60000                    /* for the client to come */
#define COMMAND_MAX 32768
#define RUN_ENV_MAX 65536

/* The steps: plan starts it, the router learns its secret, we answer. */
struct run {
	struct request *r;
	struct ask ask;
	struct await await;
	uint64_t job; /* plan starts it once, however often it is asked */
	struct release release;
	char name[32], secret[44], size[SIZE_NAME];
	struct buf command, env;
	bool attached, pty;
	uint64_t instance, inside, rows, cols, seconds;
};

static void run_free(void *arg)
{
	struct run *run = arg;

	ask_cancel(&run->ask);
	await_cancel(&run->await);
	buf_release(&run->command);
	buf_release(&run->env);
	free(run);
}

static void finish(struct run *run, const struct error *err)
{
	struct request *r = run->r;
	scoped_buf struct buf url = BUF_INIT(1024);
	struct dyno d = {.instance = run->instance,
	    .version = run->release.version,
	    .state = DYNO_STARTING,
	    .since = shape_now(),
	    .type = "run"};
	struct str shown = exitmark_strip(buf_str(&run->command));
	json_t *shape;

	if (err) {
		request_error(r, err);
	} else {
		memcpy(d.name, run->name, sizeof(run->name));
		memcpy(d.size, run->size, sizeof(d.size));
		shape = shape_dyno(r->w, &r->app, &d);
		(void)json_object_set_new(
		    shape, "command", json_stringn(shown.p, shown.len));
		if (run->attached) {
			request_base(r, &url);
			buf_addf(&url, "/attach/%s", run->secret);
			(void)json_object_set_new(
			    shape, "attach_url", json_string(buf_z(&url)));
		}
		request_json(r, 201, shape);
	}
	r->wait = NULL;
	run_free(run);
}

/* Where p is away, ask it when it is back. */
static bool wait_for(struct run *run, struct peer *p,
    void (*over)(struct await *a, const struct error *err))
{
	if (peer_is_up(p))
		return false;
	run->await.over = over;
	await_peer(run->r->w, &run->await, p);
	return true;
}

static void attach(struct run *run);

static void router_is_back(struct await *a, const struct error *err)
{
	struct run *run = container_of(a, struct run, await);

	if (err)
		finish(run, err);
	else
		attach(run);
}

static void attach_answered(
    struct ask *a, const struct frame *f, const struct error *err)
{
	struct run *run = container_of(a, struct run, ask);

	if (err && wait_for(run, run->r->w->router, router_is_back))
		return;
	if (err) /* nobody will come */
		(void)oneoff_stop(run->r->w, run->r->app.id, run->name, NULL);
	finish(run, err);
}

static void attach(struct run *run)
{
	struct error err = {0};

	run->ask.done = attach_answered;
	if (routes_attach(run->r->w, &run->ask, run->secret, run->instance,
	        ATTACH_MS, &err) == -1)
		attach_answered(&run->ask, NULL, &err);
}

static int start(struct run *run, struct error *err);

static void plan_is_back(struct await *a, const struct error *err)
{
	struct run *run = container_of(a, struct run, await);
	struct error why = {0};

	if (err)
		finish(run, err);
	else if (start(run, &why) == -1)
		finish(run, &why);
}

static void start_answered(
    struct ask *a, const struct frame *f, const struct error *err)
{
	struct run *run = container_of(a, struct run, ask);
	struct error why = {0};

	if (err && wait_for(run, run->r->w->plan, plan_is_back))
		return;
	if (err) {
		/* What stands in its way is the caller's to know. */
		if (err->code == ERR_SYSTEM)
			(void)error_set(&why, ERR_UNAVAILABLE,
			    "It could not be started: %s", err->msg);
		finish(run, why.msg[0] ? &why : err);
		return;
	}
	run->instance = frame_u64(f, F_INSTANCE);
	if (!run->attached) {
		finish(run, NULL);
		return;
	}
	rand_secret(run->secret);
	attach(run);
}

/* --- reading -------------------------------------------------------------- */

/* Values may be numbers: COLUMNS and LINES are. */
static void add_env(struct run *run, const char *key, const json_t *value)
{
	buf_addf(&run->env, "%s=", key);
	if (json_is_string(value))
		buf_add(&run->env, str_make(json_string_value(value),
		                       json_string_length(value)));
	else
		buf_addf(&run->env, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
	buf_addc(&run->env, '\0');
}

static uint64_t dimension(const json_t *env, const char *name)
{
	const json_t *value = json_object_get(env, name);
	uint64_t n = 0;

	if (json_is_string(value))
		(void)str_u64(str_z(json_string_value(value)), 65535, &n);
	else if (json_is_integer(value) && json_integer_value(value) > 0 &&
	         json_integer_value(value) < 65536)
		n = (uint64_t)json_integer_value(value);
	return n;
}

static int read_env(struct run *run, struct error *err)
{
	json_t *env = json_object_get(run->r->json, "env"), *value;
	const char *key;

	if (!env || json_is_null(env))
		return 0;
	if (!json_is_object(env))
		return error_set(
		    err, ERR_INVALID, "\"env\" must be an object.");
	json_object_foreach(env, key, value)
	{
		if (!name_config_key(str_z(key)) ||
		    (!json_is_string(value) && !json_is_integer(value)) ||
		    (json_is_string(value) &&
		        strlen(json_string_value(value)) !=
		            json_string_length(value)))
			return error_set(err, ERR_INVALID,
			    "\"env\" has names of letters, digits and _ with "
			    "texts as values.");
		add_env(run, key, value);
	}
	if (run->env.bad)
		return error_set(
		    err, ERR_LIMIT, "\"env\" may have %d bytes.", RUN_ENV_MAX);
	run->rows = dimension(env, "LINES");
	run->cols = dimension(env, "COLUMNS");
	return 0;
}

/* The type's own command, started as its processes are. */
static int type_command(struct run *run, struct str type, struct error *err)
{
	scoped_buf struct buf command = BUF_INIT(COMMAND_MAX);
	struct request *r = run->r;
	bool status = json_is_true(json_object_get(r->json, "exit_status"));

	if (!store_process_command(
	        r->w->store, run->release.image, type, &command))
		return error_set(err, ERR_NOT_FOUND,
		    "%s has no process type " STR_FMT ". See `paas ps:scale`.",
		    r->app.name, STR_ARG(str_sub(type, 0, 64)));
	buf_addz(&run->command, LAUNCHER " ");
	buf_add(&run->command, type);
	if (status)
		buf_addz(&run->command, EXIT_SUFFIX);
	return 0;
}

static int read_command(struct run *run, struct error *err)
{
	struct str command, type = {0};
	json_t *named = json_object_get(run->r->json, "type");

	if (json_is_string(named))
		type = str_make(
		    json_string_value(named), json_string_length(named));
	if (!run->inside && type.len &&
	    !json_object_get(run->r->json, "command"))
		return type_command(run, type, err);
	if (request_text(run->r, "command", &command, err) == -1)
		return -1;
	if (command.len == 0 || str_find(command, '\0') != -1)
		return error_set(err, ERR_INVALID,
		    "\"command\" is what is to be run, as in: bash");
	if (command.len >= COMMAND_MAX)
		return error_set(err, ERR_LIMIT,
		    "The command has %zu bytes, at most %d are possible. Put "
		    "it into a file of the app, or pass its data on standard "
		    "input.",
		    command.len, COMMAND_MAX - 1);
	buf_add(&run->command, command);
	return 0;
}

/* How long it may take: what is asked for, up to what is allowed. */
static int read_seconds(struct run *run, struct error *err)
{
	json_t *ttl = json_object_get(run->r->json, "time_to_live");

	run->seconds = run->r->w->settings.run_seconds;
	if (!ttl || json_is_null(ttl))
		return 0;
	if (!json_is_integer(ttl) || json_integer_value(ttl) < 1 ||
	    json_integer_value(ttl) > TTL_MAX)
		return error_set(err, ERR_INVALID,
		    "\"time_to_live\" is a number of seconds, at most %d.",
		    TTL_MAX);
	if ((uint64_t)json_integer_value(ttl) < run->seconds)
		run->seconds = (uint64_t)json_integer_value(ttl);
	return 0;
}

static int read_size(struct run *run, struct error *err)
{
	struct request *r = run->r;
	struct str size;

	if (request_text(r, "size", &size, err) == -1)
		return -1;
	if (!size.p)
		size = STR(SIZE_DEFAULT);
	if (apps_check_size(r->w, size, err) == -1)
		return -1;
	str_copy(str_z(apps_size(r->w, size, err)->name), run->size,
	    sizeof(run->size));
	return 0;
}

/* May the app have one more command beside those that run? */
static int check_room(struct request *r, struct error *err)
{
	scoped_free const struct dyno **v = NULL;
	size_t n = dynos_of(r->w, r->app.id, &v);
	uint64_t runs = 0;

	for (size_t i = 0; i < n; i++)
		runs += v[i]->kind == KIND_RUN || v[i]->kind == KIND_EXEC;
	if (runs < r->w->settings.runs_max)
		return 0;
	return error_set(err, ERR_LIMIT,
	    "%s runs %" PRIu64 " commands already, and no more are allowed "
	    "(the setting runs_max). Wait for one, or: paas ps:stop",
	    r->app.name, runs);
}

static int read_run(struct run *run, struct error *err)
{
	struct request *r = run->r;

	if (store_release_for_run(
	        r->w->store, r->app.id, &run->release, NULL) == -1)
		return error_set(err, ERR_INVALID,
		    "%s has no release to run it in. Deploy first: git push "
		    "paas main",
		    r->app.name);
	if (read_command(run, err) == -1 || read_env(run, err) == -1 ||
	    read_seconds(run, err) == -1 || read_size(run, err) == -1 ||
	    check_room(r, err) == -1)
		return -1;
	run->attached = json_is_true(json_object_get(r->json, "attach"));
	oneoff_name(r->w, r->app.id, "run", run->name);
	return 0;
}

/* Inside d, with the config that d has. */
static int read_inside(struct run *run, const struct dyno *d, struct error *err)
{
	struct request *r = run->r;
	char version[24];

	if (d->kind == KIND_EXEC || d->state == DYNO_CRASHED ||
	    d->state == DYNO_STOPPING)
		return error_set(err, ERR_INVALID,
		    "%s can't run a command now. See `paas ps`.", d->name);
	run->inside = d->instance;
	snprintf(version, sizeof(version), "%" PRIu64, d->version);
	if (store_release_find(r->w->store, r->app.id, str_z(version),
	        &run->release, err) == -1 ||
	    read_command(run, err) == -1 || read_env(run, err) == -1 ||
	    read_seconds(run, err) == -1 || check_room(r, err) == -1)
		return -1;
	memcpy(run->size, d->size, sizeof(run->size));
	run->attached = true;
	oneoff_name(r->w, r->app.id, "exec", run->name);
	return 0;
}

static int start(struct run *run, struct error *err)
{
	struct oneoff q = {.app = &run->r->app,
	    .release = &run->release,
	    .job = run->job,
	    .kind = run->inside ? KIND_EXEC : KIND_RUN,
	    .inside = run->inside,
	    .name = run->name,
	    .command = buf_str(&run->command),
	    .shown = exitmark_strip(buf_str(&run->command)),
	    .most_ms = run->seconds * 1000,
	    .env = buf_str(&run->env),
	    .attached = run->attached,
	    .pty = run->pty,
	    .rows = run->rows,
	    .cols = run->cols,
	    .size = run->size};

	if (wait_for(run, run->r->w->plan, plan_is_back))
		return 0;
	return oneoff_start(run->r->w, &run->ask, &q, err);
}

static void run_asked(struct request *r, const struct dyno *inside)
{
	struct run *run = xcalloc(1, sizeof(*run));
	struct error err = {0};

	*run = (struct run){.r = r,
	    .ask = {.done = start_answered},
	    .job = rand_u64() >> 1,
	    .command = BUF_INIT(COMMAND_MAX),
	    .env = BUF_INIT(RUN_ENV_MAX)};
	if ((inside ? read_inside(run, inside, &err) : read_run(run, &err)) ==
	    -1) {
		run_free(run);
		request_error(r, &err);
		return;
	}
	run->pty = run->attached &&
	           !json_is_true(json_object_get(r->json, "force_no_tty"));
	if (start(run, &err) == -1) {
		run_free(run);
		request_error(r, &err);
		return;
	}
	r->wait = run;
	r->wait_free = run_free;
}

void on_run(struct request *r)
{
	run_asked(r, NULL);
}

/* --- in one that runs ----------------------------------------------------- */

static void inside_known(struct request *r)
{
	const struct dyno *d = request_dyno(r);

	if (d)
		run_asked(r, d);
}

void on_run_inside(struct request *r)
{
	request_dynos(r, inside_known);
}

static void resize_known(struct request *r)
{
	const struct dyno *d = request_dyno(r);
	uint64_t rows = dimension(r->json, "rows");
	uint64_t cols = dimension(r->json, "columns");

	if (!d)
		return;
	if (!rows || !cols) {
		request_refuse(r, 422, "invalid_params",
		    "\"rows\" and \"columns\" are numbers from 1 to 65535.");
		return;
	}
	oneoff_resize(r->w, d->instance, rows, cols);
	request_json(r, 202, json_object());
}

void on_dyno_resize(struct request *r)
{
	request_dynos(r, resize_known);
}
