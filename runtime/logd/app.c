/*
 * app - the table of apps: their folders, logd's own streams in them, the
 * watch that wakes followers, and the removal of what is too old.
 */
#include "logd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "drain.h"
#include "trim.h"

#define DIRS_MAX 128 /* app folders held open; then all are closed */
#define NOTIFY_BUF 16384

static const struct {
	const char *name;
	uint64_t rate, burst; /* lines a second, at once */
} own_streams[OWN_N] = {
    [OWN_PLATFORM] = {OWN_PREFIX "platform", 100, 1000},
    [OWN_ROUTER] = {OWN_PREFIX "router", 2000, 10000},
};

static void app_path(const struct app_log *a, char *out, size_t n)
{
	snprintf(out, n, "%s/logs/%" PRIu64, a->d->settings->state, a->id);
}

/* Close an app's files; the next use opens them again. */
static void app_rest(struct app_log *a)
{
	for (int i = 0; i < OWN_N; i++)
		writer_rest(&a->own[i]);
	if (a->dir == -1)
		return;
	fd_close(&a->dir);
	a->d->open_dirs--;
}

static void rest_all(struct logd *d)
{
	size_t pos = 0;
	void *a;

	while (map_next(d->apps, &pos, NULL, &a))
		app_rest(a);
}

