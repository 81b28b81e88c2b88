/* calls - system calls that are not for apps. */
#include "abuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define FILES_MAX 65536
#define X32_BIT 0x40000000

static void sys_bpf(void)
{
	/* BPF_MAP_CREATE: an array of one number */
	unsigned attr[32] = {2, 4, 4, 1};

	for (int command = 0; command < 6; command++)
		must_fail(syscall(SYS_bpf, command, attr, sizeof(attr)), "bpf");
}

static void sys_perf(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
	    .size = sizeof(attr),
	    .config = PERF_COUNT_SW_CPU_CLOCK,
	    .exclude_kernel = 1};

	must_fail(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0), "perf");
}

static void sys_modules_kexec(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	must_fail(syscall(SYS_init_module, "", 0, ""), "init_module");
	must_fail(syscall(SYS_finit_module, fd, "", 0), "finit_module");
	must_fail(syscall(SYS_delete_module, "x", 0), "delete_module");
	must_fail(syscall(SYS_kexec_load, 0, 0, NULL, 0), "kexec_load");
	must_fail(
	    syscall(SYS_kexec_file_load, fd, fd, 0, NULL, 0), "kexec_file");
	close(fd);
}

static void sys_keyring(void)
{
	must_fail(
	    syscall(SYS_add_key, "user", "x", "y", 1, KEY_SPEC_USER_KEYRING),
	    "add_key");
	must_fail(
	    syscall(SYS_request_key, "user", "x", NULL, 0), "request_key");
	must_fail(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
	              KEY_SPEC_USER_KEYRING, 0),
	    "keyctl");
}

static void sys_userfaultfd(void)
{
	must_fail(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd");
	must_fail(
	    syscall(SYS_userfaultfd, O_CLOEXEC | 1), "of user mode alone");
}

static void sys_io_uring(void)
{
	char params[120] = {0};

	must_fail(syscall(SYS_io_uring_setup, 8, params), "io_uring_setup");
	must_fail(syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL, 0), "enter");
}

/* clone with a namespace flag; a child that came to be ends at once. */
static void try_clone(unsigned long flag, const char *what)
{
	long pid = syscall(SYS_clone, flag | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	if (pid == -1)
		return;
	waitpid((pid_t)pid, NULL, 0);
	bad("clone with %s", what);
}

static void sys_clone_userns(void)
{
	try_clone(CLONE_NEWUSER, "a user namespace");
	try_clone(CLONE_NEWUSER | CLONE_NEWNET, "a user and net namespace");
}

static void sys_clone_ns(void)
{
	try_clone(CLONE_NEWNS, "a mount namespace");
	try_clone(CLONE_NEWNET, "a net namespace");
	try_clone(CLONE_NEWPID, "a pid namespace");
	try_clone(CLONE_NEWIPC, "an ipc namespace");
	try_clone(CLONE_NEWUTS, "a uts namespace");
	try_clone(CLONE_NEWCGROUP, "a cgroup namespace");
	must_fail(unshare(CLONE_NEWNS), "unshare mounts");
	must_fail(unshare(CLONE_NEWNET), "unshare net");
	must_fail(unshare(CLONE_NEWTIME), "unshare time");
}

static void sys_clone3(void)
{
	uint64_t args[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
	long pid = syscall(SYS_clone3, args, sizeof(args));

	if (pid == 0)
		_exit(0);
	if (pid != -1)
		bad("clone3 with a user namespace");
	else if (errno != ENOSYS)
		bad("clone3 is answered with %s", strerror(errno));
}

static void sys_set_time(void)
{
	struct timespec now;
	struct timeval tv;
	struct timex t = {0};

	/* What is set is what is: harmless where it works. */
	if (clock_gettime(CLOCK_REALTIME, &now) == -1 || adjtimex(&t) == -1)
		broken("there is no time");
	gettimeofday(&tv, NULL);
	t.modes = ADJ_FREQUENCY;
	must_fail(clock_settime(CLOCK_REALTIME, &now), "clock_settime");
	must_fail(settimeofday(&tv, NULL), "settimeofday");
	must_fail(adjtimex(&t), "adjtimex");
}

static void sys_reboot_swap_acct(void)
{
	must_fail(
	    syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL), "reboot");
	must_fail(swapon("/tmp/x", 0), "swapon");
	must_fail(swapoff("/tmp/x"), "swapoff");
	must_fail(syscall(SYS_acct, NULL), "acct");
	must_fail(syscall(SYS_quotactl, 0, NULL, 0, NULL), "quotactl");
	must_fail(syscall(SYS_vhangup), "vhangup");
}

static void sys_mount_api(void)
{
	must_fail(syscall(SYS_fsopen, "tmpfs", 0), "fsopen");
	must_fail(syscall(SYS_fsmount, 0, 0, 0), "fsmount");
	must_fail(syscall(SYS_open_tree, AT_FDCWD, "/", 1), "open_tree");
	must_fail(syscall(SYS_move_mount, 0, "", 0, "", 4), "move_mount");
	must_fail(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, NULL, 0),
	    "mount_setattr");
}

