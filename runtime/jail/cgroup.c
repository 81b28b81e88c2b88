#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup_limit.h"

#define ROOT "/sys/fs/cgroup"
#define CGROUP2_MAGIC 0x63677270
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* --- files of a group ----------------------------------------------------- */

int cgroup_put(int dir, const char *file, const char *text, struct error *err)
{
	scoped_fd int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		return error_sys(err, "cgroup: write %s to %s", text, file);
	return 0;
}

static int open_group(int dir, const char *name)
{
	return openat(dir, name, OPEN_DIR | O_NOFOLLOW);
}

/* --- finding the hierarchies ---------------------------------------------- */

static bool is_v2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_MAGIC;
}

/* Let the groups below use the controllers; I/O where v2 has it. */
static int pass_down(enum cgroup_use use, int dir, struct error *err)
{
	static const char file[] = "cgroup.subtree_control";

	if (use == CGROUP_V2 &&
	    cgroup_put(dir, file, "+memory +cpu +pids", err) == -1)
		return -1;
	if (use == CGROUP_V2 || use == CGROUP_HYBRID)
		(void)cgroup_put(dir, file, "+io", NULL);
	return 0;
}

static int add(
    struct cgroups *c, enum cgroup_use use, const char *path, struct error *err)
{
	scoped_fd int top = open(path, OPEN_DIR);
	int dir;

	if (top == -1)
		return error_sys(err, "open %s", path);
	if (mkdirat(top, c->group, 0755) == -1 && errno != EEXIST)
		return error_sys(err, "make the cgroup %s/%s", path, c->group);
	if (pass_down(use, top, err) == -1)
		return -1;
	dir = open_group(top, c->group);
	if (dir == -1)
		return error_sys(err, "open %s/%s", path, c->group);
	c->of[c->n].use = use;
	c->of[c->n++].dir = dir;
	return pass_down(use, dir, err);
}

static int open_v1(struct cgroups *c, struct error *err)
{
	static const struct {
		enum cgroup_use use;
		const char *path;
	} needed[] = {{CGROUP_MEMORY, ROOT "/memory"},
	    {CGROUP_CPU, ROOT "/cpu"}, {CGROUP_PIDS, ROOT "/pids"}};

	for (size_t i = 0; i < NELEM(needed); i++)
		if (add(c, needed[i].use, needed[i].path, err) == -1)
			return -1;
	if (access(ROOT "/blkio/cgroup.procs", F_OK) == 0 &&
	    add(c, CGROUP_IO, ROOT "/blkio", err) == -1)
		return -1;
	if (access(ROOT "/systemd/cgroup.procs", F_OK) == 0 &&
	    add(c, CGROUP_NAMED, ROOT "/systemd", err) == -1)
		return -1;
	if (is_v2(ROOT "/unified"))
		return add(c, CGROUP_HYBRID, ROOT "/unified", err);
	return 0;
}

int cgroups_open(struct cgroups *ret, uint64_t slot, struct error *err)
{
	*ret = (struct cgroups){0};
	snprintf(ret->group, sizeof(ret->group), "paas%" PRIu64, slot);
	if (is_v2(ROOT))
		return add(ret, CGROUP_V2, ROOT, err);
	return open_v1(ret, err);
}

void cgroups_close(struct cgroups *c)
{
	for (int i = 0; i < c->n; i++)
		fd_close(&c->of[i].dir);
	c->n = 0;
}

/* --- making ----------------------------------------------------------------
 */

int cgroup_make(const struct cgroups *c, const char *name,
    const struct cgroup_limits *limits, struct error *err)
{
	for (int i = 0; i < c->n; i++) {
		scoped_fd int g = -1;

		if (mkdirat(c->of[i].dir, name, 0755) == -1 && errno != EEXIST)
			return error_sys(err, "make the cgroup %s", name);
		g = open_group(c->of[i].dir, name);
		if (g == -1)
			return error_sys(err, "open the cgroup %s", name);
		if (cgroup_limit(c->of[i].use, g, c, limits, err) == -1)
			return -1;
	}
	return 0;
}

