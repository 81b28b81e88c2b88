/*
 * files - what the file systems let it read, write and make.
 *
 * path=PATH: a file, folder or socket that the host has.
 */
#include "abuse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 12

static void none_opens(const char *const *paths, size_t n, int flags)
{
	for (size_t i = 0; i < n; i++)
		if (opens(paths[i], flags))
			bad("opens %s", paths[i]);
}
#define NONE_OPENS(paths, flags)                                               \
	none_opens(paths, sizeof(paths) / sizeof((paths)[0]), flags)

static void rootfs_is_not_written(void)
{
	static const char *const paths[] = {"/etc/passwd", "/etc/hosts",
	    "/etc/resolv.conf", "/etc/ld.so.preload", "/usr/bin/new", "/bin/sh",
	    "/lib/new", "/new", "/cnb/lifecycle/launcher", "/cnb/lifecycle/new",
	    "/var/lib/new"};

	NONE_OPENS(paths, O_WRONLY | O_CREAT);
	if (!opens("/tmp/abuse-control", O_WRONLY | O_CREAT))
		broken("not even /tmp is written");
	unlink("/tmp/abuse-control");
}

static void proc_sys_write(void)
{
	static const char *const paths[] = {"/proc/sys/kernel/core_pattern",
	    "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname",
	    "/proc/sys/kernel/domainname", "/proc/sys/kernel/panic",
	    "/proc/sys/kernel/pid_max", "/proc/sys/vm/drop_caches",
	    "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/file-max",
	    "/proc/sys/fs/binfmt_misc/register",
	    "/proc/sys/net/ipv4/ip_forward",
	    "/proc/sys/net/ipv4/conf/all/rp_filter",
	    "/proc/sys/user/max_user_namespaces", "/proc/irq/0/smp_affinity",
	    "/proc/bus/pci/00", "/proc/acpi/wakeup"};

	NONE_OPENS(paths, O_WRONLY);
}

static void proc_sysrq(void)
{
	static const char *const paths[] = {"/proc/sysrq-trigger"};

	NONE_OPENS(paths, O_WRONLY);
}

static void kernel_memory_read(void)
{
	static const char *const paths[] = {"/dev/mem", "/dev/kmem",
	    "/dev/port", "/proc/kcore", "/proc/kpagecount", "/proc/kpageflags",
	    "/proc/kpagecgroup", "/dev/nvram", "/dev/cpu/0/msr"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (can_read(paths[i]))
			bad("reads %s", paths[i]);
}

static void proc_masked_paths(void)
{
	static const char *const paths[] = {"/proc/kcore", "/proc/keys",
	    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
	    "/proc/sched_debug", "/proc/kallsyms", "/proc/slabinfo",
	    "/proc/vmallocinfo", "/proc/pagetypeinfo", "/proc/interrupts",
	    "/proc/scsi/scsi", "/proc/acpi/wakeup", "/sys/firmware/dmi",
	    "/sys/kernel/security", "/sys/module/kernel", "/sys/kernel/debug"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (can_read(paths[i]))
			bad("reads %s", paths[i]);
}

static void kernel_log(void)
{
	static const char *const paths[] = {"/dev/kmsg", "/proc/kmsg"};
	char text[64];

	NONE_OPENS(paths, O_RDONLY);
	NONE_OPENS(paths, O_WRONLY);
	must_fail(syscall(SYS_syslog, 3, text, sizeof(text)), "reads the log");
	must_fail(syscall(SYS_syslog, 10, NULL, 0), "sizes the log");
}

/* Call fn for each entry below path, which is changed and restored. */
static void walk(
    char *path, int depth, void (*fn)(const char *path, const struct stat *st))
{
	DIR *d = depth < DEPTH_MAX ? opendir(path) : NULL;
	size_t n = strlen(path);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (n + strlen(e->d_name) + 2 > 4096)
			continue;
		path[n] = '/';
		strcpy(path + n + 1, e->d_name);
		if (lstat(path, &st) == 0) {
			fn(path, &st);
			if (S_ISDIR(st.st_mode))
				walk(path, depth + 1, fn);
		}
		path[n] = '\0';
	}
	if (d)
		closedir(d);
}

static void not_writable(const char *path, const struct stat *st)
{
	if (S_ISREG(st->st_mode) && (st->st_mode & 0222) &&
	    opens(path, O_WRONLY))
		bad("opens %s for writing", path);
}

static void sys_write(void)
{
	char path[4097] = "/sys";

	walk(path, 0, not_writable);
}

static void expected_device(const char *path, const struct stat *st)
{
	static const char *const known[] = {"/dev/null", "/dev/zero",
	    "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
	    "/dev/console", "/dev/ptmx", "/dev/pts/"};

	if (!S_ISCHR(st->st_mode) && !S_ISBLK(st->st_mode))
		return;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(path, known[i], strlen(known[i])) == 0 &&
		    S_ISCHR(st->st_mode))
			return;
	bad("the device %s is there", path);
}

static void dev_nodes(void)
{
	char path[4097] = "/dev";
	struct stat st;

	if (stat("/dev/null", &st) == -1 || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(1, 3))
		bad("/dev/null is something else");
	walk(path, 0, expected_device);
}

static void mknod_open(void)
{
	static const struct {
		mode_t kind;
		unsigned major, minor;
	} devices[] = {{S_IFCHR, 1, 1}, {S_IFCHR, 1, 11}, {S_IFCHR, 10, 200},
	    {S_IFBLK, 7, 0}, {S_IFBLK, 8, 0}, {S_IFBLK, 254, 0}};
	const char *path = "/tmp/abuse-device";

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (mknod(path, devices[i].kind | 0666,
		        makedev(devices[i].major, devices[i].minor)) == -1)
			continue;
		if (opens(path, O_RDONLY))
			bad("opens its device %u:%u", devices[i].major,
			    devices[i].minor);
		unlink(path);
	}
}

