#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "disk.h"
#include "instance.h"
#include "loop.h"
#include "oci.h"
#include "root.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define INODE_EACH 16384 /* bytes of a volume for each of its files */
#define NAME_ROOM 64

/* --- names ---------------------------------------------------------------- */

static void app_name(uint64_t app, char out[NAME_ROOM])
{
	snprintf(out, NAME_ROOM, "%" PRIu64, app);
}

static void mount_name(uint64_t app, uint64_t id, char out[NAME_ROOM])
{
	snprintf(out, NAME_ROOM, "%" PRIu64 "-%" PRIu64, app, id);
}

static int open_app(struct jail *j, uint64_t app, bool make, struct error *err)
{
	char name[NAME_ROOM];
	int fd;

	app_name(app, name);
	if (make && fd_mkdir(j->volumes_dir, name, 0700, err) == -1)
		return -1;
	fd = openat(j->volumes_dir, name, OPEN_DIR);
	return fd == -1 ? error_sys(err, "open the volumes of app %s", name)
	                : fd;
}

/* --- images --------------------------------------------------------------- */

static int make_image(int dir, const char *name, uint64_t bytes, struct jail *j,
    struct error *err)
{
	char part[NAME_ROOM + 8];
	scoped_fd int fd = -1;

	if (disk_room(j, bytes, "A volume of this size", err) == -1)
		return -1;
	snprintf(part, sizeof(part), "%s.part", name);
	(void)unlinkat(dir, part, 0); /* whoever writes in it has another */
	fd = openat(dir, part,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return error_sys(err, "create a volume");
	if (loop_format(fd, bytes, bytes / INODE_EACH, true, err) == -1 ||
	    fd_publish(fd, dir, part, name, err) == -1) {
		(void)unlinkat(dir, part, 0);
		return -1;
	}
	return 0;
}

static int open_image(
    struct jail *j, uint64_t app, const struct volume *v, struct error *err)
{
	scoped_fd int dir = open_app(j, app, true, err);
	char name[NAME_ROOM];
	struct stat st;
	int fd;

	if (dir == -1)
		return -1;
	snprintf(name, sizeof(name), "%" PRIu64, v->id);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 &&
	    make_image(dir, name, v->bytes, j, err) == -1)
		return -1;
	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return fd == -1 ? error_sys(err, "open volume %s", name) : fd;
}

/* --- repairing ------------------------------------------------------------ */

struct repair {
	struct ev_child child;
	struct jail *j;
	uint64_t app, id;
};

static void repair_gone(struct ev_child *c, int status)
{
	struct repair *r = container_of(c, struct repair, child);

	log_info("volume repaired app=%" PRIu64 " volume=%" PRIu64 " status=%d",
	    r->app, r->id, status);
	ev_defer(r->j->ev, free, r);
}

static int being_repaired(struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE,
	    "a volume of this app is being repaired, since the server ended "
	    "while it was written: what needs it starts when that is done");
}

/* e2fsck has the image's lock with its descriptor, for as long as it lives. */
static int repair(
    struct jail *j, uint64_t app, uint64_t id, int image, struct error *err)
{
	struct repair *r = xcalloc(1, sizeof(*r));

	*r = (struct repair){
	    .j = j, .app = app, .id = id, .child.gone = repair_gone};
	r->child.io.fd = -1;
	log_warn("volume is repaired app=%" PRIu64 " volume=%" PRIu64, app, id);
	if (loop_repair(j->ev, &r->child, image, err) == -1) {
		free(r);
		return -1;
	}
	return being_repaired(err);
}

/* --- mounting ------------------------------------------------------------- */

/* The top folder of what is mounted there; -1: nothing is. */
static int open_mounted(struct jail *j, const char *name)
{
	scoped_fd int fd = openat(j->mounts_dir, name, OPEN_DIR);
	struct stat top, st;

	if (fd == -1 || fstat(fd, &st) == -1 ||
	    fstat(j->mounts_dir, &top) == -1 || top.st_dev == st.st_dev)
		return -1;
	return take_fd(&fd);
}

/* As large as it is to be, before anybody has it mounted. */
static int grow_unused(
    struct jail *j, int image, uint64_t bytes, struct error *err)
{
	struct stat st;

	if (fstat(image, &st) == -1)
		return error_sys(err, "look at a volume");
	if ((uint64_t)st.st_size < bytes) {
		if (disk_room(j, bytes - (uint64_t)st.st_size,
		        "What this volume grows by", err) == -1)
			return -1;
		if (ftruncate(image, (off_t)bytes) == -1)
			return error_sys(err, "grow a volume");
	}
	return loop_is_smaller(image) ? loop_grow_unused(image, err) : 0;
}

