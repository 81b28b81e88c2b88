/* doctor: where files go: mounts, loop devices, room on the disk. */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "root.h"

#define LOW_BYTES (5ull << 30) /* a few builds */
#define LOW_PART 10            /* or a tenth of a small disk */
#define FULL_BYTES (1ull << 30)
#define FULL_PART 20 /* as reserve.h: builds end below it */

/* --- mounts --------------------------------------------------------------- */

/* Mount the store's folder id-mapped, nowhere: 0, or the errno. */
static int try_idmap(const struct doctor *d)
{
	struct error err = {0};
	scoped_fd int ns = root_userns(ID_FIRST + ID_RANGE, &err);
	scoped_fd int mount = open_tree(d->j->store_dir, "",
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	struct mount_attr attr = {
	    .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)ns};

	if (ns == -1)
		return err.sys;
	if (mount == -1 ||
	    mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == -1)
		return errno;
	return 0;
}

void doctor_mounts(struct doctor *d)
{
	int why = try_idmap(d);

	if (why)
		doctor_say(d, FINDING_BAD,
		    "put the state folder on ext4, xfs or btrfs (--state DIR)",
		    "the file system of %.100s can't map ids (%s): apps can't "
		    "start",
		    d->j->settings->state, strerror(why));
	else
		doctor_say(d, FINDING_OK, NULL, "id-mapped mounts");
	if (faccessat(d->root, "dev/loop-control", F_OK, 0) == -1)
		doctor_say(d, FINDING_WARN,
		    "modprobe loop, and write loop to /etc/modules-load.d/"
		    "paas.conf",
		    "no loop devices: volumes and sizes with disk can't be "
		    "bounded");
	else
		doctor_say(d, FINDING_OK, NULL, "loop devices");
}

/* --- room ----------------------------------------------------------------- */

static uint64_t part_of(uint64_t all, uint64_t most, unsigned part)
{
	return all / part < most ? all / part : most;
}

void doctor_disk(struct doctor *d)
{
	static const char todo[] =
	    "free some: paas destroy what is not needed, apt-get clean, "
	    "journalctl --vacuum-size=100M; or move the state folder";
	const char *state = d->j->settings->state;
	uint64_t bytes, all;
	struct statvfs fs;

	if (fstatvfs(d->j->store_dir, &fs) == -1)
		return;
	bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	all = (uint64_t)fs.f_blocks * fs.f_frsize;
	if (bytes < part_of(all, FULL_BYTES, FULL_PART))
		doctor_say(d, FINDING_BAD, todo,
		    "the disk of %.100s has %" PRIu64 " MB left: builds fail",
		    state, bytes >> 20);
	else if (bytes < part_of(all, LOW_BYTES, LOW_PART))
		doctor_say(d, FINDING_WARN, todo,
		    "the disk of %.100s has %" PRIu64 " MB left", state,
		    bytes >> 20);
	else
		doctor_say(d, FINDING_OK, NULL,
		    "disk of %.100s: %" PRIu64 " MB free", state, bytes >> 20);
	if (fs.f_files && fs.f_favail < fs.f_files / FULL_PART)
		doctor_say(d, FINDING_BAD, todo,
		    "the file system of %.100s has room for only %" PRIu64
		    " more files",
		    state, (uint64_t)fs.f_favail);
}
