/*
 * paas-shim - holds one instance: its output, its terminal, its exit status.
 *
 * Started by jail as root, in the instance's cgroup and network namespace,
 * and in the host's mount namespace, so that it pins no mount. Runs the OCI
 * runtime, gives up being root but for CAP_KILL, and outlives every daemon. It
 * is killed by SIGKILL alone; then the app runs on, with its log stopped.
 * Static, libc alone: there is one beside each instance.
 *
 *   paas-shim RUN/i/ID NAME UID MODE RUNTIME OWNER_UID:OWNER_GID [CONTAINER]
 *   CONTAINER: its process joins this one, by RUN/i/ID/process.json
 *   3 the folder RUN/i/ID    4 the app's log folder      5 its ctl socket
 *   6 its environment        7 pipe: "ready\n", or "error TEXT\n"
 *   8, 9, 10 in MODE job: stdin, output, report
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "drop.h"
#include "loop.h"
#include "record.h"
#include "runtime.h"
#include "stage.h"

enum { FOLDER_FD = 3, LOGS_FD, CTL_FD, ENV_FD, READY_FD };

/* No signal ends it; children get theirs back in runtime.c. */
static int settle(int *ret_signals, struct error *err)
{
	sigset_t all, child;

	(void)umask(027);
	sigfillset(&all);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	*ret_signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*ret_signals == -1 || sigprocmask(SIG_SETMASK, &all, NULL) == -1)
		return error_sys(err, "signals");
	if (prctl(PR_SET_NAME, "paas-shim") == -1 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		return error_sys(err, "prctl");
	return chdir("/") == -1 ? error_sys(err, "chdir") : 0;
}

/*
 * A number that was not handed in (the log folder, in a job) may not be given
 * to what is opened here: it is closed later under the name it has above.
 */
static int fill_gaps(const struct options *o, struct error *err)
{
	int last = o->mode == MODE_JOB ? JOB_REPORT : READY_FD;

	for (int fd = 0; fd <= last; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
			return error_sys(err, "open /dev/null");
	return 0;
}

/* Let go of what only the container or the start needs. */
static int let_go(const struct options *o, struct error *err)
{
	int last = o->mode == MODE_JOB ? JOB_REPORT : ENV_FD;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1)
		return error_sys(err, "open /dev/null");
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
	(void)close(null);
	(void)close(FOLDER_FD);
	if (o->mode != MODE_LOG)
		(void)close(LOGS_FD);
	for (int fd = ENV_FD; fd <= last; fd++)
		if (fd != READY_FD)
			(void)close(fd);
	return fd_nonblock(CTL_FD, true, err);
}

static int open_log(struct shim *s, struct error *err)
{
	const struct options *o = &s->options;

	s->log.out = (struct segment){.dir = LOGS_FD,
	    .name = o->name,
	    .instance = o->instance,
	    .bytes_max = o->segment_bytes,
	    .pieces = o->segments,
	    .fd = -1};
	if (segment_resume(&s->log.out, err) == -1)
		return -1;
	log_init(&s->log, clock_mono_us());
	return 0;
}

/* What the loop holds, by mode; a job's descriptors are its builder's. */
static int hold(struct shim *s, const struct stage *st, struct error *err)
{
	bool pty = s->options.mode == MODE_PTY;

	ctl_init(&s->ctl, CTL_FD);
	if (s->options.mode == MODE_LOG) {
		memcpy(s->output, st->output, sizeof(s->output));
		return open_log(s, err);
	}
	if (s->options.mode != MODE_JOB)
		attach_init(
		    &s->attach, pty, st->input, st->output[0], clock_mono_ms());
	return 0;
}

/* Start the container, then be no more than is needed to hold it. */
static int start(struct shim *s, struct error *err)
{
	const struct options *o = &s->options;
	struct stage st = STAGE_NONE;
	int made;

	if (fill_gaps(o, err) == -1 || settle(&s->signals, err) == -1)
		return -1;
	made = stage_make(o, FOLDER_FD, &st, err);
	s->own = st.own;
	if (made == -1 || runtime_run(o, &st, s->signals, &s->pid, err) == -1 ||
	    stage_started(o, &st, err) == -1 ||
	    record_pid(s->own, s->pid, err) == -1 || let_go(o, err) == -1 ||
	    hold(s, &st, err) == -1)
		return -1;
	return drop_root(o, s->own, err);
}

static int fail(const struct shim *s, const struct error *err)
{
	char text[sizeof(err->msg) + 16];
	int n = snprintf(text, sizeof(text), "error %s\n", err->msg);

	if (s->pid > 0)
		(void)kill(s->pid, SIGKILL);
	if (s->own != -1)
		(void)record_failure(s->own, err->msg, NULL);
	(void)!write(READY_FD, text, (size_t)n);
	return 1;
}

int main(int argc, char **argv)
{
	static struct shim shim; /* zeros: its pages are no file's */
	struct error err = {0};

	shim.own = shim.signals = shim.output[0] = shim.output[1] = -1;
	if (options_parse(argc, (const char *const *)argv, getenv("PAAS_SHIM"),
	        &shim.options, &err) == -1 ||
	    start(&shim, &err) == -1)
		return fail(&shim, &err);
	(void)!write(READY_FD, "ready\n", 6);
	(void)close(READY_FD);
	loop_run(&shim);
	return 0;
}
