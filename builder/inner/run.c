#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

int runner_open(struct runner *ret, struct error *err)
{
	static const int signos[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < NELEM(signos); i++)
		sigaddset(&set, signos[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return error_sys(err, "block signals");
	ret->stop = false;
	ret->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return ret->signals == -1 ? error_sys(err, "signalfd") : 0;
}

static void child(const struct run *run, int output)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (output != -1 && (dup2(output, STDOUT_FILENO) == -1 ||
	                        dup2(output, STDERR_FILENO) == -1))
		_exit(126);
	if (chdir(run->dir) == 0)
		execve(run->argv[0], run->argv, run->env);
	dprintf(STDERR_FILENO, " !     %s can't be run: %s\n", run->argv[0],
	    strerror(errno));
	_exit(126);
}

/* Take every process that has ended. True when pid was among them. */
static bool reap(pid_t pid, int *status)
{
	bool found = false;
	int one;

	for (pid_t got; (got = waitpid(-1, &one, WNOHANG)) > 0;)
		if (got == pid) {
			*status = one;
			found = true;
		}
	return found;
}

/* Handle what signals came. True when pid has ended. */
static bool on_signals(struct runner *r, pid_t pid, int *status)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			ended |= reap(pid, status);
			continue;
		}
		r->stop = true;
		/* as PID 1 we stand for the whole container */
		(void)kill(getpid() == 1 ? -1 : pid, (int)info.ssi_signo);
	}
	return ended;
}

/* Read what is there. False at the end of the output. */
static bool take_output(int fd, struct buf *output)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n > 0)
		buf_add(output, str_make(bytes, (size_t)n));
	return n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR));
}

static int wait_for(struct runner *r, pid_t pid, int output, struct buf *into)
{
	struct pollfd fds[2] = {
	    {.fd = r->signals, .events = POLLIN},
	    {.fd = output, .events = POLLIN},
	};
	int status = 0;

	for (;;) {
		(void)poll(fds, 2, -1);
		if (fds[1].revents && !take_output(output, into))
			fds[1].fd = -1;
		if ((fds[0].revents & POLLIN) && on_signals(r, pid, &status))
			break;
	}
	/* what it wrote last; a child it left behind may hold the pipe open */
	while (output != -1 && poll(&fds[1], 1, 0) == 1 &&
	       take_output(output, into))
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_wait(struct runner *r, const struct run *run, struct error *err)
{
	int pipe_fds[2] = {-1, -1}, code;
	pid_t pid;

	if (run->output && fd_pipe(pipe_fds, err) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		child(run, pipe_fds[1]);
	fd_close(&pipe_fds[1]);
	if (pid == -1) {
		error_sys(err, "start %s", run->argv[0]);
		fd_close(&pipe_fds[0]);
		return -1;
	}
	code = wait_for(r, pid, pipe_fds[0], run->output);
	fd_close(&pipe_fds[0]);
	return code;
}
