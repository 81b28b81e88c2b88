#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "lease.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define MOUNTS_MAX (8u << 20) /* bytes of /proc/self/mounts */
#define ATTR_SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* --- user namespaces ------------------------------------------------------ */

static int write_map(
    pid_t pid, const char *file, uint32_t base, struct error *err)
{
	char path[48], text[64];
	scoped_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	snprintf(
	    text, sizeof(text), "%u %" PRIu32 " %u", ID_STORE, base, ID_RANGE);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		return error_sys(err, "write %s", path);
	return 0;
}

static int open_ns(pid_t pid, struct error *err)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd == -1 ? error_sys(err, "open %s", path) : fd;
}

void end_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(1);
}

/* A namespace is made by a process; this one lives until it is held open. */
int root_userns(uint32_t base, struct error *err)
{
	pid_t self = getpid();
	pid_t pid = (pid_t)syscall(
	    SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	int fd = -1;

	if (pid == -1)
		return error_sys(err, "make a user namespace");
	if (pid == 0) {
		end_with_parent(self);
		for (;;)
			(void)pause();
	}
	if (write_map(pid, "uid_map", base, err) == 0 &&
	    write_map(pid, "gid_map", base, err) == 0)
		fd = open_ns(pid, err);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return fd;
}

/* --- mounts --------------------------------------------------------------- */

static int attach(int mount, int dir, const char *name, struct error *err)
{
	if (move_mount(mount, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return error_sys(err, "mount on %s", name);
	return 0;
}

static int option(int fs, const char *key, uint64_t value, struct error *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	if (fsconfig(fs, FSCONFIG_SET_STRING, key, text, 0) == -1)
		return error_sys(err, "tmpfs %s=%s", key, text);
	return 0;
}

/* A fresh tmpfs on dir/name; its top folder has this mode and owner. */
static int mount_tmpfs(int dir, const char *name, uint64_t bytes,
    uint64_t inodes, uint32_t owner, struct error *err)
{
	scoped_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	scoped_fd int mount = -1;

	if (fs == -1)
		return error_sys(err, "tmpfs");
	if (option(fs, "size", bytes, err) == -1 ||
	    option(fs, "nr_inodes", inodes, err) == -1 ||
	    option(fs, "uid", owner, err) == -1 ||
	    option(fs, "gid", owner, err) == -1)
		return -1;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) == -1 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == -1)
		return error_sys(err, "make a tmpfs");
	mount = fsmount(fs, FSMOUNT_CLOEXEC, ATTR_SAFE);
	if (mount == -1)
		return error_sys(err, "make a tmpfs");
	return attach(mount, dir, name, err);
}

static int owned_folder(
    int dir, const char *name, uint32_t owner, struct error *err)
{
	if (mkdirat(dir, name, 0755) == -1 && errno != EEXIST)
		return error_sys(err, "make folder %s", name);
	if (fchownat(dir, name, owner, owner, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(err, "owner of folder %s", name);
	return 0;
}

int root_upper(int dir, const char *name, uint64_t bytes, uint64_t inodes,
    uint32_t base, struct error *err)
{
	if (fd_mkdir(dir, name, 0700, err) == -1 ||
	    mount_tmpfs(dir, name, bytes, inodes, 0, err) == -1)
		return -1;
	return root_upper_folders(dir, name, base, err);
}

int root_upper_folders(
    int dir, const char *name, uint32_t base, struct error *err)
{
	scoped_fd int top = openat(dir, name, OPEN_DIR);

	if (top == -1)
		return error_sys(err, "open folder %s", name);
	if (owned_folder(top, "u", base, err) == -1 ||
	    owned_folder(top, "w", 0, err) == -1)
		return -1;
	return 0;
}

int root_empty(int folder, uint64_t bytes, uint32_t base, struct error *err)
{
	if (fd_mkdir(folder, "root", 0755, err) == -1)
		return -1;
	return mount_tmpfs(folder, "root", bytes, 4096, base, err);
}

/* A clone of what is open, with these attributes, on dir/name. */
static int mount_clone(int dir, const char *name, int from, int userns,
    uint64_t attrs, struct error *err)
{
	struct mount_attr attr = {
	    .attr_set = attrs | ATTR_SAFE, .propagation = MS_PRIVATE};
	scoped_fd int mount = open_tree(
	    from, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (mount == -1)
		return error_sys(err, "clone the mount for %s", name);
	if (userns != -1) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)userns;
	}
	if (mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == -1)
		return error_sys(err, "id-map the mount for %s", name);
	return attach(mount, dir, name, err);
}

/* --- the overlay ---------------------------------------------------------- */

static int mount_layer(
    int places, size_t i, const struct root_layers *l, struct error *err)
{
	char name[24], digest[65];
	scoped_fd int layer = -1;

	snprintf(name, sizeof(name), "%zu", i);
	str_copy(l->digests[i], digest, sizeof(digest));
	layer = openat(l->store, digest, OPEN_DIR | O_PATH);
	if (layer == -1)
		return error_sys(
		    err, "layer %.12s is not in the store", digest);
	if (fd_mkdir(places, name, 0755, err) == -1)
		return -1;
	return mount_clone(
	    places, name, layer, l->userns, MOUNT_ATTR_RDONLY, err);
}

/* The overlay has clones of its own by now. */
static void unmount_layers(int places, size_t n)
{
	char name[24];

	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		root_unmount(places, name);
		(void)unlinkat(places, name, AT_REMOVEDIR);
	}
}

/*
 * One mount call with short paths, relative to the folder: mount(2) takes a
 * page of options. jail has one thread, so its folder is nobody else's.
 */
static int mount_overlay(
    int folder, size_t n, const char *upper, struct error *err)
{
	scoped_buf struct buf options = BUF_INIT(4095);
	int done;

	buf_addz(&options, "lowerdir=");
	for (size_t i = n; i-- > 0;)
		buf_addf(&options, "%sl/%zu", i == n - 1 ? "" : ":", i);
	buf_addf(&options, ",upperdir=%s/u,workdir=%s/w", upper, upper);
	if (options.bad)
		return error_set(err, ERR_LIMIT, "%zu layers are too many", n);
	if (fchdir(folder) == -1)
		return error_sys(err, "enter the instance's folder");
	done = mount("overlay", "root", "overlay", MS_NOSUID | MS_NODEV,
	    buf_z(&options));
	if (done == -1)
		(void)error_sys(err, "mount the overlay");
	if (chdir("/") == -1)
		abort();
	return done;
}

int root_overlay(int folder, const struct root_layers *layers,
    const char *upper, struct error *err)
{
	scoped_fd int places = -1;
	size_t n = 0;
	int done = 0;

	if (layers->n == 0 || layers->n > ROOT_LAYERS_MAX)
		return error_set(err, ERR_LIMIT,
		    "an image of %zu layers; 1 to %d are possible", layers->n,
		    ROOT_LAYERS_MAX);
	if (fd_mkdir(folder, "l", 0700, err) == -1 ||
	    fd_mkdir(folder, "root", 0755, err) == -1)
		return -1;
	places = openat(folder, "l", OPEN_DIR);
	if (places == -1)
		return error_sys(err, "open the layers' folder");
	while (done == 0 && n < layers->n)
		done = mount_layer(places, n++, layers, err);
	if (done == 0)
		done = mount_overlay(folder, layers->n, upper, err);
	unmount_layers(places, n);
	(void)unlinkat(folder, "l", AT_REMOVEDIR);
	return done;
}

/* --- sharing -------------------------------------------------------------- */

int root_share(int folder, const char *name, int from, int userns,
    bool readonly, struct error *err)
{
	scoped_fd int places = -1;

	if (fd_mkdir(folder, "m", 0711, err) == -1)
		return -1;
	places = openat(folder, "m", OPEN_DIR);
	if (places == -1)
		return error_sys(err, "open the mounts' folder");
	if (fd_mkdir(places, name, 0755, err) == -1)
		return -1;
	return mount_clone(
	    places, name, from, userns, readonly ? MOUNT_ATTR_RDONLY : 0, err);
}

int root_bind(
    int dir, const char *name, int from, bool readonly, struct error *err)
{
	struct stat st;
	scoped_fd int file = -1;

	if (fstat(from, &st) == -1)
		return error_sys(err, "stat %s", name);
	if (S_ISDIR(st.st_mode)) {
		if (fd_mkdir(dir, name, 0755, err) == -1)
			return -1;
	} else {
		file = openat(dir, name,
		    O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (file == -1)
			return error_sys(err, "create %s", name);
	}
	return mount_clone(
	    dir, name, from, -1, readonly ? MOUNT_ATTR_RDONLY : 0, err);
}

/* --- taking back ---------------------------------------------------------- */

void root_unmount(int dir, const char *name)
{
	char path[320];
	int n = snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);

	if (n < (int)sizeof(path))
		while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			;
}

void root_undo(int folder)
{
	scoped_fd int shared = openat(folder, "m", OPEN_DIR);
	scoped_fd int places = openat(folder, "l", OPEN_DIR);
	static const char *const names[] = {"out", "cache", "upper"};
	char name[24];

	root_unmount(folder, "root");
	root_unmount(folder, "u");
	if (places != -1) /* jail was killed before it had the overlay */
		unmount_layers(places, ROOT_LAYERS_MAX);
	for (size_t i = 0; shared != -1 && i < NELEM(names); i++)
		root_unmount(shared, names[i]);
	for (size_t i = 0; shared != -1 && i < ROOT_VOLUMES_MAX; i++) {
		snprintf(name, sizeof(name), "v%zu", i);
		root_unmount(shared, name);
	}
}

/* "\\040" and the like in a path of /proc/self/mounts. */
static size_t unescape(struct str s, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < size - 1; i++) {
		if (s.p[i] == '\\' && i + 3 < s.len) {
			out[n++] = (char)((s.p[i + 1] - '0') << 6 |
			                  (s.p[i + 2] - '0') << 3 |
			                  (s.p[i + 3] - '0'));
			i += 3;
		} else {
			out[n++] = s.p[i];
		}
	}
	out[n] = '\0';
	return n;
}

static bool is_below(struct str path, struct str top)
{
	return str_starts(path, top) &&
	       (path.len == top.len || path.p[top.len] == '/');
}

/* The newest first: what is mounted on a mount goes before it. */
void root_unmount_below(const char *top)
{
	scoped_buf struct buf mounts = BUF_INIT(MOUNTS_MAX);
	scoped_fd int fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
	size_t end;

	if (fd == -1 || buf_read_all(&mounts, fd, NULL) == -1)
		return;
	for (end = mounts.len; end > 0;) {
		size_t start = end - 1;
		struct str line, device, path;
		char text[4096];
		size_t n;

		while (start > 0 && mounts.p[start - 1] != '\n')
			start--;
		line = str_make(mounts.p + start, end - 1 - start);
		end = start;
		(void)str_split(&line, ' ', &device);
		(void)str_split(&line, ' ', &path);
		n = unescape(path, text, sizeof(text));
		if (is_below(str_make(text, n), str_z(top)))
			(void)umount2(text, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
}
