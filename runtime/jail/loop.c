#include "loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "lease.h"
#include "proc/spawn.h"

#define TOOL_ID (ID_STORE + ID_RANGE - 2) /* nobody, in the store's range */
#define TOOL_FD 3
#define TOOL_PATH "/proc/self/fd/3"
#define TRIES 32 /* for a device that others take, too */
#define BLOCK 4096
#define LOOP_MAJOR 7

/* Of ext4's superblock, which starts at 1024. */
#define SUPER_BLOCKS 1028
#define SUPER_MAGIC 1080
#define SUPER_STATE 1082
#define EXT4_MAGIC 0xef53
#define STATE_ERRORS 2
#define EXT4_RESIZE _IOW('f', 16, uint64_t) /* EXT4_IOC_RESIZE_FS */

/* All of them, so that the host's mke2fs.conf has no say. */
#define FEATURES                                                               \
	"none,extent,sparse_super,filetype,dir_index,large_file,huge_file,"    \
	"flex_bg,metadata_csum"

/* --- tools ---------------------------------------------------------------- */

struct tool {
	const char *name, *places[2];
};
static const struct tool tools[] = {
    {"mke2fs", {"/usr/sbin/mke2fs", "/sbin/mke2fs"}},
    {"e2fsck", {"/usr/sbin/e2fsck", "/sbin/e2fsck"}},
    {"resize2fs", {"/usr/sbin/resize2fs", "/sbin/resize2fs"}},
};

static const char *find_tool(const char *name, struct error *err)
{
	for (size_t i = 0; i < NELEM(tools); i++) {
		if (strcmp(tools[i].name, name) != 0)
			continue;
		for (size_t p = 0; p < NELEM(tools[i].places); p++)
			if (access(tools[i].places[p], X_OK) == 0)
				return tools[i].places[p];
	}
	(void)error_set(err, ERR_NOT_FOUND,
	    "%s is not installed: apt-get install e2fsprogs", name);
	return NULL;
}

/* In the child: it can reach the image, and nothing of anybody's. */
static int become_nobody(void *arg, struct error *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    setgroups(0, NULL) == -1 ||
	    setresgid(TOOL_ID, TOOL_ID, TOOL_ID) == -1 ||
	    setresuid(TOOL_ID, TOOL_ID, TOOL_ID) == -1)
		return error_sys(err, "become the user of disk tools");
	return 0;
}

static const char *const tool_env[] = {
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL};

static int run_tool(const char *const *argv, int image, struct error *err)
{
	const struct spawn_fd fds[] = {{image, TOOL_FD}};

	return spawn_wait(&(struct spawn){.argv = argv,
	                      .env = tool_env,
	                      .fds = fds,
	                      .nfds = 1,
	                      .child = become_nobody},
	    err);
}

int loop_format(
    int image, uint64_t bytes, uint64_t inodes, bool journal, struct error *err)
{
	char count[24];
	const char *const argv[] = {find_tool("mke2fs", err), "-q", "-F", "-t",
	    "ext4", "-b", "4096", "-I", "256", "-m", "0", "-N", count, "-O",
	    journal ? FEATURES ",resize_inode,has_journal" : FEATURES, "-E",
	    "lazy_itable_init=1,nodiscard,root_owner=0:0", TOOL_PATH, NULL};

	if (!argv[0])
		return -1;
	snprintf(count, sizeof(count), "%" PRIu64, inodes);
	if (ftruncate(image, (off_t)bytes) == -1 ||
	    fchown(image, TOOL_ID, TOOL_ID) == -1)
		return error_sys(
		    err, "make a disk of %" PRIu64 " bytes", bytes);
	return run_tool(argv, image, err) == -1
	           ? error_wrap(err, "make a file system")
	           : 0;
}

int loop_grow_unused(int image, struct error *err)
{
	const char *const argv[] = {
	    find_tool("resize2fs", err), "-f", TOOL_PATH, NULL};

	if (!argv[0])
		return -1;
	return run_tool(argv, image, err) == -1
	           ? error_wrap(err, "grow a file system")
	           : 0;
}

bool loop_is_damaged(int image)
{
	unsigned char b[4];

	return pread(image, b, sizeof(b), SUPER_MAGIC) == sizeof(b) &&
	       (b[0] | b[1] << 8) == EXT4_MAGIC &&
	       (b[SUPER_STATE - SUPER_MAGIC] & STATE_ERRORS);
}

bool loop_is_smaller(int image)
{
	unsigned char b[4];
	struct stat st;
	uint64_t blocks;

	if (pread(image, b, sizeof(b), SUPER_BLOCKS) != sizeof(b) ||
	    fstat(image, &st) == -1)
		return false;
	blocks = b[0] | b[1] << 8 | b[2] << 16 | (uint64_t)b[3] << 24;
	return (blocks + 1) * BLOCK <= (uint64_t)st.st_size;
}

