#include "seccomp.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/str.h"
#include "json.h"

#if defined(__x86_64__)
#define ARCH "SCMP_ARCH_X86_64"
#elif defined(__aarch64__)
#define ARCH "SCMP_ARCH_AARCH64"
#else
#error "name this architecture for seccomp"
#endif

/* CLONE_NEW* that clone() can carry: namespaces are not for apps. */
#define CLONE_NAMESPACES 0x7e020000u

static const char *const allowed[] = {
    /* files */
    "access", "chdir", "chmod", "chown", "close", "close_range",
    "copy_file_range", "creat", "dup", "dup2", "dup3", "faccessat",
    "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat",
    "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr",
    "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs",
    "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64",
    "getxattr", "inotify_add_watch", "inotify_init", "inotify_init1",
    "inotify_rm_watch", "ioctl", "lchown", "lgetxattr", "link", "linkat",
    "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat",
    "mkdir", "mkdirat", "mknod", "mknodat", "name_to_handle_at", "newfstatat",
    "open", "openat", "openat2", "pipe", "pipe2", "pread64", "preadv",
    "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead",
    "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat",
    "renameat2", "rmdir", "sendfile", "setxattr", "splice", "stat", "statfs",
    "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee",
    "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes",
    "vmsplice", "write", "writev",
    /* waiting */
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old",
    "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd",
    "eventfd2", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents",
    "io_setup", "io_submit", "poll", "ppoll", "pselect6", "select", "signalfd",
    "signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    /* memory */
    "brk", "madvise", "map_shadow_stack", "membarrier", "memfd_create",
    "mincore", "mlock", "mlock2", "mlockall", "mmap", "mprotect", "mremap",
    "mseal", "msync", "munlock", "munlockall", "munmap", "pkey_alloc",
    "pkey_free", "pkey_mprotect", "process_madvise", "process_mrelease",
    "remap_file_pages",
    /* processes, threads, signals */
    "alarm", "arch_prctl", "capget", "capset", "execve", "execveat", "exit",
    "exit_group", "fork", "futex", "futex_requeue", "futex_wait", "futex_waitv",
    "futex_wake", "get_robust_list", "get_thread_area", "getcpu", "getpgid",
    "getpgrp", "getpid", "getppid", "getpriority", "getrlimit", "getrusage",
    "getsid", "gettid", "ioprio_get", "ioprio_set", "kill", "landlock_add_rule",
    "landlock_create_ruleset", "landlock_restrict_self", "pause", "pidfd_getfd",
    "pidfd_open", "pidfd_send_signal", "prctl", "prlimit64", "ptrace",
    "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
    "sched_setaffinity", "sched_setattr", "sched_setparam",
    "sched_setscheduler", "sched_yield", "seccomp", "set_robust_list",
    "set_thread_area", "set_tid_address", "setpgid", "setpriority", "setrlimit",
    "setsid", "sigaltstack", "tgkill", "times", "tkill", "vfork", "wait4",
    "waitid",
    /* users, time, the system's name */
    "adjtimex", "clock_adjtime", "clock_getres", "clock_gettime",
    "clock_nanosleep", "getegid", "geteuid", "getgid", "getgroups", "getitimer",
    "getrandom", "getresgid", "getresuid", "gettimeofday", "getuid",
    "nanosleep", "setfsgid", "setfsuid", "setgid", "setgroups", "setitimer",
    "setregid", "setresgid", "setresuid", "setreuid", "setuid", "sysinfo",
    "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
    "timer_settime", "uname",
    /* sockets (socket itself is below), System V and POSIX messages */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname",
    "getsockopt", "listen", "mq_getsetattr", "mq_notify", "mq_open",
    "mq_timedreceive", "mq_timedsend", "mq_unlink", "msgctl", "msgget",
    "msgrcv", "msgsnd", "recvfrom", "recvmmsg", "recvmsg", "semctl", "semget",
    "semop", "semtimedop", "sendmmsg", "sendmsg", "sendto", "setsockopt",
    "shmat", "shmctl", "shmdt", "shmget", "shutdown", "socketpair"};

static const char *const refused[] = {"acct", "add_key", "bpf", "chroot",
    "clock_settime", "delete_module", "fanotify_init", "finit_module",
    "fsconfig", "fsmount", "fsopen", "fspick", "init_module", "io_uring_enter",
    "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp",
    "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "mbind",
    "migrate_pages", "mount", "mount_setattr", "move_mount", "move_pages",
    "open_by_handle_at", "open_tree", "perf_event_open", "pivot_root",
    "process_vm_readv", "process_vm_writev", "quotactl", "quotactl_fd",
    "reboot", "request_key", "set_mempolicy", "setdomainname", "sethostname",
    "setns", "settimeofday", "stime", "swapoff", "swapon", "syslog", "umount2",
    "unshare", "userfaultfd", "vhangup"};

static void names_print(
    struct buf *out, const char *const *names, size_t n, const char *rest)
{
	buf_addz(out, "{\"names\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		json_strz(out, names[i]);
	}
	buf_addf(out, "],%s}", rest);
}

/* One allowed value of an argument: a rule of its own. */
static void value_print(
    struct buf *out, const char *name, unsigned index, unsigned value)
{
	buf_addf(out,
	    ",{\"names\":[\"%s\"],\"action\":\"SCMP_ACT_ALLOW\","
	    "\"args\":[{\"index\":%u,\"value\":%u,\"op\":\"SCMP_CMP_EQ\"}]}",
	    name, index, value);
}

void seccomp_print(struct buf *out)
{
	static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6};

	buf_addf(out,
	    "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":%d,"
	    "\"architectures\":[\"" ARCH "\"],\"syscalls\":[",
	    ENOSYS);
	names_print(
	    out, allowed, NELEM(allowed), "\"action\":\"SCMP_ACT_ALLOW\"");
	buf_addc(out, ',');
	names_print(out, refused, NELEM(refused),
	    "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1");
	for (size_t i = 0; i < NELEM(families); i++)
		value_print(out, "socket", 0, families[i]);
	/* getaddrinfo and getifaddrs ask the kernel for routes, no more */
	buf_addf(out,
	    ",{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	    "{\"index\":0,\"value\":%d,\"op\":\"SCMP_CMP_EQ\"},"
	    "{\"index\":2,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}",
	    AF_NETLINK);
	value_print(out, "personality", 0, 0);
	value_print(out, "personality", 0, 0xffffffffu);
	buf_addf(out,
	    ",{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	    "{\"index\":0,\"value\":%u,\"valueTwo\":0,"
	    "\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}",
	    CLONE_NAMESPACES);
}
