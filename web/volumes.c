#include "volumes.h"

#include <inttypes.h>
#include <stdio.h>

#include "applog.h"
#include "audit.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "ipc/msg.h"
#include "want.h"

#define WAIT_MS 60000 /* a file system is made, or grows */

/* --- what is possible ----------------------------------------------------- */

struct among {
	const struct volume *v;
	uint64_t n;
	char clash[NAME_MOUNT_MAX + 1];
};

static bool lies_in(const char *path, const char *in)
{
	size_t n = strlen(in);

	return strncmp(path, in, n) == 0 && (!path[n] || path[n] == '/');
}

static void compare(void *arg, const struct volume *other)
{
	struct among *a = arg;

	a->n++;
	if (lies_in(a->v->path, other->path) ||
	    lies_in(other->path, a->v->path))
		memcpy(a->clash, other->path, sizeof(a->clash));
}

static int check_bytes(const struct web *w, uint64_t bytes, struct error *err)
{
	uint64_t most = w->settings.volume_size_bytes;
	char least[24], text[24];

	if (bytes >= VOLUME_LEAST && bytes <= most)
		return 0;
	size_bytes_text(VOLUME_LEAST, least);
	size_bytes_text(most, text);
	return error_set(err, ERR_INVALID,
	    "A volume has from %s to %s (the setting volume_size).", least,
	    text);
}

static int check_new(struct web *w, const struct volume *v, struct error *err)
{
	struct among a = {.v = v};

	if (!name_size(str_z(v->name)))
		return error_set(err, ERR_INVALID,
		    "A volume's name has 1 to 32 lower-case letters, digits "
		    "and dashes.");
	if (!name_mount(str_z(v->path)))
		return error_set(err, ERR_INVALID,
		    "A volume's path is a plain absolute one, as in /data or "
		    "/app/uploads, and none of /app itself, /proc, /sys, /dev, "
		    "/etc, /run, /usr, /bin, /lib, /tmp, /cnb.");
	if (check_bytes(w, v->bytes, err) == -1 ||
	    store_volume_list(w->store, v->app, compare, &a, err) == -1)
		return -1;
	if (a.clash[0])
		return error_set(err, ERR_EXISTS,
		    "%s is not possible: there is a volume at %s.", v->path,
		    a.clash);
	if (a.n >= w->settings.volumes_max)
		return error_set(err, ERR_LIMIT,
		    "The app has %" PRIu64 " volumes, and no more are allowed "
		    "(the setting volumes_max).",
		    a.n);
	return 0;
}

/* --- asking jail ---------------------------------------------------------- */

static int ask_put(struct volume_ask *a, uint64_t bytes,
    void (*answered)(
        struct ask *a, const struct frame *f, const struct error *err),
    struct error *err)
{
	struct web *w = a->w;
	scoped_frame_out struct frame_out o =
	    ask_begin(&a->ask, w->plan, MSG_VOLUME_PUT);

	a->ask.done = answered;
	frame_put_u64(&o, F_APP, (uint64_t)a->volume.app);
	frame_put_u64(&o, F_VOLUME, (uint64_t)a->volume.id);
	frame_put_u64(&o, F_VOLUME_BYTES, bytes);
	return ask_send(w, &a->ask, w->plan, &o, WAIT_MS, err);
}

static void begin(struct volume_ask *a, struct web *w, const struct account *by,
    const struct volume *v)
{
	a->w = w;
	a->app = v->app;
	a->volume = *v;
	if (by)
		memcpy(a->email, by->email, sizeof(a->email));
}

static void note_use(struct volume_ask *a, const struct frame *f)
{
	a->used = frame_u64(f, F_BYTES);
	a->files = frame_u64(f, F_FILES);
}

/* --- what is gone --------------------------------------------------------- */

struct drop {
	struct ask ask;
	struct web *w;
	int64_t id;
};

static void dropped(
    struct ask *a, const struct frame *f, const struct error *err)
{
	struct drop *d = container_of(a, struct drop, ask);
	struct error why = {0};

	if (err)
		why = *err;
	if (!f || store_volume_forget(d->w->store, d->id, &why) == -1)
		log_warn("volume is not gone yet id=%" PRId64 ": %s", d->id,
		    why.msg);
	free(d);
}

/* When plan is away it is told as soon as it is back. */
static void tell_gone(void *arg, int64_t app, int64_t id)
{
	struct web *w = arg;
	struct drop *d = xcalloc(1, sizeof(*d));
	scoped_frame_out struct frame_out o =
	    ask_begin(&d->ask, w->plan, MSG_VOLUME_DROP);

	d->w = w;
	d->id = id;
	d->ask.done = dropped;
	frame_put_u64(&o, F_APP, (uint64_t)app);
	frame_put_u64(&o, F_VOLUME, (uint64_t)id);
	if (ask_send(w, &d->ask, w->plan, &o, WAIT_MS, NULL) == -1)
		free(d);
}

void volumes_up(struct web *w)
{
	(void)store_volume_gone_list(w->store, tell_gone, w, NULL);
}

/* --- create --------------------------------------------------------------- */

static int audit_volume(struct web *w, const struct account *by,
    const struct app *a, const char *action, const struct volume *v,
    struct error *err)
{
	char detail[64], bytes[24];