int cgroup_move(
    const struct cgroups *c, const char *name, pid_t pid, struct error *err)
{
	char path[64], who[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", name);
	snprintf(who, sizeof(who), "%d", (int)pid);
	for (int i = 0; i < c->n; i++)
		if (cgroup_put(c->of[i].dir, path, who, err) == -1)
			return -1;
	return 0;
}

int cgroup_enter(const struct cgroups *c, const char *name, struct error *err)
{
	return cgroup_move(c, name, 0, err); /* 0 is who writes it */
}

/* --- asking and ending ---------------------------------------------------- */

bool cgroup_oom(const struct cgroups *c, const char *name)
{
	for (int i = 0; i < c->n; i++) {
		scoped_buf struct buf text = BUF_INIT(4096);
		struct str rest, line;
		char path[64];
		uint64_t n;

		if (c->of[i].use != CGROUP_V2 && c->of[i].use != CGROUP_MEMORY)
			continue;
		snprintf(path, sizeof(path), "%s/%s", name,
		    c->of[i].use == CGROUP_V2 ? "memory.events"
		                              : "memory.oom_control");
		if (fd_read_file(c->of[i].dir, path, &text, NULL) == -1)
			continue;
		rest = buf_str(&text);
		while (str_split(&rest, '\n', &line))
			if (str_starts(line, STR("oom_kill ")) &&
			    str_u64(
			        str_sub(line, 9, line.len), UINT64_MAX, &n) &&
			    n > 0)
				return true;
	}
	return false;
}

/* Who is in the group now; SIGKILL to each when end is set. */
static bool each_member(int group, bool end)
{
	scoped_buf struct buf text = BUF_INIT(CGROUP_PROCS_MAX);
	struct str rest, line;
	bool any = false;
	uint64_t pid;

	if (fd_read_file(group, "cgroup.procs", &text, NULL) == -1)
		return false;
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		if (!str_u64(line, INT32_MAX, &pid) || pid < 2)
			continue;
		any = true;
		if (end)
			(void)kill((pid_t)pid, SIGKILL);
	}
	return any;
}

/* By cgroup.kill where there is one: a list of pids is old when it is read. */
static bool kill_at_once(const struct cgroups *c, const char *name)
{
	bool done = false;

	for (int i = 0; i < c->n; i++) {
		scoped_fd int g = open_group(c->of[i].dir, name);

		if (g != -1 && cgroup_put(g, "cgroup.kill", "1", NULL) == 0)
			done = true;
	}
	return done;
}

static bool each_group(const struct cgroups *c, const char *name, bool end)
{
	bool any = false;

	for (int i = 0; i < c->n; i++) {
		scoped_fd int g = open_group(c->of[i].dir, name);

		if (g != -1)
			any |= each_member(g, end);
	}
	return any;
}

bool cgroup_kill(const struct cgroups *c, const char *name)
{
	bool any = each_group(c, name, false);

	if (!kill_at_once(c, name))
		(void)each_group(c, name, true);
	return any;
}

int cgroup_remove(const struct cgroups *c, const char *name, struct error *err)
{
	for (int i = 0; i < c->n; i++) {
		if (unlinkat(c->of[i].dir, name, AT_REMOVEDIR) == 0 ||
		    errno == ENOENT)
			continue;
		if (errno == EBUSY)
			return error_set(
			    err, ERR_UNAVAILABLE, "cgroup %s is in use", name);
		return error_sys(err, "remove the cgroup %s", name);
	}
	return 0;
}

void cgroups_each(
    const struct cgroups *c, void (*fn)(void *arg, const char *name), void *arg)
{
	for (int i = 0; i < c->n; i++) {
		int own = openat(c->of[i].dir, ".", OPEN_DIR);
		DIR *d = own == -1 ? NULL : fdopendir(own);
		struct dirent *e;

		if (!d) {
			fd_close(&own);
			continue;
		}
		while ((e = readdir(d)))
			if (e->d_type == DT_DIR && e->d_name[0] != '.')
				fn(arg, e->d_name);
		closedir(d);
	}
}

void cgroups_remove(struct cgroups *c)
{
	for (int i = 0; i < c->n; i++) {
		scoped_fd int top = openat(c->of[i].dir, "..", OPEN_DIR);

		if (top != -1)
			(void)unlinkat(top, c->group, AT_REMOVEDIR);
	}
}
