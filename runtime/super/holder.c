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

#include "base/fd.h"
#include "base/log.h"
#include "daemons.h"
#include "folders.h"
#include "proc/identity.h"
#include "proc/spawn.h"
#include "programs.h"
#include "super.h"

#define BACKOFF_MOST_MS 5000

struct holder {
	const struct options *o;
	struct sockets sockets;
	int conf, self, pipe[2]; /* the pipe tells super that we live */
	bool again;
};

static pid_t start_super(struct holder *h, struct error *err)
{
	const char *argv[8] = {"paas-super", "--super"};
	char names[1024] = "PAAS_FDS=conf:3,holder:4", notify[300], sudo[40];
	const char *env[6] = {
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
	if (getenv("NOTIFY_SOCKET")) {
		snprintf(notify, sizeof(notify), "NOTIFY_SOCKET=%s",
		    getenv("NOTIFY_SOCKET"));
		env[nenv++] = notify;
	}
	if (getenv("SUDO_UID")) {
		snprintf(
		    sudo, sizeof(sudo), "SUDO_UID=%.20s", getenv("SUDO_UID"));
		env[nenv++] = sudo;
	}
	return spawn(&s, err);
}

/* Wait for super's end, handing signals on to it. Its wait status. */
static int wait_super(pid_t super)
{
	sigset_t set;
	int signo, status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	for (;;) {
		if (waitpid(super, &status, WNOHANG) == super)
			return status;
		signo = sigwaitinfo(&set, NULL);
		if (signo > 0 && signo != SIGCHLD)
			(void)kill(super, signo == SIGHUP ? SIGTERM : signo);
	}
}

static void pause_ms(unsigned ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&t, NULL);
}

static int run_super(struct holder *h, struct error *err)
{
	for (unsigned backoff = 0;;) {
		pid_t super = start_super(h, err);
		int status;

		if (super == -1)
			return -1;
		status = wait_super(super);
		if (WIFEXITED(status) &&
		    (WEXITSTATUS(status) == SUPER_DONE ||
		        WEXITSTATUS(status) == SUPER_FATAL))
			return WEXITSTATUS(status);
		log_warn("super died status=%d", status);
		h->again = true;
		pause_ms(backoff);
		backoff = backoff ? backoff * 2 : 100;
		if (backoff > BACKOFF_MOST_MS)
			backoff = BACKOFF_MOST_MS;
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
