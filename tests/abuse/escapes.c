/*
 * escapes - the classic ways out of a container.
 *
 * path=PATH: a folder of the host that only an escape would reach.
 */
#include "abuse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FD_LAST 64
#define UP "../../../../../../../../"

static void cgroup_release_agent(void)
{
	mkdir("/tmp/cg", 0755);
	must_fail(mount("cgroup", "/tmp/cg", "cgroup", 0, "memory"),
	    "mounts a cgroup hierarchy");
	must_fail(mount("cgroup", "/tmp/cg", "cgroup", 0, "none,name=x"),
	    "mounts a named hierarchy");
	must_fail(
	    mount("cgroup2", "/tmp/cg", "cgroup2", 0, NULL), "mounts cgroup2");
	rmdir("/tmp/cg");
}

static void try_group(const char *dir)
{
	static const char *const files[] = {"release_agent",
	    "notify_on_release", "cgroup.procs", "memory.max",
	    "memory.limit_in_bytes", "pids.max", "cpu.max", "cpu.shares",
	    "cgroup.freeze", "cgroup.kill", "devices.allow"};
	char path[512];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		if (opens(path, O_WRONLY))
			bad("opens %s", path);
	}
}

static void cgroup_own_limits(void)
{
	static const char *const controllers[] = {"", "/memory", "/pids",
	    "/cpu", "/cpu,cpuacct", "/devices", "/freezer", "/unified",
	    "/systemd", "/blkio"};
	char dir[64];

	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]);
	     i++) {
		snprintf(dir, sizeof(dir), "/sys/fs/cgroup%s", controllers[i]);
		try_group(dir);
	}
}

static void mount_syscall(void)
{
	mkdir("/tmp/mnt", 0755);
	must_fail(mount("none", "/tmp/mnt", "tmpfs", 0, NULL), "mounts tmpfs");
	must_fail(mount("none", "/tmp/mnt", "proc", 0, NULL), "mounts proc");
	must_fail(mount("none", "/tmp/mnt", "sysfs", 0, NULL), "mounts sysfs");
	must_fail(
	    mount("/", "/tmp/mnt", NULL, MS_BIND | MS_REC, NULL), "binds");
	must_fail(
	    mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL), "remounts /");
	must_fail(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL),
	    "changes propagation");
	must_fail(umount2("/proc/keys", MNT_DETACH), "unmasks /proc/keys");
	must_fail(umount2("/etc/hosts", MNT_DETACH), "unmounts /etc/hosts");
	rmdir("/tmp/mnt");
}

static void userns_mount(void)
{
	must_fail(unshare(CLONE_NEWUSER), "makes a user namespace");
	must_fail(unshare(CLONE_NEWUSER | CLONE_NEWNS), "and mounts in it");
}

static void userns_cgroup_v1(void)
{
	must_fail(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP),
	    "makes a user and cgroup namespace (CVE-2022-0492)");
	must_fail(unshare(CLONE_NEWCGROUP), "makes a cgroup namespace");
}

static void leads_out(const char *fd)
{
	char path[512];
	const char *host;
	int pos = 0;

	while ((host = given("path", &pos)) != NULL) {
		snprintf(path, sizeof(path), "%s/" UP "%s", fd, host + 1);
		if (access(path, F_OK) == 0)
			bad("%s leads to %s", fd, host);
	}
}

/* CVE-2024-21626: a descriptor of the runtime that leads to the host. */
static void leaked_fds(void)
{
	static const char *const whose[] = {"self", "1"};
	char fd[64], to[512];

	for (int w = 0; w < 2; w++)
		for (int i = 0; i < FD_LAST; i++) {
			ssize_t n;

			snprintf(fd, sizeof(fd), "/proc/%s/fd/%d", whose[w], i);
			n = readlink(fd, to, sizeof(to) - 1);
			to[n > 0 ? n : 0] = '\0';
			if (strstr(to, "paas") || strstr(to, "cgroup"))
				bad("%s is %s", fd, to);
			leads_out(fd);
		}
	leads_out("/proc/self/cwd");
	leads_out("/proc/1/cwd");
}

/* The suite's own program is the app's. */
static bool is_own(const char *exe)
{
	struct stat own, other;

	return stat("/proc/self/exe", &own) == 0 && stat(exe, &other) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/* CVE-2019-5736: the runtime's own program, by what it executes. */
static void runtime_binary(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	char path[300];

	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
		    (pid_t)strtol(e->d_name, NULL, 10) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%s/exe", e->d_name);
		if (is_own(path))
			continue;
		/* ETXTBSY says that it may, as soon as that has ended. */
		if (opens(path, O_WRONLY) || errno == ETXTBSY)
			bad("opens %s for writing", path);
	}
	if (d)
		closedir(d);
}

/* shocker: a file handle made up from an inode's number. */
static void open_by_handle(void)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char f[8];
	} handle = {8, 1, {2, 0, 0, 0, 0, 0, 0, 0}};
	static const char *const mounts[] = {
	    "/", "/etc/hosts", "/cnb/lifecycle/launcher", "/proc"};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		int fd = open(mounts[i], O_RDONLY | O_CLOEXEC);

		must_fail(syscall(SYS_open_by_handle_at, fd, &handle, O_RDONLY),
		    mounts[i]);
		close(fd);
	}
}

static void enter_namespaces(void)
{
	static const char *const kinds[] = {
	    "mnt", "net", "pid", "user", "uts", "ipc", "cgroup"};
	char path[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/1/ns/%s", kinds[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		must_fail(setns(fd == -1 ? 0 : fd, 0), path);
		close(fd);
	}
}

static void change_root(void)
{
	must_fail(chroot("/tmp"), "chroot");
	must_fail(syscall(SYS_pivot_root, "/tmp", "/tmp"), "pivot_root");
}

static void terminal_of_others(void)
{
	char path[64];

	for (int i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/dev/pts/%d", i);
		if (access(path, F_OK) == 0 && !isatty(0) &&
		    opens(path, O_RDWR))
			bad("opens the terminal %s", path);
	}
	if (opens("/dev/tty0", O_RDWR) || opens("/dev/ttyS0", O_RDWR))
		bad("opens a terminal of the host");
}

const struct check escape_checks[] = {
    {"escapes", "cgroup-release-agent", cgroup_release_agent},
    {"escapes", "cgroup-own-limits", cgroup_own_limits},
    {"escapes", "mount-syscall", mount_syscall},
    {"escapes", "userns-mount", userns_mount},
    {"escapes", "userns-cgroup-v1", userns_cgroup_v1},
    {"escapes", "leaked-fds", leaked_fds},
    {"escapes", "runtime-binary", runtime_binary},
    {"escapes", "open-by-handle", open_by_handle},
    {"escapes", "enter-namespaces", enter_namespaces},
    {"escapes", "change-root", change_root},
    {"escapes", "terminal-of-others", terminal_of_others},
    {NULL, NULL, NULL},
};
