#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define SPARE_FD 200 /* where descriptors wait while they are put in place */

/* Signals as a fresh program expects them. */
static void reset_signals(void)
{
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int move(int from, int to, struct error *err)
{
	if (from == to)
		return fd_cloexec(to, false, err);
	return dup2(from, to) == -1 ? error_sys(err, "descriptor %d", to) : 0;
}

/*
 * Put all descriptors where they belong: first out of each other's way, then
 * to their numbers; the pipe for errors (and the program) stay above.
 */
static int place_fds(
    const struct spawn *s, int *report, int *program, struct error *err)
{
	int spare[64];
	int nul, highest = 2;

	if (s->nfds > 64)
		return error_set(err, ERR_LIMIT, "%d descriptors", s->nfds);
	for (int i = 0; i < s->nfds; i++) {
		spare[i] = fcntl(s->fds[i].from, F_DUPFD_CLOEXEC, SPARE_FD);
		if (spare[i] == -1)
			return error_sys(err, "descriptor %d", s->fds[i].from);
	}
	*report = fcntl(*report, F_DUPFD_CLOEXEC, SPARE_FD);
	if (*program > 0)
		*program = fcntl(*program, F_DUPFD_CLOEXEC, SPARE_FD);
	nul = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (*report == -1 || nul == -1)
		return error_sys(err, "descriptors of a program");
	if (dup2(nul, 0) == -1 || dup2(nul, 1) == -1)
		return error_sys(err, "standard streams");
	for (int i = 0; i < s->nfds; i++) {
		if (move(spare[i], s->fds[i].to, err) == -1)
			return -1;
		if (s->fds[i].to > highest)
			highest = s->fds[i].to;
	}
	/* What was not named: closed if it lies between, at exec otherwise. */
	for (int fd = 3; fd <= highest; fd++) {
		int named = 0;

		for (int i = 0; i < s->nfds; i++)
			named |= s->fds[i].to == fd;
		if (!named)
			close(fd);
	}
	(void)syscall(SYS_close_range, (unsigned)highest + 1, ~0u,
	    4u /* CLOSE_RANGE_CLOEXEC */);
	return 0;
}

static _Noreturn void in_child(const struct spawn *s, int report)
{
	static const char *const empty[] = {NULL};
	const char *const *env = s->env ? s->env : empty;
	struct error err = {0};
	int program = s->exec_fd;

	reset_signals();
	if (s->session)
		(void)setsid();
	if (place_fds(s, &report, &program, &err) == 0 &&
	    (!s->child || s->child(s->arg, &err) == 0)) {
		if (program > 0)
			fexecve(program, (char *const *)s->argv,
			    (char *const *)env);
		else
			execve(s->argv[0], (char *const *)s->argv,
			    (char *const *)env);
		(void)error_sys(&err, "execute %s", s->argv[0]);
	}
	(void)!write(report, &err, sizeof(err));
	_exit(127);
}

pid_t spawn(const struct spawn *s, struct error *err)
{
	struct error child_err;
	int pipe_fds[2];
	pid_t pid;
	ssize_t n;

	if (fd_pipe(pipe_fds, err) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		in_child(s, pipe_fds[1]);
	close(pipe_fds[1]);
	if (pid == -1) {
		close(pipe_fds[0]);
		return error_sys(err, "fork");
	}
	do
		n = read(pipe_fds[0], &child_err, sizeof(child_err));
	while (n == -1 && errno == EINTR);
	close(pipe_fds[0]);
	if (n == (ssize_t)sizeof(child_err)) {
		(void)waitpid(pid, NULL, 0);
		child_err.msg[sizeof(child_err.msg) - 1] = '\0';
		if (err)
			*err = child_err;
		return -1;
	}
	return pid;
}

int spawn_wait(const struct spawn *s, struct error *err)
{
	pid_t pid = spawn(s, err);
	int status;

	if (pid == -1)
		return -1;
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return error_sys(err, "wait for %s", s->argv[0]);
	}
	if (WIFSIGNALED(status))
		return error_set(err, ERR_SYSTEM, "%s was ended by signal %d",
		    s->argv[0], WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return error_set(err, ERR_SYSTEM, "%s exited with status %d",
		    s->argv[0], WEXITSTATUS(status));
	return 0;
}
