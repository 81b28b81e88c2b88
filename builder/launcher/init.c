#include "init.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"

/* Status as a shell gives it. */
static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
	                           : WEXITSTATUS(status);
}

/* Reap all that ended. Returns true with *ret when the child is among them. */
static int reap(pid_t child, int *ret)
{
	int status, found = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == child) {
			*ret = exit_code(status);
			found = 1;
		}
	}
	return found;
}

static void forward(pid_t child, const siginfo_t *info)
{
	/* A terminal's ^C reaches the whole group by itself. */
	if (info->si_code == SI_KERNEL && info->si_signo != SIGHUP)
		return;
	if (info->si_signo == SIGTERM)
		(void)kill(-1, SIGTERM);
	else
		(void)kill(child, info->si_signo);
}

int init_run(const char *file, char *const *argv, char *const *env)
{
	sigset_t all, old;
	pid_t child;
	int code = 0;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	child = fork();
	if (child == -1)
		return exec_complain("fork", errno);
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		_exit(exec_now(file, argv, env));
	}
	for (;;) {
		siginfo_t info;

		if (sigwaitinfo(&all, &info) == -1)
			continue;
		if (info.si_signo != SIGCHLD)
			forward(child, &info);
		else if (reap(child, &code))
			return code;
	}
}