	size_bytes_text(v->bytes, bytes);
	snprintf(detail, sizeof(detail), "%s %s", v->name, bytes);
	return audit(w, by, a, action, detail, err);
}

/* The app's processes get what it has now. */
static void restart(struct web *w, int64_t app)
{
	struct error err = {0};

	if (store_app_restart(w->store, app, &err) == -1)
		log_error("not restarted app=%" PRId64 ": %s", app, err.msg);
	want_again(w, app);
}

static void take_back(struct web *w, const struct volume *v)
{
	struct error err = {0};

	if (store_volume_gone(w->store, v->id, &err) == -1)
		log_error("volume stays id=%" PRId64 ": %s", v->id, err.msg);
	tell_gone(w, v->app, v->id);
}

static void created(
    struct ask *ask, const struct frame *f, const struct error *err)
{
	struct volume_ask *a = container_of(ask, struct volume_ask, ask);
	char bytes[24];

	if (err) {
		take_back(a->w, &a->volume);
		a->done(a, err);
		return;
	}
	note_use(a, f);
	size_bytes_text(a->volume.bytes, bytes);
	applog(a->w, a->app, "Volume %s of %s at %s created by user %s",
	    a->volume.name, bytes, a->volume.path, a->email);
	restart(a->w, a->app);
	a->done(a, NULL);
}

int volumes_create(struct web *w, const struct account *by,
    const struct app *app, const struct volume *v, struct volume_ask *a,
    struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	int64_t id;

	if (!tx || check_new(w, v, err) == -1 ||
	    store_volume_add(w->store, v, &id, err) == -1 ||
	    audit_volume(w, by, app, "volume:create", v, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	begin(a, w, by, v);
	if (store_volume_find(
	        w->store, app->id, str_z(v->name), &a->volume, err) == -1)
		return -1;
	if (ask_put(a, v->bytes, created, err) == -1) {
		take_back(w, &a->volume);
		return -1;
	}
	return 0;
}

/* --- resize, look --------------------------------------------------------- */

static void resized(
    struct ask *ask, const struct frame *f, const struct error *err)
{
	struct volume_ask *a = container_of(ask, struct volume_ask, ask);
	struct error why = {0};
	char bytes[24];

	if (!err && store_volume_resize(
	                a->w->store, a->volume.id, a->volume.bytes, &why) == -1)
		err = &why;
	if (err) {
		a->done(a, err);
		return;
	}
	note_use(a, f);
	size_bytes_text(a->volume.bytes, bytes);
	applog(a->w, a->app, "Volume %s resized to %s by user %s",
	    a->volume.name, bytes, a->email);
	want_again(a->w, a->app);
	a->done(a, NULL);
}

int volumes_resize(struct web *w, const struct account *by,
    const struct app *app, const struct volume *v, uint64_t bytes,
    struct volume_ask *a, struct error *err)
{
	struct volume larger = *v;
	char now[24];

	size_bytes_text(v->bytes, now);
	if (check_bytes(w, bytes, err) == -1)
		return -1;
	if (bytes < v->bytes)
		return error_set(err, ERR_INVALID,
		    "A volume can't become smaller: %s has %s. Create another "
		    "one and copy what it holds.",
		    v->name, now);
	larger.bytes = bytes;
	if (audit_volume(w, by, app, "volume:resize", &larger, err) == -1)
		return -1;
	begin(a, w, by, &larger);
	return ask_put(a, bytes, resized, err);
}

static void looked(
    struct ask *ask, const struct frame *f, const struct error *err)
{
	struct volume_ask *a = container_of(ask, struct volume_ask, ask);

	if (!err)
		note_use(a, f);
	a->done(a, err);
}

int volumes_look(struct web *w, const struct app *app, const struct volume *v,
    struct volume_ask *a, struct error *err)
{
	begin(a, w, NULL, v);
	return ask_put(a, v->bytes, looked, err);
}

/* --- destroy -------------------------------------------------------------- */

int volumes_destroy(struct web *w, const struct account *by,
    const struct app *app, const struct volume *v, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);

	if (!tx || store_volume_gone(w->store, v->id, err) == -1 ||
	    audit_volume(w, by, app, "volume:destroy", v, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	applog(
	    w, app->id, "Volume %s destroyed by user %s", v->name, by->email);
	restart(w, app->id);
	tell_gone(w, v->app, v->id);
	return 0;
}

/* --- what plan is told ---------------------------------------------------- */

struct groups {
	struct frame_out *o;
	bool exclusive;
};

static void put_volume(void *arg, const struct volume *v)
{
	struct groups *g = arg;

	frame_put_u64(g->o, F_VOLUME, (uint64_t)v->id);
	frame_put_u64(g->o, F_VOLUME_BYTES, v->bytes);
	frame_put_z(g->o, F_VOLUME_PATH, v->path);
	g->exclusive |= v->exclusive;
}

int volumes_put(
    struct web *w, int64_t app, struct frame_out *o, struct error *err)
{
	struct groups g = {o, false};

	if (store_volume_list(w->store, app, put_volume, &g, err) == -1)
		return -1;
	if (g.exclusive)
		frame_put_u64(o, F_EXCLUSIVE, 1);
	return 0;
}
