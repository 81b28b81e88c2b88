#include "cgroup_limit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

#define PERIOD_US 100000 /* of the CPU's maximum, as the kernel has it */

/* --- texts ---------------------------------------------------------------- */

void limit_text_quota(uint64_t percent, char out[LIMIT_TEXT])
{
	if (percent)
		snprintf(
		    out, LIMIT_TEXT, "%" PRIu64, percent * (PERIOD_US / 100));
	else
		snprintf(out, LIMIT_TEXT, "-1");
}

void limit_text_cpu_max(uint64_t percent, char out[LIMIT_TEXT])
{
	if (percent)
		snprintf(out, LIMIT_TEXT, "%" PRIu64 " %d",
		    percent * (PERIOD_US / 100), PERIOD_US);
	else
		snprintf(out, LIMIT_TEXT, "max %d", PERIOD_US);
}

void limit_text_io_max(const char *disk, uint64_t bytes, char out[LIMIT_TEXT])
{
	if (bytes)
		snprintf(out, LIMIT_TEXT, "%s rbps=%" PRIu64 " wbps=%" PRIu64,
		    disk, bytes, bytes);
	else
		snprintf(out, LIMIT_TEXT, "%s rbps=max wbps=max", disk);
}

uint64_t limit_bfq_weight(uint64_t weight)
{
	/* Both have 100 in the middle. */
	return weight > 1000 ? 1000 : weight < 1 ? 1 : weight;
}

/* --- files ---------------------------------------------------------------- */

static bool has(int group, const char *file)
{
	return faccessat(group, file, W_OK, 0) == 0;
}

static int put_u64(
    int group, const char *file, uint64_t value, struct error *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return cgroup_put(group, file, text, err);
}

/* Where the host has it. */
static void try(int group, const char *file, const char *text)
{
	if (has(group, file))
		(void)cgroup_put(group, file, text, NULL);
}

static void try_u64(int group, const char *file, uint64_t value)
{
	if (has(group, file))
		(void)put_u64(group, file, value, NULL);
}

/* --- by hierarchy --------------------------------------------------------- */

static void io_v2(int g, const struct cgroups *c, const struct cgroup_limits *l)
{
	char text[LIMIT_TEXT];

	snprintf(text, sizeof(text), "default %" PRIu64, l->io);
	try(g, "io.weight", text);
	snprintf(
	    text, sizeof(text), "default %" PRIu64, limit_bfq_weight(l->io));
	try(g, "io.bfq.weight", text);
	if (!c->disk[0])
		return;
	limit_text_io_max(c->disk, l->io_max, text);
	try(g, "io.max", text);
}

static int limit_v2(int g, const struct cgroups *c,
    const struct cgroup_limits *l, struct error *err)
{
	char text[LIMIT_TEXT];

	if (put_u64(g, "memory.max", l->memory, err) == -1 ||
	    put_u64(g, "cpu.weight", l->weight, err) == -1 ||
	    put_u64(g, "pids.max", l->pids, err) == -1)
		return -1;
	limit_text_cpu_max(l->cpu_max, text);
	try(g, "cpu.max", text);
	io_v2(g, c, l);
	if (has(g, "memory.swap.max"))
		return cgroup_put(g, "memory.swap.max", "0", err);
	return 0;
}

/* The limit with swap may not be below the one without: set it last, and
 * lift it first where the group has one already. */
static int limit_memory(int g, uint64_t bytes, struct error *err)
{
	static const char swap[] = "memory.memsw.limit_in_bytes";
	bool counted = has(g, swap);

	if (counted && cgroup_put(g, swap, "-1", err) == -1)
		return -1;
	if (put_u64(g, "memory.limit_in_bytes", bytes, err) == -1)
		return -1;
	return counted ? put_u64(g, swap, bytes, err) : 0;
}

static int limit_cpu(int g, const struct cgroup_limits *l, struct error *err)
{
	uint64_t shares = l->weight * 1024 / 100;
	char text[LIMIT_TEXT];

	if (put_u64(g, "cpu.shares", shares < 2 ? 2 : shares, err) == -1)
		return -1;
	try_u64(g, "cpu.cfs_period_us", PERIOD_US);
	limit_text_quota(l->cpu_max, text);
	try(g, "cpu.cfs_quota_us", text);
	return 0;
}

/* v1 counts what is read, and what is written past the page cache. */
static void limit_io(
    int g, const struct cgroups *c, const struct cgroup_limits *l)
{
	char text[LIMIT_TEXT];

	try_u64(g, "blkio.bfq.weight", limit_bfq_weight(l->io));
	try_u64(g, "blkio.weight", limit_bfq_weight(l->io));
	if (!c->disk[0])
		return;
	snprintf(text, sizeof(text), "%s %" PRIu64, c->disk, l->io_max);
	try(g, "blkio.throttle.read_bps_device", text);
	try(g, "blkio.throttle.write_bps_device", text);
}

int cgroup_limit(enum cgroup_use use, int group, const struct cgroups *c,
    const struct cgroup_limits *l, struct error *err)
{
	switch (use) {
	case CGROUP_V2:
		return limit_v2(group, c, l, err);
	case CGROUP_MEMORY:
		return limit_memory(group, l->memory, err);
	case CGROUP_CPU:
		return limit_cpu(group, l, err);
	case CGROUP_PIDS:
		return put_u64(group, "pids.max", l->pids, err);
	case CGROUP_IO:
		limit_io(group, c, l);
		return 0;
	case CGROUP_HYBRID: /* it may hold the controller that v1 lacks */
		io_v2(group, c, l);
		return 0;
	default:
		return 0;
	}
}

/* --- the disk ------------------------------------------------------------- */

/* The limits are of whole disks: a part of one has its disk above it. */
void cgroup_disk_of(int fd, char out[CGROUP_DISK])
{
	scoped_buf struct buf text = BUF_INIT(64);
	scoped_fd int dev = -1;
	struct stat st;
	char path[64];
	struct str name;

	out[0] = '\0';
	if (fstat(fd, &st) == -1)
		return;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(st.st_dev),
	    minor(st.st_dev));
	dev = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dev == -1)
		return;
	if (fd_read_file(dev,
	        faccessat(dev, "partition", F_OK, 0) == 0 ? "../dev" : "dev",
	        &text, NULL) == -1)
		return;
	name = str_trim(buf_str(&text));
	if (str_ends(name, STR("\n")))
		name.len--;
	str_copy(name, out, CGROUP_DISK);
}
