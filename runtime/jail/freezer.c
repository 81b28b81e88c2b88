#include "freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define V1 "/sys/fs/cgroup/freezer"
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define MOVES_MAX 50 /* rounds until no fork outran us */

static int put_pid(int dir, pid_t pid, struct error *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return cgroup_put(dir, "cgroup.procs", text, err);
}

/* The group paasN/NAME of the hierarchy; with make, made when missing. */
static int open_group(const struct freezer *f, const char *name, bool make)
{
	char path[64];

	if (make && mkdirat(f->top, f->group, 0755) == -1 && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", f->group, name);
	if (make && mkdirat(f->top, path, 0755) == -1 && errno != EEXIST)
		return -1;
	return openat(f->top, path, OPEN_DIR | O_NOFOLLOW);
}

/* --- opening -------------------------------------------------------------- */

void freezer_open(struct freezer *ret, const struct cgroups *c, uint64_t slot)
{
	*ret = (struct freezer){.top = -1};
	snprintf(ret->group, sizeof(ret->group), "paas%" PRIu64, slot);
	for (int i = 0; i < c->n; i++) {
		if (c->of[i].use != CGROUP_V2 && c->of[i].use != CGROUP_HYBRID)
			continue;
		ret->top = openat(c->of[i].dir, "..", OPEN_DIR);
		ret->kind = FREEZER_V2;
	}
	if (ret->top == -1 && access(V1 "/cgroup.procs", F_OK) == 0) {
		ret->top = open(V1, OPEN_DIR);
		ret->kind = FREEZER_V1;
	}
	if (ret->top == -1)
		ret->kind = FREEZER_NONE;
}

void freezer_close(struct freezer *f)
{
	fd_close(&f->top);
	f->kind = FREEZER_NONE;
}

/* --- v2 ------------------------------------------------------------------- */

static void shims_name(const struct freezer *f, char out[40])
{
	snprintf(out, 40, "%s-shims", f->group);
}

static int part_shim(const struct freezer *f, pid_t shim, struct error *err)
{
	scoped_fd int group = -1;
	char name[40];

	shims_name(f, name);
	if (mkdirat(f->top, name, 0755) == -1 && errno != EEXIST)
		return error_sys(err, "make the cgroup %s", name);
	group = openat(f->top, name, OPEN_DIR | O_NOFOLLOW);
	if (group == -1)
		return error_sys(err, "open the cgroup %s", name);
	return put_pid(group, shim, err);
}

/* --- v1 ------------------------------------------------------------------- */

/* Move all of from that is not in to yet; how many, or -1. */
static int move_members(
    struct str members, pid_t shim, int to, struct error *err)
{
	scoped_buf struct buf there = BUF_INIT(CGROUP_PROCS_MAX);
	struct str line;
	uint64_t pid;
	int n = 0;

	if (fd_read_file(to, "cgroup.procs", &there, err) == -1)
		return -1;
	while (members.len && str_split(&members, '\n', &line)) {
		char text[16];

		if (!str_u64(line, INT32_MAX, &pid) || (pid_t)pid == shim)
			continue;
		snprintf(text, sizeof(text), "%" PRIu64 "\n", pid);
		if (str_find_str(buf_str(&there), str_z(text)) != -1)
			continue;
		n++;
		if (put_pid(to, (pid_t)pid, err) == -1 && err->sys != ESRCH)
			return -1;
	}
	return n;
}

/* Who is in the instance's group of the pids hierarchy. */
static int read_members(
    const char *group, const char *name, struct buf *out, struct error *err)
{
	char path[96];
	scoped_fd int dir = -1;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/pids/%s/%s", group, name);
	dir = open(path, OPEN_DIR);
	if (dir == -1)
		return error_sys(err, "open the cgroup %s", path);
	return fd_read_file(dir, "cgroup.procs", out, err);
}

static int gather(const struct freezer *f, const char *name, int to, pid_t shim,
    struct error *err)
{
	for (int i = 0; i < MOVES_MAX; i++) {
		scoped_buf struct buf text = BUF_INIT(CGROUP_PROCS_MAX);
		int n;

		if (read_members(f->group, name, &text, err) == -1)
			return -1;
		n = move_members(buf_str(&text), shim, to, err);
		if (n <= 0)
			return n;
	}
	return error_set(
	    err, ERR_UNAVAILABLE, "it makes processes faster than they stop");
}

/* --- both ----------------------------------------------------------------- */

int freezer_freeze(
    const struct freezer *f, const char *name, pid_t shim, struct error *err)
{
	scoped_fd int group = -1;

	if (f->kind == FREEZER_NONE)
		return error_set(
		    err, ERR_UNAVAILABLE, "this host has no freezer");
	group = open_group(f, name, f->kind == FREEZER_V1);
	if (group == -1)
		return error_sys(err, "open the cgroup %s", name);
	if (f->kind == FREEZER_V2)
		return part_shim(f, shim, err) == -1 ||
		               cgroup_put(group, "cgroup.freeze", "1", err) ==
		                   -1
		           ? -1
		           : 0;
	if (gather(f, name, group, shim, err) == -1)
		return -1;
	return cgroup_put(group, "freezer.state", "FROZEN", err);
}

void freezer_thaw(const struct freezer *f, const char *name)
{
	scoped_fd int group = -1;

	if (f->kind == FREEZER_NONE)
		return;
	group = open_group(f, name, false);
	if (group == -1)
		return;
	if (f->kind == FREEZER_V2)
		(void)cgroup_put(group, "cgroup.freeze", "0", NULL);
	else
		(void)cgroup_put(group, "freezer.state", "THAWED", NULL);
}

bool freezer_is_frozen(const struct freezer *f, const char *name)
{
	scoped_buf struct buf text = BUF_INIT(64);
	scoped_fd int group = -1;

	if (f->kind == FREEZER_NONE)
		return false;
	group = open_group(f, name, false);
	if (group == -1 ||
	    fd_read_file(group,
	        f->kind == FREEZER_V2 ? "cgroup.freeze" : "freezer.state",
	        &text, NULL) == -1)
		return false;
	return f->kind == FREEZER_V2 ? str_starts(buf_str(&text), STR("1"))
	                             : str_starts(buf_str(&text), STR("FR"));
}

bool freezer_members(const struct freezer *f, const char *name, struct buf *out)
{
	scoped_fd int group = open_group(f, name, false);

	return group != -1 &&
	       fd_read_file(group, "cgroup.procs", out, NULL) == 0 &&
	       out->len > 0;
}

void freezer_forget(const struct freezer *f, const char *name)
{
	char path[64];

	if (f->kind != FREEZER_V1)
		return; /* it is the instance's own group */
	snprintf(path, sizeof(path), "%s/%s", f->group, name);
	(void)unlinkat(f->top, path, AT_REMOVEDIR);
}

void freezer_clean(const struct freezer *f)
{
	char name[40];
	scoped_fd int group = -1;

	if (f->kind == FREEZER_NONE)
		return;
	if (f->kind == FREEZER_V1) {
		(void)unlinkat(f->top, f->group, AT_REMOVEDIR);
		return;
	}
	shims_name(f, name);
	group = openat(f->top, name, OPEN_DIR | O_NOFOLLOW);
	if (group == -1)
		return;
	(void)cgroup_put(group, "cgroup.kill", "1", NULL);
	(void)unlinkat(f->top, name, AT_REMOVEDIR);
}
