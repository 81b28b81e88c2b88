#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backoff.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "daemons.h"
#include "folders.h"
#include "proc/identity.h"
#include "proc/spawn.h"
#include "programs.h"
#include "super.h"

struct holder {
	const struct options *o;
	struct sockets sockets;
	int conf, self, pipe[2]; /* the pipe tells super that we live */
	bool again, replace;
};

/* Of the environment: systemd's, and who called sudo. */
static const char *const handed_on[] = {
    "NOTIFY_SOCKET", "PAAS_UNIT", "SUDO_UID"};

static pid_t start_super(struct holder *h, struct error *err)
{
	const char *argv[8] = {"paas-super", "--super"};
	char names[1024] = "PAAS_FDS=conf:3,holder:4";
	char handed[NELEM(handed_on)][300];
	const char *env[4 + NELEM(handed_on)] = {
	    names, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"};
	struct spawn_fd fds[START_FDS_MAX + 3] = {
	    {h->conf, 3}, {h->pipe[0], 4}, {STDOUT_FILENO, 1}};
	struct spawn s = {.argv = argv,
	    .env = env,
	    .fds = fds,
	    .nfds = 3,
	    .exec_fd = h->self,
	    .session = 1};
	int nargs = 2, nenv = 3;

	for (int i = 0; i < h->sockets.n; i++) {
		size_t at = strlen(names);

		snprintf(names + at, sizeof(names) - at, ",%s:%d",
		    h->sockets.items[i].name, 5 + i);
		fds[s.nfds++] =
		    (struct spawn_fd){h->sockets.items[i].fd, 5 + i};
	}
	if (h->o->keep)
		argv[nargs++] = "--keep";
	if (h->o->login)
		argv[nargs++] = "--login";
	if (h->o->detach)
		argv[nargs++] = "--detach";
	if (h->again)
		argv[nargs++] = "--again";
	if (h->replace)
		argv[nargs++] = "--replace";
	for (size_t i = 0; i < NELEM(handed_on); i++) {
		const char *value = getenv(handed_on[i]);

		if (!value)
			continue;
		snprintf(
		    handed[i], sizeof(handed[i]), "%s=%s", handed_on[i], value);
		env[nenv++] = handed[i];
	}
	return spawn(&s, err);
}

static int open_super(const struct settings *s)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/paas-super", s->libexec);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Daemons are to be replaced: by what is installed now. */
static void renew_self(struct holder *h)
{
	int fd = open_super(&h->o->settings);

	if (fd == -1) {
		log_warn("paas-super is not where it was, so the old one goes "
		         "on");
		return;
	}
	fd_close(&h->self);
	h->self = fd;
}

/* Wait for super's end, handing signals on to it. Its wait status. */
static int wait_super(struct holder *h, pid_t super)
{
	sigset_t set;
	int signo, status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	for (;;) {
		if (waitpid(super, &status, WNOHANG) == super)
			return status;
		signo = sigwaitinfo(&set, NULL);
		if (signo == SIGUSR1)
			renew_self(h);
		if (signo > 0 && signo != SIGCHLD)
			(void)kill(super, signo == SIGHUP ? SIGTERM : signo);
	}
}

static void pause_ms(uint64_t ms)
{
	struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	(void)nanosleep(&t, NULL);
}

static int run_super(struct holder *h, struct error *err)
{
	for (struct backoff backoff = {0};;) {
		uint64_t begun_ms = clock_mono_ms();
		pid_t super = start_super(h, err);
		int status;

		if (super == -1)
			return -1;
		status = wait_super(h, super);
		h->replace =
		    WIFEXITED(status) && WEXITSTATUS(status) == SUPER_AGAIN;
		if (h->replace) {
			h->again = true;
			continue;
		}
		if (WIFEXITED(status) &&
		    (WEXITSTATUS(status) == SUPER_DONE ||
		        WEXITSTATUS(status) == SUPER_FATAL))
			return WEXITSTATUS(status);
		log_warn("super died status=%d", status);
		h->again = true;
		pause_ms(backoff_ended(
		    &backoff, status, clock_mono_ms() - begun_ms));
	}
}

/* http://HOST:PORT of the first address. */
static void set_url(struct settings *s)
{
	const char *port = strrchr(s->listen[0], ':');

	snprintf(s->url, sizeof(s->url), "http://%s%s", s->host,
	    strcmp(port, ":80") == 0 ? "" : port);
}

static int record_self(const struct settings *s, struct error *err)
{
	char path[80];
	struct identity self;
	scoped_fd int dir = -1;

	snprintf(path, sizeof(path), "%s/pid", s->run);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return error_sys(err, "open %s", path);
	daemons_end_stale(dir);
	if (identity_of(getpid(), &self, err) == -1)
		return -1;
	return identity_write(dir, "holder", &self, err);
}

static int open_all(struct holder *h, struct options *o,
    const struct roles *roles, struct error *err)
{
	struct settings *s = &o->settings;
	scoped_buf struct buf conf = BUF_INIT(65536);

	set_url(s);
	if (record_self(s, err) == -1 ||
	    sockets_open(s, roles, &h->sockets, err) == -1 ||
	    fd_pipe(h->pipe, err) == -1)
		return -1;
	settings_print(s, &conf);
	h->conf = fd_sealed("conf", buf_str(&conf), err);
	h->self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (h->self == -1)
		return error_sys(err, "open this program");
	return h->conf == -1 ? -1 : 0;
}

int holder_main(struct options *o)
{
	struct holder h = {.o = o};
	struct error err = {0};
	struct roles roles;
	sigset_t all;
	int code;

	log_open("holder", LOG_LEVEL_INFO);
	(void)prctl(PR_SET_NAME, "paas-holder");
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (roles_load(&roles, &err) == -1 ||
	    folders_claim(&o->settings, &err) == -1)
		goto failed;
	if (open_all(&h, o, &roles, &err) == -1) {
		folders_unclaim(&o->settings);
		goto failed;
	}
	code = run_super(&h, &err);
	if (code != -1)
		return code;
failed:
	fprintf(stderr, "paas: %s\n", err.msg);
	return 1;
}
