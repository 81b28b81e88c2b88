#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define ENV_FD 6 /* as jail hands it over; becomes 3 */
#define LOG_FD 5 /* in the runtime; closed before the container */
#define CGROUP "/sys/fs/cgroup"
#define HYBRID CGROUP "/unified"
#define TMPFS_MAGIC 0x01021994
#define ARGS_MAX 20
#define WORDS_ROOM 1024 /* of the runtime's last words */
#define PID_FILE "runtime-pid"
#define OOM_SCORE "500" /* of apps, as config.json says for new containers */

/* --- in the child -------------------------------------------------------- */

/* crun refuses a host with both kinds of cgroups, so it sees one. */
static int hide_unified(struct error *err)
{
	struct statfs st;

	if (statfs(CGROUP, &st) == -1 || st.f_type != TMPFS_MAGIC ||
	    access(HYBRID, F_OK) == -1)
		return 0;
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    umount2(HYBRID, MNT_DETACH) == -1)
		return error_sys(err, "hide " HYBRID);
	return 0;
}

/* The runtime's exec leaves it as it is. */
static int set_oom_score(struct error *err)
{
	scoped_fd int fd =
	    open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd == -1 || write(fd, OOM_SCORE, 3) != 3)
		return error_sys(err, "set the OOM score");
	return 0;
}

/* All sources are above LOG_FD, so no target overwrites one. */
static int place_fds(
    const struct options *o, const struct stage *st, struct error *err)
{
	const struct {
		int from, to;
	} fds[] = {{st->child[0], 0}, {st->child[1], 1}, {st->child[2], 2},
	    {ENV_FD, 3}, {JOB_REPORT, 4}};

	for (size_t i = 0; i < NELEM(fds); i++) {
		if (fds[i].to == 4 && o->mode != MODE_JOB)
			(void)close(4);
		else if (dup2(fds[i].from, fds[i].to) == -1)
			return error_sys(err, "descriptor %d", fds[i].to);
	}
	if (syscall(SYS_close_range, LOG_FD + 1, ~0u, 0) == -1)
		return error_sys(err, "close descriptors");
	return 0;
}

struct command {
	const char *args[ARGS_MAX];
	char root[PATH_ROOM + 8], pid_file[PATH_ROOM];
	char console[PATH_ROOM], process[PATH_ROOM], path[4096];
};

static bool is_runc(const char *path)
{
	return str_ends(str_z(path), STR("/runc"));
}

static void make_command(const struct options *o, struct command *c)
{
	const char **arg = c->args;

	(void)snprintf(c->root, sizeof(c->root), "--root=%s", o->root);
	(void)snprintf(
	    c->path, sizeof(c->path), "PATH=%s", getenv("PATH") ?: "");
	stage_path(o, PID_FILE, c->pid_file);
	stage_path(o, "console", c->console);
	(void)snprintf(
	    c->process, sizeof(c->process), "%s/process.json", o->folder);
	*arg++ = o->runtime;
	*arg++ = c->root;
	*arg++ = "--log=/proc/self/fd/5";
	if (!is_runc(o->runtime))
		*arg++ = "--cgroup-manager=disabled";
	*arg++ = o->container ? "exec" : "run";
	*arg++ = "--detach";
	*arg++ = o->container ? "--process" : "--bundle";
	*arg++ = o->container ? c->process : o->folder;
	*arg++ = "--pid-file";
	*arg++ = c->pid_file;
	*arg++ = "--preserve-fds";
	*arg++ = o->mode == MODE_JOB ? "2" : "1";
	if (o->mode == MODE_PTY) {
		*arg++ = "--console-socket";
		*arg++ = c->console;
	}
	*arg++ = o->container ? o->container : o->id;
	*arg = NULL;
}

static _Noreturn void in_child(const struct options *o, const struct stage *st)
{
	struct command c;
	char *env[] = {c.path, NULL};
	struct error err = {0};
	sigset_t none;

	make_command(o, &c);
	(void)umask(022);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(st->complaints, LOG_FD) == -1)
		_exit(127);
	if (hide_unified(&err) == 0 &&
	    (!o->container || set_oom_score(&err) == 0) &&
	    place_fds(o, st, &err) == 0) {
		(void)execve(o->runtime, (char *const *)c.args, env);
		(void)error_sys(&err, "execute it");
	}
	(void)!write(LOG_FD, err.msg, strlen(err.msg));
	_exit(127);
}

