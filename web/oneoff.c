#include "oneoff.h"

#include <stdio.h>

#include "base/fd.h"
#include "base/rand.h"
#include "dynos.h"
#include "ipc/msg.h"
#include "meta.h"
#include "net.h"
#include "vars.h"
#include "volumes.h"
#include "want.h"

#define SHOWN_MAX 200       /* bytes of a command in lists and logs */
#define START_WAIT_MS 30000 /* layers are mounted, a namespace is made */

void oneoff_name(
    const struct web *w, int64_t app, const char *type, char out[32])
{
	do
		snprintf(out, 32, "%s.%u", type,
		    (unsigned)(1000 + rand_u64() % 9000));
	while (dynos_find(w, app, str_z(out)));
}

/* The config vars that env does not replace, then env. */
static int merge(
    struct web *w, const struct oneoff *q, struct buf *out, struct error *err)
{
	scoped_buf struct buf config = BUF_INIT(ENV_MAX);
	struct str rest, key, value, other;

	if (store_config_get(
	        w->store, q->app->id, q->release->config, &config, err) == -1 ||
	    net_env(w, q->app->id, &config, err) == -1)
		return -1;
	meta_add(w, q->release, out);
	rest = buf_str(&config);
	while (vars_next(&rest, &key, &value)) {
		if (vars_get(q->env, key, &other))
			continue;
		buf_add(out, key);
		buf_addc(out, '=');
		buf_add(out, value);
		buf_addc(out, '\0');
	}
	buf_add(out, q->env);
	if (out->bad)
		return error_set(err, ERR_LIMIT, "too much environment");
	return 0;
}

static int put_run(struct web *w, const struct oneoff *q, struct frame_out *o,
    struct error *err)
{
	frame_put_u64(o, F_JOB, q->job);
	frame_put_u64(o, F_APP, (uint64_t)q->app->id);
	frame_put_z(o, F_APP_NAME, q->app->name);
	frame_put_u64(o, F_RELEASE, q->release->version);
	frame_put_u64(o, F_KIND, q->kind);
	frame_put_z(o, F_NAME, q->name);
	frame_put(o, F_COMMAND, q->command);
	frame_put(o, F_SHOWN,
	    str_sub(q->shown.len ? q->shown : q->command, 0, SHOWN_MAX));
	if (q->most_ms)
		frame_put_u64(o, F_MS, q->most_ms);
	if (q->cron)
		frame_put_u64(o, F_CRON, q->cron);
	if (q->inside)
		frame_put_u64(o, F_OF, q->inside);
	frame_put_u64(o, F_STATE, q->attached);
	frame_put_u64(o, F_PTY, q->pty);
	frame_put_z(o, F_SIZE, q->size && q->size[0] ? q->size : SIZE_DEFAULT);
	if (q->rows && q->cols) {
		frame_put_u64(o, F_ROWS, q->rows);
		frame_put_u64(o, F_COLS, q->cols);
	}
	if (volumes_put(w, q->app->id, o, err) == -1)
		return -1;
	return want_put_image(w, q->release->image, o, err);
}

int oneoff_start(
    struct web *w, struct ask *a, const struct oneoff *q, struct error *err)
{
	scoped_frame_out struct frame_out o = ask_begin(a, w->plan, MSG_RUN);
	scoped_buf struct buf env = BUF_INIT(ENV_MAX);
	scoped_fd int fd = -1;

	if (merge(w, q, &env, err) == -1 || put_run(w, q, &o, err) == -1)
		return -1;
	fd = fd_sealed("environment", buf_str(&env), err);
	if (fd == -1)
		return -1;
	frame_put_fd(&o, fd);
	return ask_send(w, a, w->plan, &o, START_WAIT_MS, err);
}

void oneoff_resize(
    struct web *w, uint64_t instance, uint64_t rows, uint64_t cols)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_RESIZE, 0);

	frame_put_u64(&o, F_INSTANCE, instance);
	frame_put_u64(&o, F_ROWS, rows);
	frame_put_u64(&o, F_COLS, cols);
	(void)peer_send(w->plan, &o);
}

int oneoff_stop(struct web *w, int64_t app, const char *name, struct error *err)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_INSTANCE_STOP, 0);

	frame_put_u64(&o, F_APP, (uint64_t)app);
	frame_put_z(&o, F_NAME, name);
	if (peer_send(w->plan, &o) == -1)
		return error_set(err, ERR_UNAVAILABLE,
		    "A part of the platform (plan) is restarting. Try again "
		    "in a moment.");
	return 0;
}
