/* doctor: which limits of sizes this host keeps, and what disks need. */
#include "doctor.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define CGROUP "sys/fs/cgroup"

static bool has(const struct doctor *d, const char *path)
{
	return faccessat(d->root, path, F_OK, 0) == 0;
}

/* A file of our group: of v2, or of a controller of v1. */
static bool group_has(
    const struct doctor *d, const char *controller, const char *file)
{
	char path[200];

	snprintf(
	    path, sizeof(path), CGROUP "/%s/%s", d->j->cgroups.group, file);
	if (has(d, path))
		return true;
	snprintf(path, sizeof(path), CGROUP "/%s/%s/%s", controller,
	    d->j->cgroups.group, file);
	return has(d, path);
}

static void say_cpu(struct doctor *d)
{
	if (group_has(d, "cpu", "cpu.max") ||
	    group_has(d, "cpu", "cpu.cfs_quota_us"))
		doctor_say(d, FINDING_OK, NULL, "sizes: cpu_max is kept");
	else
		doctor_say(d, FINDING_WARN,
		    "take a kernel with CONFIG_CFS_BANDWIDTH (Debian's has "
		    "it); the weight, cpu, is kept",
		    "a size's cpu_max is not kept: this kernel has no maximum "
		    "of CPU");
}

static void say_io(struct doctor *d)
{
	static const struct {
		const char *controller, *file;
	} weights[] = {{"unified", "io.weight"}, {"unified", "io.bfq.weight"},
	    {"blkio", "blkio.bfq.weight"}, {"blkio", "blkio.weight"}};
	bool weighs = false;

	for (size_t i = 0; i < NELEM(weights); i++)
		weighs |= group_has(d, weights[i].controller, weights[i].file);
	if (!weighs)
		doctor_say(d, FINDING_NOTE,
		    "set the disk's scheduler to bfq (echo bfq > "
		    "/sys/block/DISK/queue/scheduler), or use io_max",
		    "a size's io weight is not kept: no scheduler of this "
		    "host weighs");
	if (!d->j->cgroups.disk[0] ||
	    !(group_has(d, "unified", "io.max") ||
	        group_has(d, "blkio", "blkio.throttle.read_bps_device")))
		doctor_say(d, FINDING_WARN,
		    "put the state folder on ext4 or xfs on a disk (--state "
		    "DIR), with the io or blkio controller there",
		    "a size's io_max is not kept: the disk of the state folder "
		    "can't be limited");
	else
		doctor_say(d, FINDING_OK, NULL, "sizes: io_max is kept%s",
		    weighs ? ", and so is io" : "");
}

static void say_tools(struct doctor *d)
{
	static const char *const tools[] = {"mke2fs", "e2fsck", "resize2fs"};
	char path[64], other[64];

	for (size_t i = 0; i < NELEM(tools); i++) {
		snprintf(path, sizeof(path), "usr/sbin/%s", tools[i]);
		snprintf(other, sizeof(other), "sbin/%s", tools[i]);
		if (has(d, path) || has(d, other))
			continue;
		doctor_say(d, FINDING_WARN, "apt-get install e2fsprogs",
		    "%s is not there: volumes and sizes with disk can't be "
		    "made",
		    tools[i]);
		return;
	}
	doctor_say(d, FINDING_OK, NULL, "disk tools");
}

void doctor_sizes(struct doctor *d)
{
	say_cpu(d);
	say_io(d);
	say_tools(d);
}
