/*
 * sandbox - giving up what a program does not need, one way only.
 *
 * Called in main before any byte from outside is read.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "ipc/role.h"

/* Become the role's user for good: groups, gid, uid; checks it worked. */
int sandbox_user(const struct roles *r, enum role role, struct error *err);
/* no_new_privs, no core dumps, not dumpable, parent's death ignored. */
int sandbox_basic(struct error *err);
/* chroot into dir and chdir to /. Needs root; call before sandbox_user. */
int sandbox_chroot(const char *dir, struct error *err);

/* Paths that landlock lets through; everything else is closed. */
struct sandbox_path {
	const char *path;
	bool write; /* also create, rename and remove */
	bool exec;
};
/*
 * Restrict the file system to these paths. Where the kernel has no landlock,
 * returns 0 and sets *ret_missing.
 */
int sandbox_paths(const struct sandbox_path *paths, size_t n, bool *ret_missing,
    struct error *err);

enum sandbox_calls {
	SANDBOX_NO_EXEC = 1,   /* execve and execveat fail with EPERM */
	SANDBOX_NO_SOCKET = 2, /* socket() and socketpair() fail */
	SANDBOX_NO_INET = 4,   /* socket() only for AF_UNIX */
	SANDBOX_NO_FORK = 8,   /* no new processes; threads too */
};
/*
 * A seccomp filter (plain BPF, no library) that refuses these with EPERM, and
 * in any case io_uring, ptrace, bpf, mounts and changes of namespace. A call
 * of another architecture ends the process.
 */
int sandbox_calls(unsigned calls, struct error *err);

int sandbox_rlimit(int resource, uint64_t limit, struct error *err);

/*
 * What a daemon is left with that has its sockets: its role's user, these
 * paths, unix sockets; no programs, no processes, no network. super says at
 * start where the kernel has no landlock.
 */
int sandbox_daemon(const struct roles *r, enum role role,
    const struct sandbox_path *paths, size_t n, struct error *err);
bool sandbox_has_landlock(void);
