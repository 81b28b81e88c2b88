#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/rand.h"
#include "oci.h"
#include "range.h"
#include "root.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* --- removing ------------------------------------------------------------- */

struct removal {
	struct ev_child child;
	struct jail *j;
};

static void removal_gone(struct ev_child *c, int status)
{
	struct removal *r = container_of(c, struct removal, child);

	ev_defer(r->j->ev, free, r);
}

/*
 * A process of its own, since a cache may have a million files. It holds all
 * of jail's sockets, so it ends with it; the next jail empties the rest.
 */
static void empty_trash(struct jail *j, const char *name)
{
	struct removal *r;
	pid_t self = getpid(), pid = fork();

	if (pid == 0) {
		scoped_fd int trash = openat(j->store_dir, "trash", OPEN_DIR);

		end_with_parent(self);
		(void)setpriority(PRIO_PROCESS, 0, 19);
		_exit(trash == -1 || fd_remove_tree(trash, name, NULL) == -1);
	}
	if (pid == -1)
		return; /* at the next start */
	r = xcalloc(1, sizeof(*r));
	r->j = j;
	r->child.gone = removal_gone;
	if (ev_child_add(j->ev, &r->child, pid, NULL) == -1)
		free(r);
}

/* Remove dir/name, however large, without waiting for it. */
static void discard(struct jail *j, int dir, const char *name)
{
	scoped_fd int trash = openat(j->store_dir, "trash", OPEN_DIR);
	char aside[ID_TEXT];

	id_text(rand_u64(), aside);
	if (trash == -1 || renameat(dir, name, trash, aside) == -1) {
		if (errno != ENOENT)
			log_warn("not removed name=%s: %m", name);
		return;
	}
	empty_trash(j, aside);
}

/* --- works ---------------------------------------------------------------- */

static int open_works(struct jail *j, struct error *err)
{
	int fd = openat(j->store_dir, "work", OPEN_DIR);

	return fd == -1 ? error_sys(err, "open the folder of works") : fd;
}

static void work_free(struct jail *j, struct work *w)
{
	range_drop(j, w->app);
	map_del_id(j->works, w->id);
	fd_close(&w->dir);
	free(w);
}

static struct work *work_add(
    struct jail *j, uint64_t id, uint64_t app, uint32_t range, int dir)
{
	struct work *w = xcalloc(1, sizeof(*w));

	*w = (struct work){.id = id, .app = app, .range = range, .dir = dir};
	map_set_id(j->works, id, w);
	return w;
}

static int write_lease(int dir, uint64_t app, uint32_t range, struct error *err)
{
	char text[64];
	int n = snprintf(
	    text, sizeof(text), "%" PRIu64 " %" PRIu32 "\n", app, range);

	return fd_write_file(
	    dir, "lease", str_make(text, (size_t)n), 0600, err);
}

static int read_lease(int dir, uint64_t *ret_app, uint64_t *ret_range)
{
	scoped_buf struct buf text = BUF_INIT(64);
	struct str rest, app;

	if (fd_read_file(dir, "lease", &text, NULL) == -1)
		return -1;
	rest = str_sub(buf_str(&text), 0, text.len ? text.len - 1 : 0);
	return str_split(&rest, ' ', &app) &&
	               str_u64(app, UINT64_MAX, ret_app) &&
	               str_u64(rest, UINT32_MAX, ret_range)
	           ? 0
	           : -1;
}