/* --- in the parent ------------------------------------------------------- */

/* Files and devices get back what the runtime took them from. */
static void restore_owner(int fd, const struct stat *before)
{
	if (S_ISREG(before->st_mode) || S_ISCHR(before->st_mode) ||
	    S_ISBLK(before->st_mode))
		(void)fchown(fd, before->st_uid, before->st_gid);
}

/* Its exit status; it is killed when it takes too long. */
static int wait_for(pid_t pid, int signals, int *ret, struct error *err)
{
	uint64_t end = clock_mono_ms() + RUNTIME_SECONDS * 1000;
	struct signalfd_siginfo info;
	pid_t got;

	while ((got = waitpid(pid, ret, WNOHANG)) == 0) {
		uint64_t now = clock_mono_ms();
		struct pollfd p = {.fd = signals, .events = POLLIN};

		if (now >= end) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, ret, 0);
			return error_set(err, ERR_SYSTEM,
			    "not done after %d seconds", RUNTIME_SECONDS);
		}
		if (poll(&p, 1, (int)(end - now)) > 0)
			(void)!read(signals, &info, sizeof(info));
	}
	return got == -1 ? error_sys(err, "wait for it") : 0;
}

/* The last line of text, printable; runc's is the value of msg="...". */
static void last_line(struct str text, char *out, size_t size)
{
	struct str line = {0}, rest = text;
	ssize_t at;

	while (str_split(&rest, '\n', &text))
		if (text.len > 0)
			line = text;
	at = str_find_str(line, STR("msg=\""));
	if (at != -1)
		line = str_sub(line, (size_t)at + 5, line.len - 1);
	str_copy(line, out, size);
	for (; *out; out++)
		if (*out < ' ' || *out > '~')
			*out = '?';
}

/* What it said in its log, or else where its container would write. */
static int complain(const struct stage *st, int status, struct error *err)
{
	char text[WORDS_ROOM], words[sizeof(err->msg) / 2];
	off_t size = lseek(st->complaints, 0, SEEK_END);
	off_t from = size > WORDS_ROOM ? size - WORDS_ROOM : 0;
	ssize_t n = pread(st->complaints, text, sizeof(text), from);

	if (n <= 0 && st->output[1] != -1)
		n = read(st->output[1], text, sizeof(text));
	else if (n <= 0 && st->output[0] != -1)
		n = read(st->output[0], text, sizeof(text));
	last_line(str_make(text, n > 0 ? (size_t)n : 0), words, sizeof(words));
	if (words[0])
		return error_set(err, ERR_SYSTEM, "%s", words);
	if (WIFSIGNALED(status))
		return error_set(
		    err, ERR_SYSTEM, "ended by signal %d", WTERMSIG(status));
	return error_set(
	    err, ERR_SYSTEM, "exited with status %d", WEXITSTATUS(status));
}

/* The pid file, which is removed. */
static int take_pid(const struct stage *st, pid_t *ret, struct error *err)
{
	scoped_fd int fd =
	    openat(st->own, PID_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[16];
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof(text));
	struct str rest, word;
	uint64_t pid;

	if (n <= 0)
		return error_sys(err, "read its pid file");
	rest = str_make(text, (size_t)n);
	if (!str_split(&rest, '\n', &word) || !str_u64(word, INT32_MAX, &pid) ||
	    pid < 2)
		return error_set(err, ERR_SYSTEM, "its pid file");
	(void)unlinkat(st->own, PID_FILE, 0);
	*ret = (pid_t)pid;
	return 0;
}

int runtime_run(const struct options *o, const struct stage *st, int signals,
    pid_t *ret_pid, struct error *err)
{
	struct stat in = {0}, out = {0};
	pid_t pid, first = 0;
	int status, result;

	(void)fstat(st->child[0], &in);
	(void)fstat(st->child[1], &out);
	pid = fork();
	if (pid == 0)
		in_child(o, st);
	if (pid == -1)
		return error_sys(err, "fork");
	result = wait_for(pid, signals, &status, err);
	restore_owner(st->child[0], &in);
	restore_owner(st->child[1], &out);
	if (result == 0 && status != 0)
		result = complain(st, status, err);
	if (result == 0)
		result = take_pid(st, ret_pid, err);
	else if (take_pid(st, &first, NULL) == 0)
		(void)kill(first, SIGKILL);
	return result == 0 ? 0 : error_wrap(err, "%s", o->runtime);
}
