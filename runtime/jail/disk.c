#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"
#include "loop.h"
#include "root.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PART "new.part"

static int open_disks(const struct jail *j, struct error *err)
{
	int fd = openat(j->store_dir, "disk", OPEN_DIR);

	return fd == -1 ? error_sys(err, "open the folder of disks") : fd;
}

/* Images are sparse: room that they have not used yet is spoken for. */
static void add_promise(void *sum, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_size > st.st_blocks * 512)
		*(uint64_t *)sum += (uint64_t)(st.st_size - st.st_blocks * 512);
}

static void add_app(void *sum, int volumes, const char *name)
{
	scoped_fd int dir = openat(volumes, name, OPEN_DIR);

	if (dir != -1)
		fd_each_name(dir, add_promise, sum);
}

static uint64_t promised(const struct jail *j)
{
	uint64_t sum = 0;

	fd_each_name(j->volumes_dir, add_app, &sum);
	return sum;
}

int disk_room(
    const struct jail *j, uint64_t bytes, const char *what, struct error *err)
{
	char need[24], have[24];
	struct statvfs fs;
	uint64_t left, spoken = promised(j);

	if (fstatvfs(j->store_dir, &fs) == -1)
		return error_sys(err, "look at the server's disk");
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	left = left > spoken ? left - spoken : 0;
	if (left >= bytes)
		return 0;
	size_bytes_text(bytes, need);
	size_bytes_text(left, have);
	return error_set(err, ERR_LIMIT,
	    "%s takes %s, and the server's disk has %s left that no volume "
	    "is to have",
	    what, need, have);
}

/* --- images --------------------------------------------------------------- */

/* All that is written in from, which is mostly holes. */
static int copy_data(int from, int to, off_t size, struct error *err)
{
	off_t at = 0, end;

	while ((at = lseek(from, at, SEEK_DATA)) != -1 && at < size) {
		off_t source = at, target = at;

		end = lseek(from, at, SEEK_HOLE);
		if (end == -1)
			return error_sys(err, "copy a disk");
		while (source < end) {
			ssize_t n = copy_file_range(from, &source, to, &target,
			    (size_t)(end - source), 0);

			if (n <= 0)
				return error_sys(err, "copy a disk");
		}
		at = end;
	}
	if (at == -1 && errno != ENXIO) /* ENXIO: holes up to the end */
		return error_sys(err, "copy a disk");
	return 0;
}

static int open_new(int disks, const char *name, struct error *err)
{
	int fd = openat(disks, name,
	    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd == -1 ? error_sys(err, "create a disk") : fd;
}

static int make_template(int disks, const char *name, uint64_t bytes,
    uint64_t inodes, struct error *err)
{
	scoped_fd int fd = open_new(disks, PART, err);

	if (fd == -1)
		return -1;
	if (loop_format(fd, bytes, inodes, false, err) == -1 ||
	    fd_publish(fd, disks, PART, name, err) == -1) {
		(void)unlinkat(disks, PART, 0);
		return -1;
	}
	return take_fd(&fd);
}

static int open_template(
    int disks, uint64_t bytes, uint64_t inodes, struct error *err)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "t-%" PRIu64 "-%" PRIu64, bytes, inodes);
	fd = openat(disks, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1)
		return fd;
	if (errno != ENOENT)
		return error_sys(err, "open %s", name);
	return make_template(disks, name, bytes, inodes, err);
}

/* A copy of the template without a name. */
static int new_image(
    struct jail *j, uint64_t bytes, uint64_t inodes, struct error *err)
{
	scoped_fd int disks = open_disks(j, err), from = -1, fd = -1;
	char name[ID_TEXT];

	if (disks == -1)
		return -1;
	from = open_template(disks, bytes, inodes, err);
	if (from == -1)
		return -1;
	id_text(rand_u64(), name);
	fd = open_new(disks, name, err);
	if (fd == -1)
		return -1;
	if (unlinkat(disks, name, 0) == -1 || ftruncate(fd, (off_t)bytes) == -1)
		return error_sys(err, "make a disk");
	if (copy_data(from, fd, (off_t)bytes, err) == -1)
		return -1;
	return take_fd(&fd);
}

/* --- mounting ------------------------------------------------------------- */

int disk_upper(struct jail *j, int dir, const char *name, uint64_t bytes,
    uint64_t inodes, uint32_t base, struct error *err)
{
	scoped_fd int image = -1, mount = -1;

	if (disk_room(j, bytes, "The disk of this size", err) == -1)
		return -1;
	image = new_image(j, bytes, inodes, err);
	if (image == -1)
		return -1;
	mount = loop_mount(image, err);
	if (mount == -1)
		return error_wrap(err, "a disk for this size");
	if (fd_mkdir(dir, name, 0700, err) == -1)
		return -1;
	if (move_mount(mount, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return error_sys(err, "mount a disk");
	return root_upper_folders(dir, name, base, err);
}

/* The templates stay. */
static void sweep(void *arg, int dir, const char *name)
{
	if (strncmp(name, "t-", 2) != 0)
		(void)unlinkat(dir, name, 0);
}

void disk_sweep(struct jail *j)
{
	scoped_fd int disks = open_disks(j, NULL);

	if (disks != -1)
		fd_each_name(disks, sweep, NULL);
}
