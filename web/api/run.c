/* run - a command in an instance of its own, attached or not. */
#include <inttypes.h>
#include <stdio.h>

#include "api/handlers.h"
#include "apps.h"
#include "await.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/rand.h"
#include "ipc/msg.h"
#include "oneoff.h"
#include "routes.h"

#define ATTACH_MS 60000 /* for the client to come */
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
	uint64_t instance, rows, cols;
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
	json_t *shape;

	if (err) {
		request_error(r, err);
	} else {
		memcpy(d.name, run->name, sizeof(run->name));
		memcpy(d.size, run->size, sizeof(d.size));
		shape = shape_dyno(r->w, &r->app, &d);
		(void)json_object_set_new(shape, "command",
		    json_stringn(run->command.p, run->command.len));
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

static int read_command(struct run *run, struct error *err)
{
	struct str command;

	if (request_text(run->r, "command", &command, err) == -1)
		return -1;
	if (command.len == 0 || str_find(command, '\0') != -1)
		return error_set(err, ERR_INVALID,
		    "\"command\" is what is to be run, as in: bash");
	buf_add(&run->command, command);
	if (run->command.bad)
		return error_set(err, ERR_LIMIT, "A command may have %d bytes.",
		    COMMAND_MAX);
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
		runs += v[i]->kind == KIND_RUN;
	if (runs < r->w->settings.instances_max)
		return 0;
	return error_set(err, ERR_LIMIT,
	    "%s runs %" PRIu64 " commands already, and no more are allowed "
	    "(the setting instances_max). Wait for one, or: paas ps:stop",
	    r->app.name, runs);
}

static int read_run(struct run *run, struct error *err)
{
	struct request *r = run->r;

	if (read_command(run, err) == -1 || read_env(run, err) == -1 ||
	    read_size(run, err) == -1 || check_room(r, err) == -1)
		return -1;
	if (store_release_live(
	        r->w->store, r->app.id, true, &run->release, NULL) == -1)
		return error_set(err, ERR_INVALID,
		    "%s has no release to run it in. Deploy first: git push "
		    "paas main",
		    r->app.name);
	run->attached = json_is_true(json_object_get(r->json, "attach"));
	run->pty = run->attached &&
	           !json_is_true(json_object_get(r->json, "force_no_tty"));
	oneoff_name(r->w, r->app.id, "run", run->name);
	return 0;
}

static int start(struct run *run, struct error *err)
{
	struct oneoff q = {.app = &run->r->app,
	    .release = &run->release,
	    .job = run->job,
	    .kind = KIND_RUN,
	    .name = run->name,
	    .command = buf_str(&run->command),
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

void on_run(struct request *r)
{
	struct run *run = xcalloc(1, sizeof(*run));
	struct error err = {0};

	*run = (struct run){.r = r,
	    .ask = {.done = start_answered},
	    .job = rand_u64() >> 1,
	    .command = BUF_INIT(COMMAND_MAX),
	    .env = BUF_INIT(RUN_ENV_MAX)};
	if (read_run(run, &err) == -1 || start(run, &err) == -1) {
		run_free(run);
		request_error(r, &err);
		return;
	}
	r->wait = run;
	r->wait_free = run_free;
}