static int grow_mounted(
    struct jail *j, int image, int top, uint64_t bytes, struct error *err)
{
	struct stat st;

	if (fstat(image, &st) == -1)
		return error_sys(err, "look at a volume");
	if ((uint64_t)st.st_size >= bytes)
		return 0;
	if (disk_room(j, bytes - (uint64_t)st.st_size,
	        "What this volume grows by", err) == -1)
		return -1;
	if (loop_grow(image, top, bytes, err) == 0)
		return 0;
	if (err && err->code == ERR_FORBIDDEN)
		return error_set(err, ERR_FORBIDDEN,
		    "this server can't grow a volume while it is in use: scale "
		    "the app's processes to 0, resize it, and scale them up "
		    "again");
	return -1;
}

/* The folder that apps see, made once; lost+found stays out of their sight. */
static int make_inner(int top, struct error *err)
{
	struct stat st;

	if (fstatat(top, "d", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (fd_mkdir(top, "d.new", 0755, err) == -1)
		return -1;
	if (fchownat(top, "d.new", ID_STORE + OCI_UID, ID_STORE + OCI_UID,
	        AT_SYMLINK_NOFOLLOW) == -1 ||
	    renameat(top, "d.new", top, "d") == -1)
		return error_sys(err, "make a volume's folder");
	return 0;
}

static int mount_image(
    struct jail *j, int image, const char *name, struct error *err)
{
	scoped_fd int mount = loop_mount(image, err), top = -1;

	if (mount == -1)
		return error_wrap(err, "a volume");
	top = openat(mount, ".", OPEN_DIR);
	if (top == -1)
		return error_sys(err, "open a volume");
	if (make_inner(top, err) == -1 ||
	    fd_mkdir(j->mounts_dir, name, 0700, err) == -1)
		return -1;
	if (move_mount(
	        mount, "", j->mounts_dir, name, MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return error_sys(err, "mount a volume");
	return take_fd(&top);
}

static int mount_volume(struct jail *j, uint64_t app, const struct volume *v,
    int image, const char *name, struct error *err)
{
	if (flock(image, LOCK_EX | LOCK_NB) == -1)
		return errno == EWOULDBLOCK ? being_repaired(err)
		                            : error_sys(err, "lock a volume");
	if (loop_is_damaged(image))
		return repair(j, app, v->id, image, err);
	if (grow_unused(j, image, v->bytes, err) == -1)
		return -1;
	/* The device keeps this descriptor. */
	(void)flock(image, LOCK_UN);
	return mount_image(j, image, name, err);
}

int volume_open(
    struct jail *j, uint64_t app, const struct volume *v, struct error *err)
{
	scoped_fd int image = open_image(j, app, v, err), top = -1;
	char name[NAME_ROOM];
	int fd;

	if (image == -1)
		return -1;
	mount_name(app, v->id, name);
	top = open_mounted(j, name);
	if (top == -1)
		top = mount_volume(j, app, v, image, name, err);
	else if (grow_mounted(j, image, top, v->bytes, err) == -1)
		return -1;
	if (top == -1)
		return -1;
	fd = openat(top, "d", OPEN_DIR);
	return fd == -1 ? error_sys(err, "open a volume's folder") : fd;
}

int volumes_share(struct jail *j, uint64_t app, int folder,
    const struct volume *v, size_t n, int userns, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		scoped_fd int fd = volume_open(j, app, &v[i], err);
		char name[24];

		snprintf(name, sizeof(name), "v%zu", i);
		if (fd == -1 ||
		    root_share(folder, name, fd, userns, false, err) == -1)
			return -1;
	}
	return 0;
}

/* --- letting go ----------------------------------------------------------- */

static bool is_used(
    const struct jail *j, uint64_t app, const struct instance *except)
{
	size_t pos = 0;
	void *value;

	while (map_next(j->instances, &pos, NULL, &value)) {
		const struct instance *in = value;

		if (in != except && in->r.app == app &&
		    in->state != INSTANCE_EXITED)
			return true;
	}
	return false;
}

static bool parse_mount(const char *name, uint64_t *ret_app, uint64_t *ret_id)
{
	struct str rest = str_z(name), app;

	return str_split(&rest, '-', &app) && rest.p &&
	       str_u64(app, UINT64_MAX, ret_app) &&
	       str_u64(rest, UINT64_MAX, ret_id);
}

static bool has_image(struct jail *j, uint64_t app, uint64_t id)
{
	char path[2 * NAME_ROOM];

	snprintf(path, sizeof(path), "%" PRIu64 "/%" PRIu64, app, id);
	return faccessat(j->volumes_dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Not by force: an instance that starts may have it meanwhile. */
static void unmount(struct jail *j, const char *name, int flags)
{
	char path[64 + NAME_ROOM];

	snprintf(
	    path, sizeof(path), "/proc/self/fd/%d/%s", j->mounts_dir, name);
	while (umount2(path, flags | UMOUNT_NOFOLLOW) == 0)
		;
	(void)unlinkat(j->mounts_dir, name, AT_REMOVEDIR);
}

struct of_app {
	struct jail *j;
	uint64_t app;
};

static void unmount_app(void *arg, int dir, const char *name)
{
	const struct of_app *of = arg;
	uint64_t app, id;

	if (parse_mount(name, &app, &id) && app == of->app)
		unmount(of->j, name, 0);
}

void volumes_idle(struct jail *j, uint64_t app, const struct instance *except)
{
	if (!is_used(j, app, except))
		fd_each_name(
		    j->mounts_dir, unmount_app, &(struct of_app){j, app});
}

int volume_drop(struct jail *j, uint64_t app, uint64_t id, struct error *err)
{
	scoped_fd int dir = open_app(j, app, true, err);
	char name[NAME_ROOM];

	if (dir == -1)
		return -1;
	snprintf(name, sizeof(name), "%" PRIu64, id);
	if (unlinkat(dir, name, 0) == -1 && errno != ENOENT)
		return error_sys(err, "remove volume %s", name);
	if (fsync(dir) == -1)
		return error_sys(err, "remove volume %s", name);
	mount_name(app, id, name);
	unmount(j, name, MNT_DETACH);
	return 0;
}

static void detach_app(void *arg, int dir, const char *name)
{
	const struct of_app *of = arg;
	uint64_t app, id;

	if (parse_mount(name, &app, &id) && app == of->app)
		unmount(of->j, name, MNT_DETACH);
}

void volumes_app_drop(struct jail *j, uint64_t app)
{
	struct error err = {0};
	char name[NAME_ROOM];

	app_name(app, name);
	if (fd_remove_tree(j->volumes_dir, name, &err) == -1)
		log_error("volumes stay app=%s: %s", name, err.msg);
	fd_each_name(j->mounts_dir, detach_app, &(struct of_app){j, app});
}

/* --- at start ------------------------------------------------------------- */

static void sweep_mount(void *arg, int dir, const char *name)
{
	struct jail *j = arg;
	uint64_t app, id;

	if (!parse_mount(name, &app, &id) || !has_image(j, app, id))
		unmount(j, name, MNT_DETACH);
	else if (!is_used(j, app, NULL))
		unmount(j, name, 0);
}

static void sweep_image(void *arg, int dir, const char *name)
{
	if (str_ends(str_z(name), STR(".part")))
		(void)unlinkat(dir, name, 0);
}

static void sweep_app(void *arg, int dir, const char *name)
{
	scoped_fd int images = openat(dir, name, OPEN_DIR);

	if (images != -1)
		fd_each_name(images, sweep_image, NULL);
}

void volumes_sweep(struct jail *j)
{
	fd_each_name(j->mounts_dir, sweep_mount, j);
	fd_each_name(j->volumes_dir, sweep_app, j);
}

/* --- frames --------------------------------------------------------------- */

int volume_put(struct jail *j, const struct frame *f, struct frame_out *o,
    struct error *err)
{
	uint64_t app = frame_u64(f, F_APP);
	const struct volume v = {.id = frame_u64(f, F_VOLUME),
	    .bytes = frame_u64(f, F_VOLUME_BYTES)};
	scoped_fd int fd = volume_open(j, app, &v, err);
	struct statvfs fs;

	if (fd == -1 || fstatvfs(fd, &fs) == -1) {
		volumes_idle(j, app, NULL);
		return fd == -1 ? -1 : error_sys(err, "look at a volume");
	}
	frame_put_u64(
	    o, F_BYTES, (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize);
	frame_put_u64(o, F_FILES, fs.f_files - fs.f_ffree);
	fd_close(&fd);
	volumes_idle(j, app, NULL);
	return 0;
}
