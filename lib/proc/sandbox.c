#include "proc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

int sandbox_user(const struct roles *r, enum role role, struct error *err)
{
	uid_t uid = r->of[role].uid;
	gid_t gid = r->of[role].gid;
	uid_t ruid, euid, suid;

	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		return error_sys(err, "become %s", role_user(role));
	if (getresuid(&ruid, &euid, &suid) == -1 || ruid != uid ||
	    euid != uid || suid != uid || (uid != 0 && setuid(0) != -1))
		return error_set(
		    err, ERR_INTERNAL, "still not %s", role_user(role));
	return 0;
}

int sandbox_basic(struct error *err)
{
	struct rlimit none = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return error_sys(err, "no_new_privs");
	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return error_sys(err, "no core dumps");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return error_sys(err, "not dumpable");
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) == -1)
		return error_sys(err, "outlive the parent");
	return 0;
}

int sandbox_chroot(const char *dir, struct error *err)
{
	if (chroot(dir) == -1 || chdir("/") == -1)
		return error_sys(err, "chroot to %s", dir);
	return 0;
}

/* --- landlock ------------------------------------------------------------ */

#define LANDLOCK_READ                                                          \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define LANDLOCK_WRITE                                                         \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |       \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |     \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM |        \
	    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO)
#define LANDLOCK_NEVER                                                         \
	(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define LANDLOCK_FILE                                                          \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |        \
	    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_TRUNCATE)
#define LANDLOCK_REFER (1ULL << 13)    /* ABI 2: rename between folders */
#define LANDLOCK_TRUNCATE (1ULL << 14) /* ABI 3 */

static uint64_t handled(int abi)
{
	return LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_NEVER |
	       LANDLOCK_ACCESS_FS_EXECUTE | (abi >= 2 ? LANDLOCK_REFER : 0) |
	       (abi >= 3 ? LANDLOCK_TRUNCATE : 0);
}

static int add_path(
    int ruleset, uint64_t mask, const struct sandbox_path *p, struct error *err)
{
	scoped_fd int fd = open(p->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {.parent_fd = fd};
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return error_sys(err, "open %s", p->path);
	rule.allowed_access = LANDLOCK_READ;
	if (p->write)
		rule.allowed_access |=
		    LANDLOCK_WRITE | LANDLOCK_REFER | LANDLOCK_TRUNCATE;
	if (p->exec)
		rule.allowed_access |= LANDLOCK_ACCESS_FS_EXECUTE;
	rule.allowed_access &= mask;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= LANDLOCK_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
	        &rule, 0) == -1)
		return error_sys(err, "allow %s", p->path);
	return 0;
}

/* The version of the kernel's landlock; less than 1: it has none. */
static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
}

bool sandbox_has_landlock(void)
{
	return landlock_abi() >= 1;
}

int sandbox_paths(const struct sandbox_path *paths, size_t n, bool *ret_missing,
    struct error *err)
{
	long abi = landlock_abi();
	struct landlock_ruleset_attr attr = {0};
	scoped_fd int ruleset = -1;

	*ret_missing = abi < 1;
	if (abi < 1)
		return 0;
	attr.handled_access_fs = handled((int)abi);
	ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset == -1)
		return error_sys(err, "landlock");
	for (size_t i = 0; i < n; i++) {
		if (add_path(ruleset, attr.handled_access_fs, paths + i, err) ==
		    -1)
			return error_wrap(err, "landlock");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) == -1)
		return error_sys(err, "landlock");
	return 0;
}

/* --- seccomp ------------------------------------------------------------- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "name this machine's audit architecture"
#endif

#define FILTER_MAX 64
#define LOAD(field)                                                            \
	((struct sock_filter)BPF_STMT(                                         \
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field)))
#define LOAD_ARG0 LOAD(args[0])
#define RETURN(value) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (value)))
#define SKIP_UNLESS(value, skip)                                               \
	((struct sock_filter)BPF_JUMP(                                         \
	    BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip)))
#define REFUSE (SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA))

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void add(struct filter *f, struct sock_filter what)
{
	f->code[f->n++] = what;
}

static void refuse(struct filter *f, unsigned call)
{
	add(f, SKIP_UNLESS(call, 1));
	add(f, RETURN(REFUSE));
}

/* socket() of any family but AF_UNIX; its number stays loaded otherwise. */
static void refuse_inet(struct filter *f)
{
	add(f, SKIP_UNLESS(SYS_socket, 4));
	add(f, LOAD_ARG0);
	add(f, SKIP_UNLESS(AF_UNIX, 1));
	add(f, RETURN(SECCOMP_RET_ALLOW));
	add(f, RETURN(REFUSE));
}

static void build_filter(struct filter *f, unsigned calls)
{
	add(f, LOAD(arch));
	add(f, SKIP_UNLESS(ARCH, 1));
	add(f, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1));
	add(f, RETURN(SECCOMP_RET_KILL_PROCESS));
	add(f, LOAD(nr));
#if defined(__x86_64__)
	/* The x32 numbers would pass by the list. */
	add(f, (struct sock_filter)BPF_JUMP(
	           BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1));
	add(f, RETURN(SECCOMP_RET_KILL_PROCESS));
#endif
	if (calls & SANDBOX_NO_EXEC) {
		refuse(f, SYS_execve);
		refuse(f, SYS_execveat);
	}
	if (calls & SANDBOX_NO_FORK) {
		refuse(f, SYS_clone);
		refuse(f, SYS_clone3);
#ifdef SYS_fork
		refuse(f, SYS_fork);
		refuse(f, SYS_vfork);
#endif
	}
	if (calls & SANDBOX_NO_SOCKET) {
		refuse(f, SYS_socket);
		refuse(f, SYS_socketpair);
	} else if (calls & SANDBOX_NO_INET) {
		refuse_inet(f);
	}
	/* io_uring opens sockets that no filter sees. */
	refuse(f, SYS_io_uring_setup);
	/* Nobody here traces, mounts, or changes namespaces. */
	refuse(f, SYS_ptrace);
	refuse(f, SYS_mount);
	refuse(f, SYS_unshare);
	refuse(f, SYS_setns);
	refuse(f, SYS_bpf);
	add(f, RETURN(SECCOMP_RET_ALLOW));
}

int sandbox_calls(unsigned calls, struct error *err)
{
	struct filter f = {.n = 0};
	struct sock_fprog program;

	build_filter(&f, calls);
	program = (struct sock_fprog){.len = f.n, .filter = f.code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1)
		return error_sys(err, "seccomp");
	return 0;
}

int sandbox_rlimit(int resource, uint64_t limit, struct error *err)
{
	struct rlimit now, want = {limit, limit};

	if (getrlimit((__rlimit_resource_t)resource, &now) == -1)
		return error_sys(err, "rlimit %d", resource);
	if (now.rlim_max != RLIM_INFINITY && want.rlim_max > now.rlim_max)
		want = (struct rlimit){now.rlim_max, now.rlim_max};
	if (setrlimit((__rlimit_resource_t)resource, &want) == -1)
		return error_sys(err, "rlimit %d", resource);
	return 0;
}

/* --- all at once --------------------------------------------------------- */

int sandbox_daemon(const struct roles *r, enum role role,
    const struct sandbox_path *paths, size_t n, struct error *err)
{
	bool missing;

	if (sandbox_basic(err) == -1 || sandbox_user(r, role, err) == -1 ||
	    sandbox_paths(paths, n, &missing, err) == -1)
		return -1;
	return sandbox_calls(
	    SANDBOX_NO_EXEC | SANDBOX_NO_INET | SANDBOX_NO_FORK, err);
}
