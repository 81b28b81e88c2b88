#include "forward.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define PARENT "/run/paas"
#define FOLDER PARENT "/net"
#define USER "slot."

static const struct {
	const char *key; /* of an interface */
	const char *all; /* of the host: it forwards everywhere */
	const char *was_off;
} families[] = {
    [FORWARD4] = {"ipv4/conf/%s/forwarding", "ipv4/conf/all/forwarding", "on."},
    [FORWARD6] = {"ipv6/conf/%s/force_forwarding", "ipv6/conf/all/forwarding",
        "on6."},
};

/* --- the kernel's settings ----------------------------------------------- */

static void sysctl_path(
    char *out, size_t size, const char *key, const char *name)
{
	struct str whole = str_z(key);
	ssize_t at = str_find_str(whole, STR("%s"));

	if (at == -1)
		snprintf(out, size, "/proc/sys/net/%s", key);
	else
		snprintf(out, size, "/proc/sys/net/%.*s%s%s", (int)at, key,
		    name, key + at + 2);
}

int sysctl_set(
    const char *key, const char *name, const char *value, struct error *err)
{
	scoped_fd int fd = -1;
	char path[128];

	sysctl_path(path, sizeof(path), key, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1) {
		(void)error_sys(err, "open %s", path);
		if (err && err->sys == ENOENT)
			err->code = ERR_NOT_FOUND;
		return -1;
	}
	if (fd_write_all(fd, str_z(value), err) == -1)
		return error_wrap(err, "%s", path);
	return 0;
}

bool sysctl_is(const char *key, const char *name, char value)
{
	scoped_fd int fd = -1;
	char path[128], found = '\0';

	sysctl_path(path, sizeof(path), key, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd != -1 && read(fd, &found, 1) == 1 && found == value;
}

static bool all_on(enum forward f)
{
	return sysctl_is(families[f].all, "", '1');
}

static bool is_on(enum forward f, const char *name)
{
	return (f == FORWARD6 && all_on(f)) ||
	       sysctl_is(families[f].key, name, '1');
}

static bool has_key(const char *key)
{
	char path[128];

	sysctl_path(path, sizeof(path), key, "all");
	return access(path, F_OK) == 0;
}

bool forward_possible(enum forward f)
{
	return has_key(families[f].key) || all_on(f);
}

/* --- what is remembered -------------------------------------------------- */

/* The folder, locked until it is closed. */
static int open_locked(struct error *err)
{
	scoped_fd int dir = -1;

	if (fd_mkdir(AT_FDCWD, PARENT, 0711, err) == -1 ||
	    fd_mkdir(AT_FDCWD, FOLDER, 0700, err) == -1)
		return -1;
	dir = open(FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return error_sys(err, "open " FOLDER);
	while (flock(dir, LOCK_EX) == -1)
		if (errno != EINTR)
			return error_sys(err, "lock " FOLDER);
	return take_fd(&dir);
}

static int remember(int dir, const char *name, struct error *err)
{
	scoped_fd int fd =
	    openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd == -1 ? error_sys(err, "make " FOLDER "/%s", name) : 0;
}

/* Call fn for what stands behind prefix in each name; how many there are. */
static int each(int dir, const char *prefix,
    void (*fn)(int dir, const char *rest, void *arg), void *arg)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy == -1 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int count = 0;

	if (!list) {
		fd_close(&copy);
		return 0;
	}
	while ((entry = readdir(list))) {
		if (!str_starts(str_z(entry->d_name), str_z(prefix)))
			continue;
		count++;
		if (fn)
			fn(dir, entry->d_name + strlen(prefix), arg);
	}
	(void)closedir(list);
	return count;
}

static void list_one(int dir, const char *name, void *arg)
{
	(void)dir;
	(void)uplinks_add(arg, name);
}

int forward_claim(enum forward f, uint64_t slot, const struct uplinks *uplinks,
    struct uplinks *ret, struct error *err)
{
	scoped_fd int dir = open_locked(err);
	struct uplinks opened = {0};
	char name[32];

	if (dir == -1)
		return -1;
	snprintf(name, sizeof(name), USER "%" PRIu64, slot);
	if (remember(dir, name, err) == -1)
		return -1;
	for (uint32_t i = 0; i < uplinks->n; i++) {
		snprintf(name, sizeof(name), "%s%s", families[f].was_off,
		    uplinks->name[i]);
		if (!is_on(f, uplinks->name[i]) &&
		    remember(dir, name, err) == -1)
			return -1;
	}
	if (!all_on(f))
		(void)each(dir, families[f].was_off, list_one, &opened);
	*ret = opened;
	return 0;
}

int forward_on(enum forward f, const struct uplinks *uplinks, struct error *err)
{
	for (uint32_t i = 0; i < uplinks->n; i++)
		if (!is_on(f, uplinks->name[i]) &&
		    sysctl_set(families[f].key, uplinks->name[i], "1", err) ==
		        -1)
			return -1;
	return 0;
}

/* When all the host forwards by now, that is somebody else's wish. */
static void turn_off(int dir, const char *name, void *arg)
{
	enum forward f = *(const enum forward *)arg;
	char file[32];

	if (!all_on(f))
		(void)sysctl_set(
		    families[f].key, name, "0", NULL); /* it may be gone */
	snprintf(file, sizeof(file), "%s%s", families[f].was_off, name);
	(void)unlinkat(dir, file, 0);
}

int forward_release(uint64_t slot, struct error *err)
{
	scoped_fd int dir = open_locked(err);
	char name[32];

	if (dir == -1)
		return -1;
	snprintf(name, sizeof(name), USER "%" PRIu64, slot);
	if (unlinkat(dir, name, 0) == -1 && errno != ENOENT)
		return error_sys(err, "remove " FOLDER "/%s", name);
	if (each(dir, USER, NULL, NULL) > 0)
		return 0;
	for (enum forward f = FORWARD4; f <= FORWARD6; f++)
		(void)each(dir, families[f].was_off, turn_off, &f);
	return 0;
}
