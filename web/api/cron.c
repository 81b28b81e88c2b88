/* cron - an app's jobs: list, start one now, pause; and its features. */
#include <inttypes.h>

#include "api/handlers.h"
#include "base/mem.h"
#include "base/rand.h"
#include "cron.h"
#include "ipc/msg.h"
#include "oneoff.h"
#include "want.h"
#include "wire/cron.h"

#define COMMAND_ROOM 4096

/* --- the list ------------------------------------------------------------- */

static json_t *next_time(const struct cron_row *c)
{
	uint64_t now = (uint64_t)shape_now() / 60, from = c->done;
	struct cron when;

	if (c->suspended || cron_parse(c->schedule, &when, NULL) == -1)
		return json_null();
	return shape_time(
	    (int64_t)cron_next(&when, from > now ? from : now) * 60);
}

static json_t *shape_cron(const struct cron_row *c)
{
	return json_pack("{s:I, s:o, s:o, s:b, s:o, s:o, s:o}", "id",
	    (json_int_t)c->num, "schedule",
	    json_stringn(c->schedule.p, c->schedule.len), "command",
	    json_stringn(c->command.p, c->command.len), "suspended",
	    (int)c->suspended, "last_run_at",
	    c->began_at ? shape_time(c->began_at) : json_null(), "last_status",
	    c->code >= 0 ? json_integer(c->code) : json_null(), "next_run_at",
	    next_time(c));
}

static void add_cron(void *arg, const struct cron_row *c)
{
	(void)json_array_append_new(arg, shape_cron(c));
}

void on_crons(struct request *r)
{
	json_t *list = json_array();
	struct error err = {0};

	if (store_cron_list(r->w->store, r->app.id, add_cron, list, &err) ==
	    -1) {
		json_decref(list);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, list);
}

/* The number in the path, of a job that there is, and its command. */
static bool find(struct request *r, uint64_t *ret, struct buf *command)
{
	struct error err = {0};

	if (!str_u64(r->match.args[1], INT32_MAX, ret))
		*ret = 0;
	if (store_cron_command(r->w->store, r->app.id, *ret, command, &err) ==
	    0)
		return true;
	request_error(r, &err);
	return false;
}

void on_cron_change(struct request *r)
{
	scoped_buf struct buf command = BUF_INIT(COMMAND_ROOM);
	json_t *suspended = json_object_get(r->json, "suspended");
	struct error err = {0};
	uint64_t num;

	if (!find(r, &num, &command))
		return;
	if (!json_is_boolean(suspended)) {
		request_refuse(r, 422, "invalid_params",
		    "\"suspended\" is true or false.");
		return;
	}
	if (store_cron_suspend(r->w->store, r->app.id, num,
	        json_is_true(suspended), &err) == -1) {
		request_error(r, &err);
		return;
	}
	cron_tell(r->w, r->app.id);
	on_crons(r);
}

/* --- one now -------------------------------------------------------------- */

struct now {
	struct request *r;
	struct ask ask;
	char name[32];
	uint64_t num;
};

static void now_free(void *arg)
{
	struct now *n = arg;

	ask_cancel(&n->ask);
	free(n);
}

static void started(
    struct ask *a, const struct frame *f, const struct error *err)
{
	struct now *n = container_of(a, struct now, ask);
	struct request *r = n->r;
	struct error why = {0};

	if (f && store_cron_done(r->w->store, r->app.id, n->num, 0, true, false,
	             &why) == -1)
		err = &why;
	if (err)
		request_error(r, err);
	else
		request_json(r, 201, json_pack("{s:s}", "name", n->name));
	r->wait = NULL;
	now_free(n);
}

static int start(struct now *n, struct str command, struct error *err)
{
	struct request *r = n->r;
	struct release release;
	struct oneoff q = {.app = &r->app,
	    .release = &release,
	    .job = rand_u64() >> 1,
	    .kind = KIND_CRON,
	    .cron = n->num,
	    .name = n->name,
	    .command = command,
	    .most_ms = r->w->settings.run_seconds * 1000};

	if (store_release_live(r->w->store, r->app.id, true, &release, err) ==
	    -1)
		return -1;
	oneoff_name(r->w, r->app.id, "scheduler", n->name);
	return oneoff_start(r->w, &n->ask, &q, err);
}

void on_cron_run(struct request *r)
{
	scoped_buf struct buf command = BUF_INIT(COMMAND_ROOM);
	struct error err = {0};
	struct now *n;
	uint64_t num;

	if (!find(r, &num, &command))
		return;
	n = xcalloc(1, sizeof(*n));
	*n = (struct now){.r = r, .ask = {.done = started}, .num = num};
	if (start(n, buf_str(&command), &err) == -1) {
		now_free(n);
		request_error(r, &err);
		return;
	}
	r->wait = n;
	r->wait_free = now_free;
}
