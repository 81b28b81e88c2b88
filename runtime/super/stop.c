#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "folders.h"
#include "proc/identity.h"

#define STOP_MARGIN_MS 60000 /* beyond what instances get to stop */

int stop_holder(const struct options *o, struct error *err)
{
	char path[80];
	struct identity id;
	scoped_fd int dir = -1;
	int fd;

	snprintf(
	    path, sizeof(path), RUN_ROOT "/%d/pid", folders_slot(&o->settings));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 || identity_read(dir, "holder", &id, err) == -1 ||
	    (fd = identity_open(&id, err)) == -1)
		return error_set(err, ERR_NOT_FOUND,
		    "no platform runs with the state folder %s (name "
		    "another with --state DIR)",
		    o->settings.state);
	return fd;
}

int stop_main(const struct options *o)
{
	const struct settings *s = &o->settings;
	struct error err = {0};
	scoped_fd int fd = stop_holder(o, &err);
	struct pollfd gone = {.fd = fd, .events = POLLIN};
	int most_ms =
	    (int)(s->stop_seconds + s->drain_seconds) * 1000 + STOP_MARGIN_MS;

	if (fd == -1)
		goto failed;
	if (pidfd_send_signal(fd, o->keep ? SIGUSR2 : SIGTERM, NULL, 0) == -1) {
		(void)error_sys(&err, "signal the platform");
		goto failed;
	}
	if (poll(&gone, 1, most_ms) == 1) {
		printf("stopped\n");
		return 0;
	}
	(void)error_set(&err, ERR_LIMIT,
	    "the platform did not stop within %d s; its log says why",
	    most_ms / 1000);
failed:
	fprintf(stderr, "paas: %s\n", err.msg);
	return 1;
}

/* In the parent: hand on what the platform says until it is ready. */
static _Noreturn void wait_ready(
    const struct options *o, int in, int log, off_t log_start)
{
	char text[4096];
	ssize_t n;

	while ((n = read(in, text, sizeof(text))) > 0) {
		(void)!write(STDOUT_FILENO, text, (size_t)n);
		if (str_find_str(str_make(text, (size_t)n), STR("ready ")) !=
		    -1)
			_exit(0);
	}
	n = pread(log, text, sizeof(text), log_start);
	if (n > 0)
		(void)!write(STDERR_FILENO, text, (size_t)n);
	fprintf(stderr, "paas: the platform did not start; see %s/server.log\n",
	    o->settings.state);
	_exit(1);
}

int detach(const struct options *o, struct error *err)
{
	char path[300];
	int pipe_fds[2], log, nul;
	off_t log_start;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/server.log", o->settings.state);
	(void)mkdir(o->settings.state, 0711);
	log = open(
	    path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (log == -1)
		return error_sys(err, "open %s", path);
	log_start = lseek(log, 0, SEEK_END);
	if (fd_pipe(pipe_fds, err) == -1)
		return -1;
	pid = fork();
	if (pid == -1)
		return error_sys(err, "fork");
	if (pid > 0) {
		close(pipe_fds[1]);
		wait_ready(o, pipe_fds[0], log, log_start);
	}
	nul = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (setsid() == -1 || dup2(nul, 0) == -1 ||
	    dup2(pipe_fds[1], 1) == -1 || dup2(log, 2) == -1)
		return error_sys(err, "go to the background");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(nul);
	close(log);
	return 0;
}