static void try_socket(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

	if (strlen(path) >= sizeof(to.sun_path))
		return;
	strcpy(to.sun_path, path);
	for (size_t i = 0; i < 3; i++) {
		int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);

		if (fd != -1 &&
		    connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
			bad("connects to %s", path);
		close(fd);
	}
}

static void host_sockets_files(void)
{
	static const char *const paths[] = {"/run/paas", "/var/run/docker.sock",
	    "/run/systemd", "/run/dbus", "/run/containerd", "/root",
	    "/var/lib/paas", "/etc/paas", "/etc/shadow", "/etc/ssh",
	    "/proc/1/root/run/paas", "/boot", "/lost+found"};
	const char *path;
	int pos = 0;
	struct stat st;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (opens(paths[i], O_RDONLY) && stat(paths[i], &st) == 0 &&
		    !S_ISDIR(st.st_mode))
			bad("reads %s", paths[i]);
		try_socket(paths[i]);
	}
	if (access("/run/paas", F_OK) == 0 ||
	    access("/var/lib/paas", F_OK) == 0)
		bad("sees the platform's folders");
	while ((path = given("path", &pos)) != NULL) {
		if (access(path, F_OK) == 0)
			bad("sees %s", path);
		try_socket(path);
	}
}

static void setuid_is_inert(void)
{
	static const char *const programs[] = {
	    "/usr/bin/su", "/usr/bin/passwd", "/usr/bin/newgrp"};
	struct stat st;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		pid_t pid;
		int status = 0;

		if (stat(programs[i], &st) == -1 || !(st.st_mode & S_ISUID))
			continue;
		pid = fork();
		if (pid == 0) {
			(void)freopen("/dev/null", "w", stdout);
			(void)freopen("/dev/null", "w", stderr);
			execl(programs[i], programs[i], "-c",
			    "test $(id -u) = 0 && exit 77", NULL);
			_exit(1);
		}
		if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		    WEXITSTATUS(status) == 77)
			bad("%s raised it", programs[i]);
	}
}

static void mounts_are_nosuid_nodev(void)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[4096], device[1024], path[1024], type[64], options[2048];

	if (!f)
		broken("no mounts to look at");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%1023s %1023s %63s %2047s", device, path,
		        type, options) != 4)
			continue;
		/* What is masked in /proc is empty. */
		if (!strstr(options, "nosuid") &&
		    strncmp(path, "/proc/", 6) != 0)
			bad("%s is not nosuid", path);
		/* /dev/null and its like are bound one by one. */
		if (!strstr(options, "nodev") &&
		    strncmp(path, "/dev", 4) != 0 &&
		    strncmp(path, "/proc/", 6) != 0)
			bad("%s is not nodev", path);
	}
	fclose(f);
}

static void trusted_attributes(void)
{
	static const char *const names[] = {"trusted.overlay.opaque",
	    "trusted.overlay.redirect", "security.capability"};
	/* VFS_CAP_REVISION_2 with every capability. */
	unsigned char caps[20] = {1, 0, 0, 2, 255, 255, 255, 255};
	int fd = open("/tmp/abuse-attr", O_CREAT | O_RDWR | O_CLOEXEC, 0755);

	if (fd == -1)
		broken("not even /tmp is written");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (fsetxattr(fd, names[i], caps, sizeof(caps), 0) == 0)
			bad("sets %s", names[i]);
	close(fd);
	unlink("/tmp/abuse-attr");
}

static void proc_root_other(void)
{
	struct stat own, other;
	DIR *d = opendir("/proc");
	struct dirent *e;
	char path[300];

	if (!d || stat("/", &own) == -1)
		broken("no /proc");
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/root/", e->d_name);
		if (stat(path, &other) == 0 &&
		    (other.st_dev != own.st_dev || other.st_ino != own.st_ino))
			bad("%s is another root", path);
	}
	closedir(d);
}

static void hard_links_to_others(void)
{
	static const char *const files[] = {
	    "/etc/shadow", "/etc/passwd", "/cnb/lifecycle/launcher"};

	for (size_t i = 0; i < 3; i++)
		if (link(files[i], "/tmp/abuse-link") == 0) {
			if (opens("/tmp/abuse-link", O_WRONLY))
				bad("links and opens %s", files[i]);
			unlink("/tmp/abuse-link");
		}
}

const struct check files_checks[] = {
    {"files", "rootfs-is-not-written", rootfs_is_not_written},
    {"files", "proc-sys-write", proc_sys_write},
    {"files", "proc-sysrq", proc_sysrq},
    {"files", "kernel-memory-read", kernel_memory_read},
    {"files", "proc-masked-paths", proc_masked_paths},
    {"files", "kernel-log", kernel_log},
    {"files", "sys-write", sys_write},
    {"files", "dev-nodes", dev_nodes},
    {"files", "mknod-open", mknod_open},
    {"files", "host-sockets-files", host_sockets_files},
    {"files", "setuid-is-inert", setuid_is_inert},
    {"files", "mounts-are-nosuid-nodev", mounts_are_nosuid_nodev},
    {"files", "trusted-attributes", trusted_attributes},
    {"files", "proc-root-other", proc_root_other},
    {"files", "hard-links-to-others", hard_links_to_others},
    {NULL, NULL, NULL},
};