int app_dir(struct app_log *a)
{
	char path[300];
	int fd;

	if (a->dir != -1)
		return a->dir;
	app_path(a, path, sizeof(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (a->d->open_dirs == DIRS_MAX)
		rest_all(a->d);
	a->d->open_dirs++;
	a->dir = fd;
	return fd;
}

/* Lines that wait go to the app's folder, if there is one. */
static void app_move(struct app_log *a)
{
	struct error err = {0};

	for (int i = 0; i < OWN_N; i++)
		if (writer_wake(&a->own[i], &err) == -1 ||
		    (app_dir(a) != -1 &&
		        writer_spill(&a->own[i], app_dir(a), &err) == -1))
			log_warn("lines wait for their folder app=%" PRIu64
			         ": %s",
			    a->id, err.msg);
}

struct app_log *app_get(struct logd *d, uint64_t id)
{
	struct app_log *a = map_get_id(d->apps, id);

	if (a)
		return a;
	a = xcalloc(1, sizeof(*a));
	*a = (struct app_log){.d = d, .id = id, .dir = -1, .watch = -1};
	for (int i = 0; i < OWN_N; i++)
		writer_init(&a->own[i], own_streams[i].name, &d->limits[i]);
	for (int i = 0; i < OWN_N; i++)
		writer_wait_in(&a->own[i], d->own_dir, id);
	list_init(&a->followers);
	list_init(&a->drains);
	map_set_id(d->apps, id, a);
	app_watch(a);
	app_move(a);
	return a;
}

static void app_unwatch(struct app_log *a)
{
	if (a->watch == -1)
		return;
	(void)inotify_rm_watch(a->d->notify.fd, a->watch);
	(void)map_del_id(a->d->watches, (uint64_t)a->watch);
	a->watch = -1;
}

static void app_free(struct app_log *a)
{
	follow_end_all(a);
	app_unwatch(a);
	app_rest(a);
	for (int i = 0; i < OWN_N; i++)
		writer_release(&a->own[i]);
	free(a);
}

void app_watch(struct app_log *a)
{
	bool all = !list_empty(&a->followers) || !list_empty(&a->drains);
	uint32_t mask = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
	char path[300];

	app_path(a, path, sizeof(path));
	/* Of a folder that is watched this changes what for. */
	a->watch = inotify_add_watch(
	    a->d->notify.fd, path, all ? mask | IN_MODIFY : mask);
	if (a->watch != -1)
		map_set_id(a->d->watches, (uint64_t)a->watch, a);
}

int app_memory(void *arg, const char *name)
{
	struct app_log *a = arg;

	for (int i = 0; i < OWN_N; i++)
		if (a->own[i].memory && strcmp(a->own[i].name, name) == 0)
			return a->own[i].fd;
	return -1;
}

/* --- writing -------------------------------------------------------------- */

/* This segment has grown; NULL: any may have. */
static void grown(struct app_log *a, const struct seg *seg)
{
	follow_grown(a, seg);
	drains_grown(a, seg);
}

void logd_write(
    struct logd *d, uint64_t app, bool router, struct origin o, struct str text)
{
	struct app_log *a = app_get(d, app);
	struct writer *w = &a->own[router ? OWN_ROUTER : OWN_PLATFORM];
	struct error err = {0};
	bool quiet = w->dropped > 0;

	if (writer_add(w, app_dir(a), clock_real_us(), clock_mono_ms(), o, text,
	        &err) == -1 &&
	    !quiet)
		log_warn("log line dropped app=%" PRIu64 ": %s", app, err.msg);
	if (w->memory) {
		struct seg seg = {0};

		snprintf(seg.name, sizeof(seg.name), "%s", w->name);
		grown(a, &seg);
	}
}

void logd_drop(struct logd *d, uint64_t app)
{
	struct app_log *a = app_get(d, app);

	for (int i = 0; i < OWN_N; i++)
		writer_drop(&a->own[i], app_dir(a));
	drains_drop_all(a);
	map_del_id(d->apps, app);
	app_free(a);
}

/* --- watching ------------------------------------------------------------- */

/* The app's folder has come, or its rights have changed. */
static void folder_came(struct logd *d, const char *name)
{
	struct app_log *a;
	uint64_t id;

	if (!str_u64(str_z(name), UINT64_MAX, &id))
		return;
	a = app_get(d, id);
	if (app_dir(a) == -1)
		return;
	app_move(a);
	app_watch(a);
	grown(a, NULL);
}

/* Events were lost: anything may have happened. */
static void all_grown(struct logd *d)
{
	size_t pos = 0;
	void *a;

	while (map_next(d->apps, &pos, NULL, &a))
		grown(a, NULL);
	trim_want(d, NULL);
}

static void on_event(struct logd *d, const struct inotify_event *e)
{
	struct app_log *a;
	struct seg seg;

	if (e->mask & IN_Q_OVERFLOW) {
		all_grown(d);
		return;
	}
	if (e->wd == d->root_watch) {
		if (e->len)
			folder_came(d, e->name);
		return;
	}
	a = map_get_id(d->watches, (uint64_t)e->wd);
	if (!a)
		return;
	if (e->mask & IN_IGNORED) { /* the folder was removed */
		(void)map_del_id(d->watches, (uint64_t)e->wd);
		a->watch = -1;
		return;
	}
	if (!e->len || !seg_parse(str_z(e->name), &seg))
		return;
	grown(a, &seg);
	if (e->mask & IN_CREATE)
		trim_want(d, a);
}

static void notify_ready(struct ev_io *io, unsigned events)
{
	struct logd *d = container_of(io, struct logd, notify);
	_Alignas(struct inotify_event) char mem[NOTIFY_BUF];
	ssize_t got = read(io->fd, mem, sizeof(mem));

	for (ssize_t at = 0; at < got;) {
		const struct inotify_event *e = (void *)(mem + at);

		on_event(d, e);
		at += (ssize_t)sizeof(*e) + e->len;
	}
}

static int watch_root(struct logd *d, struct error *err)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/logs", d->settings->state);
	d->notify = (struct ev_io){.ready = notify_ready};
	d->notify.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (d->notify.fd == -1)
		return error_sys(err, "watch the log folders");
	d->root_watch = inotify_add_watch(d->notify.fd, path,
	    IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR);
	if (d->root_watch == -1)
		return error_sys(err, "watch %s", path);
	return ev_io_add(d->ev, &d->notify, EV_READ, err);
}

/* The apps that have folders, so that what they keep is bounded. */
static void find_apps(struct logd *d)
{
	char path[300];
	struct dirent *e;
	uint64_t id;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/logs", d->settings->state);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (str_u64(str_z(e->d_name), UINT64_MAX, &id))
			(void)app_get(d, id);
	if (dir)
		closedir(dir);
}

static int open_own(struct logd *d, struct error *err)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/logd", d->settings->state);
	d->own_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return d->own_dir == -1 ? error_sys(err, "open %s", path) : 0;
}

int logd_init(struct logd *d, struct ev *ev, const struct settings *settings,
    struct error *err)
{
	*d = (struct logd){.ev = ev, .settings = settings};
	d->notify.fd = d->own_dir = -1;
	d->apps = map_new();
	d->watches = map_new();
	d->drains = map_new();
	for (int i = 0; i < OWN_N; i++)
		d->limits[i] = (struct writer_limits){
		    .segment_bytes = settings->log_segment_bytes,
		    .segments = settings->log_segments,
		    .rate = own_streams[i].rate,
		    .burst = own_streams[i].burst};
	if (open_own(d, err) == -1 || watch_root(d, err) == -1)
		return -1;
	find_apps(d);
	trim_init(d);
	return 0;
}

void logd_release(struct logd *d)
{
	size_t pos = 0;
	void *a;

	trim_release(d);
	drains_release(d);
	link_release(d);
	while (map_next(d->apps, &pos, NULL, &a))
		app_free(a);
	map_free(d->apps);
	map_free(d->watches);
	map_free(d->drains);
	ev_io_del(&d->notify);
	fd_close(&d->notify.fd);
	fd_close(&d->own_dir);
}
