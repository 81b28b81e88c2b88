#include "adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "bundle.h"
#include "dynmods.h"
#include "instance.h"
#include "proc/identity.h"
#include "reserve.h"
#include "root.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define LOOK_MS 20
#define CLEAN_TRIES 500 /* of 10 ms, until what was killed is gone */

/* --- one instance --------------------------------------------------------- */

static int read_file(int dir, const char *name, struct buf *text)
{
	return fd_read_file(dir, name, text, NULL);
}

/* The shim's namespace is the instance's: it entered it and stays. */
static int open_netns(pid_t shim)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)shim);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* A start that was under way when jail ended: nobody tells us how it goes. */
static void look_fired(struct ev_timer *t)
{
	struct instance *in = container_of(t, struct instance, retry);
	struct stat st;

	if (in->state != INSTANCE_STARTING || in->ending)
		return;
	if (fstatat(in->folder, "s/pid", &st, AT_SYMLINK_NOFOLLOW) == 0)
		instance_running(in);
	else
		ev_timer_set(in->j->ev, t, LOOK_MS);
}

/* Is its shim there? Then it runs, or is about to: watch it. */
static bool find_shim(struct instance *in)
{
	struct identity id;
	struct stat st;
	scoped_fd int shim = -1;

	if (identity_read(in->folder, "shim", &id, NULL) == -1)
		return false;
	shim = identity_open(&id, NULL);
	if (shim == -1 || instance_watch(in, id.pid, NULL) == -1)
		return false;
	in->netns = open_netns(id.pid);
	if (fstatat(in->folder, "s/pid", &st, AT_SYMLINK_NOFOLLOW) == 0)
		in->state = INSTANCE_RUNNING;
	if (in->state == INSTANCE_RUNNING && in->r.of)
		instance_apart(in);
	in->retry.fire = look_fired;
	look_fired(&in->retry);
	memory_watch(in);
	reserve_watch(in);
	return true;
}

static bool read_end(struct instance *in)
{
	scoped_buf struct buf text = BUF_INIT(RECORD_MAX);

	if (read_file(in->folder, "end", &text) == -1 ||
	    ending_parse(buf_str(&text), &in->end, NULL) == -1)
		return false;
	in->state = INSTANCE_EXITED;
	in->r.range = in->r.net = 0;
	return true;
}

static void adopt(struct jail *j, const struct record *r)
{
	static const struct ending unborn = {
	    .code = 255, .unborn = 1, .text = "Its start was interrupted"};
	struct error err = {0};
	struct instance *in = instance_new(j, r, &err);
	struct stat st;

	if (!in) {
		log_error("not adopted name=%s: %s", r->name, err.msg);
		return;
	}
	if (read_end(in))
		return;
	if (instance_hold(in, &err) == -1)
		log_error("lease of id=%s: %s", in->name, err.msg);
	if (find_shim(in)) {
		in->frozen = freezer_is_frozen(&j->freezer, in->name);
		log_info("instance adopted id=%s name=%s", in->name, r->name);
		return;
	}
	if (fstatat(in->folder, "shim", &st, AT_SYMLINK_NOFOLLOW) == -1) {
		instance_end(in, &unborn);
		return;
	}
	/* It may have ended while nobody looked, and said how. */
	if (fstatat(in->folder, "s/pid", &st, AT_SYMLINK_NOFOLLOW) == 0)
		in->state = INSTANCE_RUNNING;
	instance_end_read(in);
}

/* A folder without a whole record: nothing else was made yet. */
static void drop_folder(void *arg, int dir, const char *name)
{
	scoped_fd int folder = openat(dir, name, OPEN_DIR);

	if (folder != -1)
		root_undo(folder);
	(void)fd_remove_tree(dir, name, NULL);
}

static void adopt_folder(void *arg, int dir, const char *name)
{
	scoped_fd int folder = openat(dir, name, OPEN_DIR);
	scoped_buf struct buf text = BUF_INIT(RECORD_MAX);
	struct record r;
	uint64_t id;

	if (folder != -1 && id_parse(str_z(name), &id) &&
	    read_file(folder, "record", &text) == 0 &&
	    record_parse(buf_str(&text), &r, NULL) == 0 && r.instance == id &&
	    r.kind < KIND_N)
		adopt(arg, &r);
	else
		drop_folder(arg, dir, name);
}

/* --- all ------------------------------------------------------------------ */

/* A group of nobody that we know. */
static void sweep_group(void *arg, const char *name)
{
	struct jail *j = arg;
	uint64_t id;

	if (id_parse(str_z(name), &id) && instance_find(j, id))
		return;
	(void)cgroup_kill(&j->cgroups, name);
	(void)cgroup_remove(&j->cgroups, name, NULL);
}

void adopt_all(struct jail *j)
{
	fd_each_name(j->instances_dir, adopt_folder, j);
	cgroups_each(&j->cgroups, sweep_group, j);
}

/* --- the full stop -------------------------------------------------------- */

static void kill_group(void *arg, const char *name)
{
	struct jail *j = arg;

	(void)cgroup_kill(&j->cgroups, name);
}

struct leftover {
	struct jail *j;
	bool any;
};

static void remove_group(void *arg, const char *name)
{
	struct leftover *l = arg;

	if (cgroup_remove(&l->j->cgroups, name, NULL) == -1)
		l->any = true;
}

static bool remove_groups(struct jail *j)
{
	struct leftover l = {.j = j, .any = true};

	for (int i = 0; l.any && i < CLEAN_TRIES; i++) {
		l.any = false;
		cgroups_each(&j->cgroups, kill_group, j);
		cgroups_each(&j->cgroups, remove_group, &l);
		if (l.any)
			(void)poll(NULL, 0, 10);
	}
	return !l.any;
}

int adopt_clean(struct jail *j)
{
	struct error err = {0};
	char path[300];
	int code = 0;

	if (!remove_groups(j)) {
		log_error("processes of apps do not end");
		code = 1;
	}
	fd_each_name(j->instances_dir, drop_folder, j);
	root_unmount_below(j->settings->run);
	snprintf(path, sizeof(path), "%s/store/work", j->settings->state);
	root_unmount_below(path);
	if (net_clean(j->settings->slot, &err) == -1) {
		log_error("network: %s", err.msg);
		code = 1;
	}
	freezer_clean(&j->freezer);
	dynmods_clean(j->settings->run);
	cgroups_remove(&j->cgroups);
	return code;
}
