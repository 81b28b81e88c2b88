#include "super.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "daemons.h"
#include "folders.h"
#include "proc/identity.h"
#include "proc/spawn.h"
#include "proc/start.h"
#include "restart.h"
#include "unit.h"
#include "workers.h"

struct super {
	struct start start;
	struct ev *ev;
	struct programs programs;
	struct sockets sockets;
	struct daemons *daemons;
	struct workers *workers;
	struct ev_io holder; /* a pipe: its end is the holder's */
	int pid_dir, conf, token;
	char token_text[44];
	bool keep, login, detached, told, replace, stopping;
	uint64_t started_ms;
	int code;
};

/* --- being ready ---------------------------------------------------------- */

static void print_ready(const struct super *s)
{
	const struct settings *set = &s->start.settings;
	scoped_buf struct buf out = BUF_INIT(4096);

	buf_addf(&out, "ready %s\n\n", set->url);
	buf_addf(&out, "Ready after %.1f s. In the folder of an app:\n\n",
	    (double)(clock_mono_ms() - s->started_ms) / 1000);
	buf_addz(&out, "    paas create hello\n    git push paas main\n\n");
	buf_addf(&out, "Dashboard: %s/  (its token is in %s/client.env)\n",
	    set->url, set->state);
	if (s->detached)
		buf_addf(
		    &out, "Log: %s/server.log\nStop it with: ", set->state);
	else
		buf_addz(&out, "Stop it with ^C, or: ");
	buf_addf(&out, "paas server --stop --state %s\n", set->state);
	(void)!write(STDOUT_FILENO, out.p, out.len);
}

struct user {
	uid_t uid;
	gid_t gid;
};

static int become_user(void *arg, struct error *err)
{
	const struct user *u = arg;

	if (setgroups(0, NULL) == -1 || setgid(u->gid) == -1 ||
	    setuid(u->uid) == -1)
		return error_sys(err, "become user %d", (int)u->uid);
	return 0;
}

/* Run `paas login` as a user, with the token on its standard input. */
static void login_user(const struct super *s, uid_t uid)
{
	const struct passwd *who = getpwuid(uid);
	char home[300], path[512], url[SETTINGS_URL_MAX];
	const char *argv[] = {path, "login", "--token-stdin", url, NULL};
	const char *env[] = {
	    home, "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
	struct user user;
	scoped_fd int in = -1, program = -1;
	struct error err = {0};

	if (!who)
		return;
	user = (struct user){uid, who->pw_gid};
	folders_local_url(&s->start.settings, url);
	snprintf(home, sizeof(home), "HOME=%s", who->pw_dir);
	snprintf(
	    path, sizeof(path), "%s/../../bin/paas", s->start.settings.libexec);
	program = open(path, O_RDONLY | O_CLOEXEC);
	in = fd_sealed("token", str_z(s->token_text), &err);
	if (program != -1 && in != -1) {
		struct spawn_fd fds[] = {{in, 0}};
		struct spawn child = {.argv = argv,
		    .env = env,
		    .fds = fds,
		    .nfds = 1,
		    .exec_fd = program,
		    .child = become_user,
		    .arg = &user};

		if (spawn_wait(&child, &err) == 0)
			return;
	}
	log_warn("login of %s: %s", who->pw_name, err.msg);
}

static void login_users(const struct super *s)
{
	const char *sudo = getenv("SUDO_UID");
	uint64_t uid;

	login_user(s, 0);
	if (sudo && str_u64(str_z(sudo), UINT32_MAX - 1, &uid) && uid != 0)
		login_user(s, (uid_t)uid);
}

static void all_ready(void *ctx)
{
	struct super *s = ctx;

	if (s->told)
		return;
	s->told = true;
	if (s->login)
		login_users(s);
	print_ready(s);
	unit_notify("READY=1");
}

/* --- stopping ------------------------------------------------------------- */

/* The last step of a full stop: what the kernel keeps for this slot. */
static void clean_host(const struct super *s)
{
	static const char *const argv[] = {"paas-jail", "--clean", NULL};
	static const char *const env[] = {"PAAS_FDS=conf:3",
	    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL};
	struct spawn_fd fds[] = {{s->conf, 3}};
	struct spawn clean = {.argv = argv,
	    .env = env,
	    .fds = fds,
	    .nfds = 1,
	    .exec_fd = programs_get(&s->programs, "jail")};
	struct error err = {0};

	if (spawn_wait(&clean, &err) == -1)
		log_warn("clean up: %s", err.msg);
}

static void all_gone(void *ctx)
{
	struct super *s = ctx;

	if (!s->keep)
		clean_host(s);
	folders_clear(&s->start.settings, s->keep);
	s->code = SUPER_DONE;
	ev_stop(s->ev);
}

static void stop_asked(void *arg, int signo)
{
	struct super *s = arg;
	const struct settings *set = &s->start.settings;

	if (signo == SIGUSR2)
		s->keep = true;
	if (unit_is_ours() && !unit_is_stopped())
		s->keep = true;
	unit_notify("STOPPING=1");
	log_info("stopping apps=%s", s->keep ? "kept" : "down");
	if (isatty(STDOUT_FILENO) && !s->stopping)
		printf("Stopping, %s ...\n",
		    s->keep
		        ? "apps go on running"
		        : "apps end first; --keep would leave them running");
	(void)fflush(stdout);
	s->stopping = true;
	daemons_stop(s->daemons, !s->keep,
	    (set->stop_seconds + set->drain_seconds + 10) * 1000);
}

/* --- replacing daemons ---------------------------------------------------- */

static void all_replaced(void *ctx, const char *failed)
{
	struct super *s = ctx;
	struct error err = {0};

	if (failed)
		(void)error_set(&err, ERR_UNAVAILABLE,
		    "%s did not get ready; the platform's log says why, and "
		    "the daemons after it are still the old ones",
		    failed);
	restart_done(s->start.settings.run, failed ? &err : NULL);
}

/*
 * Replace one daemon, or, with a super of the new version, all: this one
 * goes, and the holder starts the next one with --replace.
 */
static void replace_asked(void *arg, int signo)
{
	struct super *s = arg;
	struct programs fresh;
	char name[RESTART_NAME];
	struct error err = {0};

	if (restart_asked(s->start.settings.run, name, &err) == -1) {
		log_warn("%s", err.msg);
		return;
	}
	if (!s->stopping && strcmp(name, RESTART_ALL) == 0) {
		s->code = SUPER_AGAIN;
		ev_stop(s->ev);
		return;
	}
	if (programs_open(&s->start.settings, &fresh, &err) == -1)
		goto failed;
	programs_close(&s->programs);
	s->programs = fresh;
	if (daemons_replace(s->daemons, name, &err) == 0)
		return;
failed:
	restart_done(s->start.settings.run, &err);
}

/* The holder is gone, and with it the lock: leave all running and go. */
static void holder_gone(struct ev_io *io, unsigned events)
{
	struct super *s = container_of(io, struct super, holder);

	log_error("the holder died; the next paas server takes over");
	s->code = SUPER_FATAL;
	ev_stop(s->ev);
}

/* --- starting ------------------------------------------------------------- */

static void take_sockets(struct super *s)
{
	for (int i = 0; i < s->start.nfds; i++) {
		if (s->start.fds[i].fd == -1)
			continue;
		memcpy(s->sockets.items[s->sockets.n].name,
		    s->start.fds[i].name, sizeof(s->start.fds[i].name));
		s->sockets.items[s->sockets.n++].fd =
		    take_fd(&s->start.fds[i].fd);
	}
}

static int open_pid_dir(struct super *s, struct error *err)
{
	char path[80];
	struct identity self;

	snprintf(path, sizeof(path), "%s/pid", s->start.settings.run);
	s->pid_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->pid_dir == -1)
		return error_sys(err, "open %s", path);
	if (identity_of(getpid(), &self, err) == -1)
		return -1;
	return identity_write(s->pid_dir, "super", &self, err);
}

