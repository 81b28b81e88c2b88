#include "drop.h"

#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

/* Of the kernel's headers, which musl does not bring along. */
#define CAP_KILL_BIT 5
#define CAPS_MOST 64 /* capabilities there may ever be */
#define CAPS_VERSION_3 0x20080522
#define SECCOMP_FILTER 2
#define SECCOMP_ALLOW 0x7fff0000u
#define SECCOMP_ERRNO 0x00050000u
#define SECCOMP_KILL 0x80000000u
#define BPF_LOAD_WORD 0x20  /* BPF_LD | BPF_W | BPF_ABS */
#define BPF_JUMP_EQUAL 0x15 /* BPF_JMP | BPF_JEQ | BPF_K */
#define BPF_RETURN 0x06     /* BPF_RET | BPF_K */
#define AT_CALL 0           /* in struct seccomp_data */
#define AT_ARCH 4
#define AT_ARG_1 24 /* its lower half, on a little-endian machine */

#if defined(__x86_64__)
#define ARCH 0xc000003eu
#elif defined(__aarch64__)
#define ARCH 0xc00000b7u
#else
#error "name this machine's audit architecture"
#endif

#define FILES_MOST 32 /* descriptors */

/* --- the user ------------------------------------------------------------ */

static int keep_kill_alone(struct error *err)
{
	struct {
		uint32_t version;
		int pid;
	} head = {.version = CAPS_VERSION_3};
	struct {
		uint32_t effective, permitted, inheritable;
	} caps[2] = {{1u << CAP_KILL_BIT, 1u << CAP_KILL_BIT, 0}};

	if (syscall(SYS_capset, &head, caps) == -1)
		return error_sys(err, "keep CAP_KILL alone");
	return 0;
}

static int become(const struct options *o, struct error *err)
{
	for (int cap = 0; cap < CAPS_MOST; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 &&
		    errno != EINVAL)
			return error_sys(err, "drop capability %d", cap);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1)
		return error_sys(err, "keep capabilities");
	if (syscall(SYS_setgroups, 0, NULL) == -1 ||
	    syscall(SYS_setresgid, o->gid, o->gid, o->gid) == -1 ||
	    syscall(SYS_setresuid, o->uid, o->uid, o->uid) == -1)
		return error_sys(err, "become user %u", (unsigned)o->uid);
	if (keep_kill_alone(err) == -1)
		return -1;
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return error_sys(err, "no new privileges");
	if (getuid() != o->uid || geteuid() != o->uid ||
	    syscall(SYS_setuid, 0) != -1)
		return error_set(
		    err, ERR_INTERNAL, "still not user %u", (unsigned)o->uid);
	return 0;
}

/* --- system calls -------------------------------------------------------- */

/* What the loop, and abort, come down to. All else is refused. */
static const uint16_t calls[] = {SYS_read, SYS_write, SYS_writev, SYS_close,
    SYS_openat, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_fchmod,
    SYS_fsync, SYS_ftruncate, SYS_fcntl, SYS_accept4, SYS_recvmsg, SYS_sendto,
    SYS_getsockopt, SYS_shutdown, SYS_kill, SYS_wait4, SYS_ppoll, SYS_madvise,
    SYS_clock_gettime, SYS_restart_syscall, SYS_exit, SYS_exit_group,
    SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_gettid, SYS_tkill,
#ifdef SYS_poll
    SYS_poll
#endif
};

struct instruction {
	uint16_t code;
	uint8_t if_true, if_false; /* instructions to skip */
	uint32_t value;
};

/*
 * Each allowed call jumps to the end, where the answer is "allow". The
 * numbers of x32 are none of these, so they are refused as well.
 */
static int limit_calls(struct error *err)
{
	struct instruction code[NELEM(calls) + 9];
	struct {
		unsigned short n;
		struct instruction *code;
	} program = {.code = code};
	unsigned short n = 0;

	code[n++] = (struct instruction){BPF_LOAD_WORD, 0, 0, AT_ARCH};
	code[n++] = (struct instruction){BPF_JUMP_EQUAL, 1, 0, ARCH};
	code[n++] = (struct instruction){BPF_RETURN, 0, 0, SECCOMP_KILL};
	code[n++] = (struct instruction){BPF_LOAD_WORD, 0, 0, AT_CALL};
	for (size_t i = 0; i < NELEM(calls); i++)
		code[n++] = (struct instruction){BPF_JUMP_EQUAL,
		    (uint8_t)(NELEM(calls) + 3 - i), 0, calls[i]};
	/* Of ioctl the one that tells a terminal its size. */
	code[n++] = (struct instruction){BPF_JUMP_EQUAL, 0, 2, SYS_ioctl};
	code[n++] = (struct instruction){BPF_LOAD_WORD, 0, 0, AT_ARG_1};
	code[n++] = (struct instruction){BPF_JUMP_EQUAL, 1, 0, TIOCSWINSZ};
	code[n++] =
	    (struct instruction){BPF_RETURN, 0, 0, SECCOMP_ERRNO | EPERM};
	code[n++] = (struct instruction){BPF_RETURN, 0, 0, SECCOMP_ALLOW};
	program.n = n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_FILTER, &program) == -1)
		return error_sys(err, "seccomp");
	return 0;
}

/* --- all of it ----------------------------------------------------------- */

static int limit(int resource, rlim_t most, struct error *err)
{
	const struct rlimit l = {most, most};

	if (setrlimit(resource, &l) == -1)
		return error_sys(err, "resource limit %d", resource);
	return 0;
}

int drop_root(const struct options *o, int own, struct error *err)
{
	if (fchown(own, o->uid, 0) == -1 || fchdir(own) == -1 ||
	    chroot(".") == -1)
		return error_sys(err, "shut in the folder s");
	if (limit(RLIMIT_CORE, 0, err) == -1 ||
	    limit(RLIMIT_NOFILE, FILES_MOST, err) == -1 || become(o, err) == -1)
		return -1;
	return limit_calls(err);
}