/* What builds write into out/ is on disk in the store's range. */
static int make_out(int dir, struct error *err)
{
	if (fd_mkdir(dir, "out", 0755, err) == -1)
		return -1;
	if (fchownat(dir, "out", ID_STORE, ID_STORE, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(err, "owner of a work's out folder");
	return 0;
}

int store_work(struct jail *j, uint64_t id, uint64_t app, struct work **ret,
    struct error *err)
{
	scoped_fd int works = -1, dir = -1;
	struct work *w = map_get_id(j->works, id);
	char name[ID_TEXT];
	uint32_t range;

	if (w && w->app != app)
		return error_set(err, ERR_FORBIDDEN, "work of another app");
	if (!w) {
		works = open_works(j, err);
		id_text(id, name);
		if (works == -1 || fd_mkdir(works, name, 0711, err) == -1)
			return -1;
		dir = openat(works, name, OPEN_DIR);
		if (dir == -1)
			return error_sys(err, "open work %s", name);
		if (lease_take(j->ranges, app, &range, err) == -1)
			return -1;
		if (write_lease(dir, app, range, err) == -1 ||
		    make_out(dir, err) == -1) {
			range_drop(j, app);
			return -1;
		}
		w = work_add(j, id, app, range, take_fd(&dir));
	}
	*ret = w;
	return 0;
}

int store_work_upper(
    struct work *w, uint64_t bytes, uint64_t inodes, struct error *err)
{
	if (w->upper)
		return 0;
	if (root_upper(
	        w->dir, "up", bytes, inodes, lease_base(w->range), err) == -1)
		return -1;
	w->upper = true;
	return 0;
}

void store_work_drop(struct jail *j, uint64_t id)
{
	struct work *w = map_get_id(j->works, id);
	scoped_fd int works = -1;
	char name[ID_TEXT];

	if (!w)
		return;
	root_unmount(w->dir, "up");
	work_free(j, w);
	works = open_works(j, NULL);
	id_text(id, name);
	if (works != -1)
		discard(j, works, name);
}

/* A work that an earlier jail made: its lease goes on, or it goes. */
static void find_work(void *arg, int works, const char *name)
{
	struct jail *j = arg;
	scoped_fd int dir = openat(works, name, OPEN_DIR);
	uint64_t id, app, range;
	struct error err = {0};
	struct stat top, up;
	struct work *w;

	if (dir == -1 || !id_parse(str_z(name), &id))
		return;
	if (read_lease(dir, &app, &range) == -1 ||
	    lease_keep(j->ranges, app, (uint32_t)range, &err) == -1) {
		root_unmount(dir, "up");
		discard(j, works, name);
		return;
	}
	w = work_add(j, id, app, (uint32_t)range, take_fd(&dir));
	w->upper = fstat(w->dir, &top) == 0 &&
	           fstatat(w->dir, "up", &up, AT_SYMLINK_NOFOLLOW) == 0 &&
	           top.st_dev != up.st_dev;
}

static void trash_again(void *arg, int dir, const char *name)
{
	empty_trash(arg, name);
}

int store_open(struct jail *j, struct error *err)
{
	scoped_fd int works = open_works(j, err), trash = -1;

	if (works == -1)
		return -1;
	if (fd_mkdir(j->store_dir, "trash", 0700, err) == -1)
		return -1;
	trash = openat(j->store_dir, "trash", OPEN_DIR);
	if (trash == -1)
		return error_sys(err, "open the store's trash");
	fd_each_name(trash, trash_again, j);
	fd_each_name(works, find_work, j);
	return 0;
}

void store_close(struct jail *j)
{
	size_t pos = 0;
	void *w;

	while (map_next(j->works, &pos, NULL, &w)) {
		fd_close(&((struct work *)w)->dir);
		free(w);
	}
}

/* --- caches, apps --------------------------------------------------------- */

static void app_text(uint64_t app, char out[24])
{
	snprintf(out, 24, "%" PRIu64, app);
}

int store_cache(struct jail *j, uint64_t app, struct error *err)
{
	scoped_fd int caches = openat(j->store_dir, "cache", OPEN_DIR);
	char name[24];
	int fd;

	app_text(app, name);
	if (caches == -1)
		return error_sys(err, "open the folder of caches");
	if (fd_mkdir(caches, name, 0755, err) == -1)
		return -1;
	fd = openat(caches, name, OPEN_DIR);
	if (fd == -1 ||
	    fchown(fd, ID_STORE + OCI_UID, ID_STORE + OCI_UID) == -1) {
		(void)error_sys(err, "the cache of app %s", name);
		fd_close(&fd);
	}
	return fd;
}

void store_cache_drop(struct jail *j, uint64_t app)
{
	scoped_fd int caches = openat(j->store_dir, "cache", OPEN_DIR);
	char name[24];

	app_text(app, name);
	if (caches != -1)
		discard(j, caches, name);
}

void store_app_drop(struct jail *j, uint64_t app)
{
	char name[24];

	app_text(app, name);
	store_cache_drop(j, app);
	discard(j, j->logs_dir, name);
}

/* --- layers and blobs ----------------------------------------------------- */

static const char *const places[] = {
    [STORE_LAYER] = "layers", [STORE_BLOB] = "blobs/sha256"};

static int open_place(struct jail *j, enum store_kind kind, struct error *err)
{
	int fd = openat(j->store_dir, places[kind], OPEN_DIR);

	return fd == -1 ? error_sys(err, "open the store's %s", places[kind])
	                : fd;
}

static int stat_kind(
    int dir, const char *name, enum store_kind kind, struct error *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		(void)error_sys(err, "look for %.64s", name);
		if (errno == ENOENT && err)
			err->code = ERR_NOT_FOUND;
		return -1;
	}
	if (kind == STORE_LAYER ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
		return error_set(
		    err, ERR_INVALID, "%.64s is of another kind", name);
	return 0;
}

int store_has(
    struct jail *j, struct str digest, enum store_kind kind, struct error *err)
{
	scoped_fd int place = open_place(j, kind, err);
	char to[65];

	str_copy(digest, to, sizeof(to));
	return place == -1 ? -1 : stat_kind(place, to, kind, err);
}

/*
 * A blob is for everybody to read who may enter the folder, and root's. By the
 * open file and never by its name, which a container that still runs could
 * turn into a link to a file of the host meanwhile.
 */
static int own_blob(int fd, const char *name, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_sys(err, "stat %.64s", name);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return error_set(
		    err, ERR_INVALID, "%.64s is not one file", name);
	if (fchown(fd, 0, 0) == -1 || fchmod(fd, 0444) == -1)
		return error_sys(err, "owner of blob %.64s", name);
	return 0;
}

/* Make what was written durable: its file, or all of its file system. */
static int settle(
    int out, const char *name, enum store_kind kind, struct error *err)
{
	scoped_fd int fd =
	    openat(out, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return error_sys(err, "open %.64s", name);
	if (kind == STORE_BLOB && own_blob(fd, name, err) == -1)
		return -1;
	if ((kind == STORE_LAYER ? syncfs(fd) : fsync(fd)) == -1)
		return error_sys(err, "sync %.64s", name);
	return 0;
}

static int move_in(struct jail *j, int out, const char *name, int place,
    const char *to, enum store_kind kind, struct error *err)
{
	if (stat_kind(place, to, kind, NULL) == 0) {
		discard(j, out, name);
		return 0;
	}
	if (settle(out, name, kind, err) == -1)
		return -1;
	if (renameat(out, name, place, to) == -1)
		return error_sys(err, "move %.64s into the store", name);
	return fsync(place) == -1 ? error_sys(err, "sync the store") : 0;
}

int store_put(struct jail *j, uint64_t work, struct str name, struct str digest,
    enum store_kind kind, struct error *err)
{
	struct work *w = map_get_id(j->works, work);
	scoped_fd int out = -1, place = -1;
	char from[129], to[65];

	if (!w)
		return error_set(err, ERR_NOT_FOUND, "there is no such work");
	str_copy(name, from, sizeof(from));
	str_copy(digest, to, sizeof(to));
	out = openat(w->dir, "out", OPEN_DIR);
	if (out == -1)
		return error_sys(err, "open a work's out folder");
	place = open_place(j, kind, err);
	if (place == -1 || stat_kind(out, from, kind, err) == -1)
		return -1;
	return move_in(j, out, from, place, to, kind, err);
}
