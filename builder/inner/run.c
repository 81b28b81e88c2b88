#include "run.h"

#include <assert.h>
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

struct child_of {
	const struct run *run;
	pid_t pid; /* 0: it has ended */
	int output, code;
};

/* Take every process that has ended. */
static void reap(struct child_of *c, size_t n)
{
	int status;

	for (pid_t got; (got = waitpid(-1, &status, WNOHANG)) > 0;)
		for (size_t i = 0; i < n; i++) {
			if (c[i].pid != got)
				continue;
			c[i].pid = 0;
			c[i].code = WIFEXITED(status) ? WEXITSTATUS(status)
			                              : 128 + WTERMSIG(status);
		}
}

static void pass_on(struct runner *r, struct child_of *c, size_t n, int signo)
{
	r->stop = true;
	/* as PID 1 we stand for the whole container */
	if (getpid() == 1) {
		(void)kill(-1, signo);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (c[i].pid > 0)
			(void)kill(c[i].pid, signo);
}

static void on_signals(struct runner *r, struct child_of *c, size_t n)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(c, n);
		else
			pass_on(r, c, n, (int)info.ssi_signo);
	}
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

static bool any_runs(const struct child_of *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].pid > 0)
			return true;
	return false;
}

static void wait_turn(struct runner *r, struct child_of *c, size_t n)
{
	struct pollfd fds[RUNS_MAX + 1] = {
	    {.fd = r->signals, .events = POLLIN}};

	for (size_t i = 0; i < n; i++)
		fds[i + 1] =
		    (struct pollfd){.fd = c[i].output, .events = POLLIN};
	(void)poll(fds, n + 1, -1);
	for (size_t i = 0; i < n; i++)
		if (fds[i + 1].revents &&
		    !take_output(c[i].output, c[i].run->output))
			fd_close(&c[i].output);
	if (fds[0].revents & POLLIN)
		on_signals(r, c, n);
}

/* What it wrote last; a child it left behind may hold the pipe open. */
static void finish(struct child_of *c)
{
	struct pollfd fd = {.fd = c->output, .events = POLLIN};

	while (c->output != -1 && poll(&fd, 1, 0) == 1 &&
	       take_output(c->output, c->run->output))
		;
	fd_close(&c->output);
}

static void wait_all(struct runner *r, struct child_of *c, size_t n)
{
	while (any_runs(c, n))
		wait_turn(r, c, n);
	for (size_t i = 0; i < n; i++)
		finish(&c[i]);
}

static int start(struct child_of *c, const struct run *run, struct error *err)
{
	int pipe_fds[2] = {-1, -1};
	pid_t pid;

	*c = (struct child_of){.run = run, .output = -1, .code = -1};
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
	c->pid = pid;
	c->output = pipe_fds[0];
	return 0;
}

int run_wait(struct runner *r, const struct run *run, struct error *err)
{
	struct child_of c;

	if (start(&c, run, err) == -1)
		return -1;
	wait_all(r, &c, 1);
	return c.code;
}

void run_all(struct runner *r, struct run *runs, size_t n)
{
	struct child_of c[RUNS_MAX];
	struct error err;

	assert(n <= RUNS_MAX);
	for (size_t i = 0; i < n; i++)
		(void)start(&c[i], &runs[i], &err);
	wait_all(r, c, n);
	for (size_t i = 0; i < n; i++)
		runs[i].code = c[i].code;
}
