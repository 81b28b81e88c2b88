#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define FREE_MIN (256ull << 20) /* bytes, to start at all */

static int check_root(const struct settings *s, struct error *err)
{
	return geteuid() == 0 ? 0
	                      : error_set(err, ERR_FORBIDDEN,
	                            "the platform makes containers: start it "
	                            "as root (with sudo)");
}

static int check_kernel(const struct settings *s, struct error *err)
{
	struct utsname name;
	char *end;
	unsigned long major, minor;

	if (uname(&name) == -1)
		return error_sys(err, "uname");
	major = strtoul(name.release, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	if (major < 5 || (major == 5 && minor < 19))
		return error_set(err, ERR_UNAVAILABLE,
		    "this kernel is %.40s; id-mapped layers need 5.19 or newer "
		    "(Debian 12 has 6.1)",
		    name.release);
	return 0;
}

static bool file_has(const char *path, const char *word)
{
	scoped_buf struct buf text = BUF_INIT(65536);
	struct error err;

	return fd_read_file(AT_FDCWD, path, &text, &err) == 0 &&
	       str_find_str(buf_str(&text), str_z(word)) != -1;
}

/* The kernel says no within a chroot, and where their number is used up. */
static bool may_make_userns(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
	return pid == -1 || (waitpid(pid, &status, 0) == pid && status == 0);
}

/* A module that is not loaded yet is loaded by this. */
static bool has_overlay(void)
{
	scoped_fd int fd = fsopen("overlay", FSOPEN_CLOEXEC);

	return fd != -1;
}

static int check_features(const struct settings *s, struct error *err)
{
	static const char *const need[] = {"user", "net", "pid", "cgroup"};

	for (size_t i = 0; i < NELEM(need); i++) {
		char path[40];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", need[i]);
		if (access(path, F_OK) == -1)
			return error_set(err, ERR_UNAVAILABLE,
			    "this kernel has no %s namespaces: boot Debian's "
			    "own kernel",
			    need[i]);
	}
	if (!may_make_userns())
		return error_set(err, ERR_UNAVAILABLE,
		    "user namespaces can't be made here: start the platform "
		    "on the machine itself, not in a chroot or a container, "
		    "and see that sysctl user.max_user_namespaces is not 0");
	if (!has_overlay())
		return error_set(err, ERR_UNAVAILABLE,
		    "this kernel has no overlayfs: boot Debian's own kernel, "
		    "with its modules installed");
	return 0;
}

static bool has_controller(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", name);
	return file_has("/sys/fs/cgroup/cgroup.controllers", name) ||
	       access(path, F_OK) == 0;
}

static int check_cgroups(const struct settings *s, struct error *err)
{
	static const char *const need[] = {"memory", "pids", "cpu"};

	for (size_t i = 0; i < NELEM(need); i++) {
		if (!has_controller(need[i]))
			return error_set(err, ERR_UNAVAILABLE,
			    "the cgroup controller %s is not there: mount "
			    "cgroup2 at /sys/fs/cgroup, and see that the "
			    "kernel's command line does not switch it off",
			    need[i]);
	}
	return 0;
}

static bool has_program(const char *name)
{
	static const char *const places[] = {
	    "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

	for (size_t i = 0; i < NELEM(places); i++) {
		char path[80];

		snprintf(path, sizeof(path), "%s/%s", places[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static int check_programs(const struct settings *s, struct error *err)
{
	const char *const need[] = {s->runtime, "nft", "git"};

	for (size_t i = 0; i < NELEM(need); i++) {
		if (!has_program(need[i]))
			return error_set(err, ERR_NOT_FOUND,
			    "%s is not installed: apt-get install %s", need[i],
			    strcmp(need[i], "nft") == 0 ? "nftables" : need[i]);
	}
	return 0;
}

/* Of the state folder, or of what it will be made in. */
static int find_disk(const char *state, struct statvfs *ret)
{
	scoped_free char *path = xstrdup(state);
	char *end;

	while (statvfs(path, ret) == -1) {
		end = strrchr(path, '/');
		if (errno != ENOENT || !end || !path[1])
			return -1;
		end[end == path] = '\0'; /* the first one stays */
	}
	return 0;
}

static int check_disk(const struct settings *s, struct error *err)
{
	struct statvfs fs;

	if (find_disk(s->state, &fs) == -1)
		return 0; /* it is made later, with its own error */
	if ((uint64_t)fs.f_bavail * fs.f_frsize < FREE_MIN)
		return error_set(err, ERR_LIMIT,
		    "the disk of %s is full (less than %llu MB free): free "
		    "some, or choose another folder with --state",
		    s->state, FREE_MIN >> 20);
	return 0;
}

int host_check(const struct settings *s, struct error *err)
{
	static int (*const checks[])(const struct settings *s,
	    struct error *err) = {check_root, check_kernel, check_features,
	    check_cgroups, check_programs, check_disk};

	for (size_t i = 0; i < NELEM(checks); i++) {
		if (checks[i](s, err) == -1)
			return -1;
	}
	return 0;
}
