#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define FDS_MAX 64

/* Signals as a fresh program expects them. */
static void reset_signals(void)
{
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Copy *fd to where it is out of the way, from `above` on. */
static int lift(int *fd, int above, struct error *err)
{
	int copy = fcntl(*fd, F_DUPFD_CLOEXEC, above);

	if (copy == -1)
		return error_sys(err, "descriptor %d", *fd);
	*fd = copy;
	return 0;
}

static int put(int fd, int to, struct error *err)
{
	return dup2(fd, to) == -1 ? error_sys(err, "descriptor %d", to) : 0;
}

/* /dev/null where 0 or 1 is not named: a sandboxed caller can't open it. */
static int put_null(const struct spawn *s, struct error *err)
{
	bool named[2] = {false, false};
	scoped_fd int nul = -1;

	for (int i = 0; i < s->nfds; i++)
		if (s->fds[i].to < 2)
			named[s->fds[i].to] = true;
	if (named[0] && named[1])
		return 0;
	nul = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nul == -1 || lift(&nul, 3, err) == -1)
		return error_sys(err, "open /dev/null");
	for (int fd = 0; fd < 2; fd++)
		if (!named[fd] && put(nul, fd, err) == -1)
			return -1;
	return 0;
}

/*
 * Put all descriptors where they belong: first above all the numbers asked
 * for, then down to these. What was not named is closed by exec.
 */
static int place_fds(
    const struct spawn *s, int *report, int *program, struct error *err)
{
	int from[FDS_MAX], above = 3;

	if (s->nfds > FDS_MAX)
		return error_set(err, ERR_LIMIT, "%d descriptors", s->nfds);
	for (int i = 0; i < s->nfds; i++)
		if (s->fds[i].to >= above)
			above = s->fds[i].to + 1;
	for (int i = 0; i < s->nfds; i++) {
		from[i] = s->fds[i].from;
		if (lift(&from[i], above, err) == -1)
			return -1;
	}
	if (lift(report, above, err) == -1 ||
	    (*program > 0 && lift(program, above, err) == -1))
		return -1;
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == -1)
		return error_sys(err, "close descriptors at exec");
	(void)fd_cloexec(2, false, NULL); /* it may be closed */
	for (int i = 0; i < s->nfds; i++)
		if (put(from[i], s->fds[i].to, err) == -1)
			return -1;
	return put_null(s, err);
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