static int prepare(struct super *s, struct error *err)
{
	const struct settings *set = &s->start.settings;
	scoped_buf struct buf conf = BUF_INIT(65536);

	settings_print(set, &conf);
	if (folders_make(set, &s->start.roles, err) == -1 ||
	    programs_open(set, &s->programs, err) == -1 ||
	    open_pid_dir(s, err) == -1 ||
	    folders_client(set, s->token_text, err) == -1)
		return -1;
	s->conf = fd_sealed("conf", buf_str(&conf), err);
	s->token = fd_sealed("token", str_z(s->token_text), err);
	return s->conf == -1 || s->token == -1 ? -1 : 0;
}

static int watch(struct super *s, struct error *err)
{
	s->holder.ready = holder_gone;
	if (ev_io_add(s->ev, &s->holder, EV_READ, err) == -1 ||
	    ev_signal(s->ev, SIGTERM, stop_asked, s, err) == -1 ||
	    ev_signal(s->ev, SIGINT, stop_asked, s, err) == -1 ||
	    ev_signal(s->ev, SIGUSR2, stop_asked, s, err) == -1 ||
	    ev_signal(s->ev, SIGUSR1, replace_asked, s, err) == -1)
		return -1;
	return 0;
}

static void read_flags(struct super *s, char **argv)
{
	for (; *argv; argv++) {
		s->keep |= strcmp(*argv, "--keep") == 0;
		s->login |= strcmp(*argv, "--login") == 0;
		s->detached |= strcmp(*argv, "--detach") == 0;
		/* Not the first super of this holder: all was told before. */
		s->told |= strcmp(*argv, "--again") == 0;
		s->replace |= strcmp(*argv, "--replace") == 0;
	}
}

int super_main(char **argv)
{
	static const struct daemons_ops ops = {
	    all_ready, all_gone, all_replaced};
	static struct super s;
	struct error err = {0};

	s.started_ms = clock_mono_ms();
	read_flags(&s, argv);
	if (start_open(&s.start, "super", &err) == -1)
		goto fatal;
	s.holder.fd = start_fd(&s.start, "holder");
	s.ev = ev_new();
	if (prepare(&s, &err) == -1 || watch(&s, &err) == -1)
		goto fatal;
	take_sockets(&s);
	s.daemons = daemons_new(s.ev, &s.programs, &s.sockets, s.pid_dir,
	    s.conf, s.token, &ops, &s);
	s.workers =
	    workers_new(s.ev, &s.programs, &s.sockets, &s.start.roles, s.conf);
	daemons_start(s.daemons);
	if (s.replace && daemons_replace(s.daemons, NULL, &err) == -1)
		restart_done(s.start.settings.run, &err);
	if (!s.replace)
		restart_broken_off(s.start.settings.run);
	ev_run(s.ev);
	workers_free(s.workers);
	daemons_free(s.daemons);
	return s.code;
fatal:
	log_error("%s", err.msg);
	return SUPER_FATAL;
}
