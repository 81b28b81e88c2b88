#include "cron.h"

#include <inttypes.h>

#include <jansson.h>

#include "base/log.h"
#include "base/mem.h"
#include "ipc/msg.h"
#include "wire/cron.h"

#define APP_JSON_MAX 16384 /* F_APP_JSON of a frame */

/* --- app.json ------------------------------------------------------------- */

static struct str text_at(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	return json_is_string(value) ? str_make(json_string_value(value),
	                                   json_string_length(value))
	                             : (struct str){0};
}

static bool is_line(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.len > 0;
}

static int check_job(const json_t *job, size_t i, struct error *err)
{
	struct str command = text_at(job, "command");
	struct str schedule = text_at(job, "schedule");
	struct error why = {0};
	struct cron c;

	if (!is_line(command) || !schedule.len)
		return error_set(err, ERR_INVALID,
		    "app.json: cron[%zu] needs a \"command\" (one line) and a "
		    "\"schedule\", as in \"0 3 * * *\"",
		    i);
	if (command.len > CRON_COMMAND_MAX)
		return error_set(err, ERR_INVALID,
		    "app.json: the command of cron[%zu] has %zu bytes, at most "
		    "%d are possible (put it into a file of the app)",
		    i, command.len, CRON_COMMAND_MAX);
	if (cron_parse(schedule, &c, &why) == -1)
		return error_set(err, ERR_INVALID,
		    "app.json: the schedule of cron[%zu] is wrong: %s", i,
		    why.msg);
	return 0;
}

static int check_list(
    const struct web *w, const json_t *list, struct error *err)
{
	const json_t *job;
	size_t i;

	if (!json_is_array(list))
		return error_set(err, ERR_INVALID,
		    "app.json: \"cron\" is a list of {\"command\", "
		    "\"schedule\"}");
	if (json_array_size(list) > w->settings.cron_max)
		return error_set(err, ERR_INVALID,
		    "app.json: cron has %zu jobs, at most %" PRIu64
		    " are allowed (the setting cron_max)",
		    json_array_size(list), w->settings.cron_max);
	json_array_foreach(list, i, job)
	{
		if (check_job(job, i, err) == -1)
			return -1;
	}
	return 0;
}

static json_t *parse(struct str app_json)
{
	return app_json.len ? json_loadb(app_json.p, app_json.len, 0, NULL)
	                    : NULL;
}

int cron_check(const struct web *w, struct str app_json, struct error *err)
{
	json_auto_t *root = parse(app_json);
	const json_t *list = json_object_get(root, "cron");

	return list ? check_list(w, list, err) : 0;
}

/* --- the rows ------------------------------------------------------------- */

/* One that is there twice is one job. */
static int keep_jobs(
    struct web *w, int64_t app, const json_t *list, struct error *err)
{
	const json_t *job;
	size_t i;

	json_array_foreach(list, i, job)
	{
		if (store_cron_keep(w->store, app, text_at(job, "schedule"),
		        text_at(job, "command"), err) == -1)
			return -1;
	}
	return 0;
}

int cron_settle(struct web *w, const struct release *r, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(APP_JSON_MAX + 1);
	json_auto_t *root = NULL;
	const json_t *list;

	if (store_image_app_json(w->store, r->image, &text, err) == -1 ||
	    store_cron_mark(w->store, r->app, err) == -1)
		return -1;
	root = parse(buf_str(&text));
	list = json_object_get(root, "cron");
	if (list && keep_jobs(w, r->app, list, err) == -1)
		return -1;
	return store_cron_sweep(w->store, r->app, err);
}

/* --- plan ----------------------------------------------------------------- */

static void put_job(void *arg, const struct cron_row *c)
{
	struct frame_out *o = arg;

	if (c->suspended)
		return;
	frame_put_u64(o, F_CRON, c->num);
	frame_put(o, F_SCHEDULE, c->schedule);
	frame_put(o, F_COMMAND, c->command);
	frame_put_u64(o, F_LAST, c->done);
}

void cron_tell(struct web *w, int64_t app)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_CRONS, 0);
	struct error err = {0};

	if (!peer_is_up(w->plan))
		return; /* it gets all when it is back */
	frame_put_u64(&o, F_APP, (uint64_t)app);
	if (store_cron_list(w->store, app, put_job, &o, &err) == -1)
		log_error("plan is not told what is due app=%" PRId64 ": %s",
		    app, err.msg);
	else
		(void)peer_send(w->plan, &o);
}

void cron_due(struct web *w, struct peer *p, struct frame *f)
{
	int64_t app = (int64_t)frame_u64(f, F_APP);
	bool began = frame_u64(f, F_STATE) == CRON_START;
	struct error err = {0};

	if (store_cron_done(w->store, app, frame_u64(f, F_CRON),
	        frame_u64(f, F_LAST), began,
	        frame_u64(f, F_STATE) == CRON_RESET, &err) == -1)
		log_error("what is done is not written down app=%" PRId64
		          ": %s",
		    app, err.msg);
}

void cron_run_exited(struct web *w, const struct frame *f)
{
	int64_t app = (int64_t)frame_u64(f, F_APP);
	uint64_t num = frame_u64(f, F_CRON);
	struct error err = {0};

	if (!num)
		return;
	if (store_cron_exited(w->store, app, num, frame_u64(f, F_LAST),
	        frame_u64(f, F_EXIT_CODE), &err) == -1)
		log_error("the end of a job is not written down app=%" PRId64
		          ": %s",
		    app, err.msg);
}
