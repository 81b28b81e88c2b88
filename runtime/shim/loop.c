#include "loop.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "record.h"

#define READS_A_TURN 4   /* of each FIFO */
#define READS_AT_END 256 /* more than a FIFO can hold */

enum { P_SIGNALS, P_CTL, P_LOG, P_ATTACH = P_LOG + LOG_STREAMS, P_N = 7 };

static bool attaches(const struct shim *s)
{
	return s->options.mode == MODE_PTY || s->options.mode == MODE_PIPE;
}

/* --- the container's end ------------------------------------------------- */

static bool drain(struct shim *s, int stream, int reads, uint64_t now_us)
{
	while (reads-- > 0)
		if (log_read(&s->log, stream, s->output[stream], now_us) == 0)
			return true;
	return false;
}

/* All of its processes are gone, so what is in the FIFOs is the rest. */
static void container_ended(struct shim *s, int status, uint64_t now_us)
{
	s->pid = 0;
	if (s->options.mode == MODE_LOG) {
		for (int i = 0; i < LOG_STREAMS; i++)
			(void)drain(s, i, READS_AT_END, now_us);
		log_end(&s->log);
	}
	/* Without it jail takes the instance for lost: no more can be done. */
	(void)record_exit(s->own, status, NULL);
	if (attaches(s))
		attach_exited(&s->attach, now_us / 1000);
}

/* The container's own processes, and orphans of the runtime. */
static void reap(struct shim *s, uint64_t now_us)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == s->pid)
			container_ended(s, status, now_us);
}

/* --- one turn ------------------------------------------------------------ */

static void signal_container(const struct shim *s, int signo)
{
	if (s->pid > 0 && signo > 0)
		(void)kill(s->pid, signo);
}

static void serve_ctl(struct shim *s)
{
	struct ctl_request r;

	if (!ctl_ready(&s->ctl, &r))
		return;
	signal_container(s, r.signo);
	if (r.rows && attaches(s))
		attach_resize(&s->attach, r.rows, r.cols);
	if (r.client != -1 && attaches(s) &&
	    attach_join(&s->attach, r.client, NULL) == 0)
		return;
	fd_close(&r.client);
}

static void want(const struct shim *s, struct pollfd p[P_N])
{
	p[P_SIGNALS] = (struct pollfd){s->signals, POLLIN, 0};
	p[P_CTL] = (struct pollfd){ctl_fd(&s->ctl), POLLIN, 0};
	for (int i = 0; i < LOG_STREAMS; i++)
		p[P_LOG + i] = (struct pollfd){s->output[i], POLLIN, 0};
	for (int i = P_ATTACH; i < P_N; i++)
		p[i] = (struct pollfd){-1, 0, 0};
	if (attaches(s))
		attach_want(&s->attach, p + P_ATTACH);
}

/* Milliseconds to wait, as poll takes them. */
static int patience(const struct shim *s, uint64_t now_us)
{
	uint64_t due_us = UINT64_MAX;

	if (s->options.mode == MODE_LOG)
		due_us = log_due(&s->log);
	else if (attaches(s) && s->attach.due_ms != UINT64_MAX)
		due_us = s->attach.due_ms * 1000;
	if (due_us == UINT64_MAX)
		return -1;
	if (due_us <= now_us)
		return 0;
	return (int)((due_us - now_us + 999) / 1000);
}

static void turn(struct shim *s, const struct pollfd p[P_N], uint64_t now_us)
{
	struct signalfd_siginfo info;

	for (int i = 0; i < LOG_STREAMS; i++)
		if (p[P_LOG + i].revents)
			(void)drain(s, i, READS_A_TURN, now_us);
	if (s->options.mode == MODE_LOG)
		log_tick(&s->log, now_us);
	if (p[P_CTL].revents)
		serve_ctl(s);
	if (p[P_SIGNALS].revents &&
	    read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		reap(s, now_us);
	if (attaches(s))
		signal_container(
		    s, attach_turn(&s->attach, p + P_ATTACH, now_us / 1000));
}

void loop_run(struct shim *s)
{
	struct pollfd p[P_N];

	reap(s, clock_mono_us()); /* it may have been quick */
	while (s->pid > 0 || (attaches(s) && s->attach.state != ATTACH_DONE)) {
		want(s, p);
		(void)poll(p, P_N, patience(s, clock_mono_us()));
		turn(s, p, clock_mono_us());
	}
}