static void sys_fanotify(void)
{
	must_fail(syscall(SYS_fanotify_init, 0, 0), "fanotify");
}

static void sys_io_ports(void)
{
	must_fail(syscall(SYS_iopl, 3), "iopl");
	must_fail(syscall(SYS_ioperm, 0x80, 1, 1), "ioperm");
}

static void sys_other_processes(void)
{
	char byte;
	struct iovec v = {&byte, 1};

	must_fail(syscall(SYS_process_vm_readv, 1, &v, 1, &v, 1, 0),
	    "process_vm_readv");
	must_fail(syscall(SYS_process_vm_writev, 1, &v, 1, &v, 1, 0),
	    "process_vm_writev");
	must_fail(syscall(SYS_kcmp, 1, getpid(), 0, 0, 0), "kcmp");
	must_fail(
	    syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0), "move_pages");
	must_fail(
	    syscall(SYS_migrate_pages, 0, 0, NULL, NULL), "migrate_pages");
}

static void sys_priority(void)
{
	struct sched_param p = {.sched_priority = 50};

	must_fail(setpriority(PRIO_PROCESS, 0, -10), "raises its priority");
	must_fail(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p),
	    "becomes a real-time process");
	must_fail(syscall(SYS_ioprio_set, 1, 0, 1 << 13), "real-time I/O");
}

static void oom_score(void)
{
	char text[32];
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd != -1 && write(fd, "-1000", 5) == 5)
		bad("is spared by the OOM killer");
	if (fd != -1)
		close(fd);
	if (!slurp("/proc/1/oom_score_adj", text, sizeof(text)))
		broken("no oom_score_adj");
	if (text[0] == '-' || text[0] == '0')
		bad("oom_score_adj is %s", text);
}

static void set_hostname(void)
{
	must_fail(sethostname("x", 1), "sethostname");
	must_fail(setdomainname("x", 1), "setdomainname");
}

static void core_dumps_off(void)
{
	struct rlimit r, more = {4096, 4096};

	if (getrlimit(RLIMIT_CORE, &r) == -1 || r.rlim_max != 0)
		bad("it may dump core");
	must_fail(setrlimit(RLIMIT_CORE, &more), "raises RLIMIT_CORE");
}

static void open_files_limit(void)
{
	struct rlimit r, more;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_max > FILES_MAX)
		bad("it may open %lu files", (unsigned long)r.rlim_max);
	more = (struct rlimit){r.rlim_max + 1, r.rlim_max + 1};
	must_fail(setrlimit(RLIMIT_NOFILE, &more), "raises RLIMIT_NOFILE");
}

/* A second system call table would go round the filter. */
static void other_architectures(void)
{
#ifdef __x86_64__
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		long got;

		/* mkdir(NULL) of i386: EFAULT says that it got through */
		__asm__ volatile("int $0x80"
		                 : "=a"(got)
		                 : "a"(39L), "b"(0L), "c"(0L)
		                 : "memory");
		_exit(got == -EFAULT ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		bad("system calls of i386");
	if (syscall(X32_BIT | SYS_getpid) > 0)
		bad("system calls of x32");
#else
	none("there is one architecture alone");
#endif
}

static void change_personality(void)
{
	must_fail(personality(ADDR_NO_RANDOMIZE), "turns off randomisation");
	must_fail(personality(READ_IMPLIES_EXEC), "read implies exec");
}

static void strange_calls(void)
{
	must_fail(syscall(SYS_lookup_dcookie, 0, NULL, 0), "lookup_dcookie");
	must_fail(syscall(SYS_mbind, NULL, 0, 0, NULL, 0, 0), "mbind");
	must_fail(syscall(SYS_set_mempolicy, 0, NULL, 0), "set_mempolicy");
	must_fail(syscall(450 + 400), "a call without a number");
}

const struct check call_checks[] = {
    {"calls", "sys-bpf", sys_bpf},
    {"calls", "sys-perf", sys_perf},
    {"calls", "sys-modules-kexec", sys_modules_kexec},
    {"calls", "sys-keyring", sys_keyring},
    {"calls", "sys-userfaultfd", sys_userfaultfd},
    {"calls", "sys-io-uring", sys_io_uring},
    {"calls", "sys-clone-userns", sys_clone_userns},
    {"calls", "sys-clone-ns", sys_clone_ns},
    {"calls", "sys-clone3", sys_clone3},
    {"calls", "sys-set-time", sys_set_time},
    {"calls", "sys-reboot-swap-acct", sys_reboot_swap_acct},
    {"calls", "sys-mount-api", sys_mount_api},
    {"calls", "sys-fanotify", sys_fanotify},
    {"calls", "sys-io-ports", sys_io_ports},
    {"calls", "sys-other-processes", sys_other_processes},
    {"calls", "sys-priority", sys_priority},
    {"calls", "oom-score", oom_score},
    {"calls", "set-hostname", set_hostname},
    {"calls", "core-dumps-off", core_dumps_off},
    {"calls", "open-files-limit", open_files_limit},
    {"calls", "other-architectures", other_architectures},
    {"calls", "personality", change_personality},
    {"calls", "strange-calls", strange_calls},
    {NULL, NULL, NULL},
};