int loop_repair(struct ev *ev, struct ev_child *c, int image, struct error *err)
{
	const struct spawn_fd fds[] = {{image, TOOL_FD}};
	const char *const argv[] = {
	    find_tool("e2fsck", err), "-f", "-y", TOOL_PATH, NULL};
	pid_t pid;

	if (!argv[0])
		return -1;
	pid = spawn(&(struct spawn){.argv = argv,
	                .env = tool_env,
	                .fds = fds,
	                .nfds = 1,
	                .child = become_nobody},
	    err);
	return pid == -1 ? -1 : ev_child_add(ev, c, pid, err);
}

/* --- devices -------------------------------------------------------------- */

/* /dev/loopN; its node may be missing where nothing makes nodes. */
static int open_device(unsigned n, char path[32])
{
	int fd;

	snprintf(path, 32, "/dev/loop%u", n);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT &&
	    mknod(path, S_IFBLK | 0660, makedev(LOOP_MAJOR, n)) == 0)
		fd = open(path, O_RDWR | O_CLOEXEC);
	return fd;
}

static bool holds(int device, const struct stat *image)
{
	struct loop_info64 info;

	return ioctl(device, LOOP_GET_STATUS64, &info) == 0 &&
	       info.lo_inode == image->st_ino &&
	       info.lo_device == image->st_dev;
}

/* The device that has the image already, or -1. */
static int find_device(int image, char path[32])
{
	DIR *d = opendir("/sys/block");
	struct dirent *e;
	struct stat st;
	int found = -1;

	if (!d || fstat(image, &st) == -1) {
		if (d)
			closedir(d);
		return -1;
	}
	while (found == -1 && (e = readdir(d))) {
		char file[300];
		uint64_t n;

		if (strncmp(e->d_name, "loop", 4) != 0 ||
		    !str_u64(str_z(e->d_name + 4), 1u << 20, &n))
			continue;
		snprintf(file, sizeof(file), "/sys/block/%s/loop/backing_file",
		    e->d_name);
		if (access(file, F_OK) == -1)
			continue;
		found = open_device((unsigned)n, path);
		if (found != -1 && !holds(found, &st))
			fd_close(&found);
	}
	closedir(d);
	return found;
}

static int new_device(int image, char path[32], struct error *err)
{
	struct loop_config config = {.fd = (uint32_t)image,
	    .info = {.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO}};
	scoped_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control == -1)
		return error_sys(err,
		    "this server has no loop devices (modprobe loop): open "
		    "/dev/loop-control");
	for (int i = 0; i < TRIES; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		scoped_fd int fd =
		    n == -1 ? -1 : open_device((unsigned)n, path);

		if (fd == -1)
			return error_sys(err, "find a free loop device");
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
			return take_fd(&fd);
		if (errno != EBUSY) /* another has been quicker */
			return error_sys(err, "set up %s", path);
	}
	return error_set(err, ERR_UNAVAILABLE, "no loop device is free");
}

/* --- mounting ------------------------------------------------------------- */

static int set(int fs, const char *key, const char *value)
{
	return fsconfig(
	    fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

/* The image is zeroes where nothing was written: its tables need no zeroing. */
static int mount_device(const char *path, struct error *err)
{
	scoped_fd int fs = fsopen("ext4", FSOPEN_CLOEXEC);
	int fd;

	if (fs == -1)
		return error_sys(err, "this kernel has no ext4");
	if (set(fs, "source", path) == -1 ||
	    set(fs, "noinit_itable", NULL) == -1 ||
	    set(fs, "errors", "remount-ro") == -1 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == -1)
		return error_sys(err, "mount %s", path);
	fd = fsmount(fs, FSMOUNT_CLOEXEC,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME);
	return fd == -1 ? error_sys(err, "mount %s", path) : fd;
}

int loop_mount(int image, struct error *err)
{
	char path[32];
	scoped_fd int device = find_device(image, path);

	if (device == -1)
		device = new_device(image, path, err);
	return device == -1 ? -1 : mount_device(path, err);
}

/* The file, and the device that shows it. */
static int resize(int image, int device, uint64_t bytes)
{
	return ftruncate(image, (off_t)bytes) == -1
	           ? -1
	           : ioctl(device, LOOP_SET_CAPACITY, 0);
}

int loop_grow(int image, int mounted, uint64_t bytes, struct error *err)
{
	char path[32];
	scoped_fd int device = find_device(image, path);
	uint64_t blocks = bytes / BLOCK;
	struct stat old;

	if (device == -1 || fstat(image, &old) == -1)
		return error_set(
		    err, ERR_INTERNAL, "a mounted disk has no device");
	if (resize(image, device, bytes) == 0 &&
	    ioctl(mounted, EXT4_RESIZE, &blocks) == 0)
		return 0;
	(void)error_sys(err, "grow %s to %" PRIu64, path, bytes);
	if (err && err->sys == EPERM)
		err->code = ERR_FORBIDDEN;
	if (resize(image, device, (uint64_t)old.st_size) == -1)
		(void)error_wrap(err, "half");
	return -1;
}
