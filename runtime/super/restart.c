#include "restart.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "daemons.h"
#include "folders.h"
#include "stop.h"

#define ASKED "restart"
#define DONE "restarted"
#define WELL "ok\n"
#define WAIT_MS 600000 /* seven daemons, a minute each, and some more */

static int open_run(const char *run, struct error *err)
{
	int fd = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd == -1 ? error_sys(err, "open %s", run) : fd;
}

/* --- super's side --------------------------------------------------------- */

int restart_asked(const char *run, char ret[RESTART_NAME], struct error *err)
{
	scoped_buf struct buf name = BUF_INIT(RESTART_NAME - 1);
	scoped_fd int dir = open_run(run, err);

	if (dir == -1 || fd_read_file(dir, ASKED, &name, err) == -1)
		return error_wrap(err, "what to restart");
	str_copy(buf_str(&name), ret, RESTART_NAME);
	return 0;
}

void restart_done(const char *run, const struct error *why)
{
	struct error err = {0};
	scoped_fd int dir = open_run(run, &err);

	if (why)
		log_warn("not restarted: %s", why->msg);
	else
		log_info("restarted");
	if (dir != -1)
		(void)unlinkat(dir, ASKED, 0);
	if (dir == -1 || fd_write_file(dir, DONE, str_z(why ? why->msg : WELL),
	                     0600, &err) == -1)
		log_warn("%s", err.msg);
}

void restart_broken_off(const char *run)
{
	struct error err = {0};
	char name[RESTART_NAME];

	if (restart_asked(run, name, &err) == -1)
		return;
	(void)error_set(&err, ERR_UNAVAILABLE,
	    "super ended meanwhile, so some daemons may be the old ones: try "
	    "again");
	restart_done(run, &err);
}

/* --- who asks ------------------------------------------------------------- */

/* The answer, or ERR_NOT_FOUND while there is none. */
static int read_done(int dir, struct buf *text, struct error *err)
{
	text->len = 0;
	return fd_read_file(dir, DONE, text, err);
}

static int wait_done(
    int dir, int holder, int watch, struct buf *text, struct error *err)
{
	struct pollfd fds[] = {
	    {.fd = watch, .events = POLLIN}, {.fd = holder, .events = POLLIN}};
	uint64_t end = clock_mono_ms() + WAIT_MS;
	char events[4096];

	while (read_done(dir, text, err) == -1) {
		uint64_t now = clock_mono_ms();

		if (err->code != ERR_NOT_FOUND)
			return -1;
		if (now >= end)
			return error_set(err, ERR_LIMIT,
			    "not within %d s; the platform's log says why",
			    WAIT_MS / 1000);
		(void)poll(fds, 2, (int)(end - now));
		if (fds[1].revents)
			return error_set(err, ERR_UNAVAILABLE,
			    "the platform ended meanwhile");
		(void)!read(watch, events, sizeof(events));
	}
	return 0;
}

static int ask(const struct options *o, struct buf *text, struct error *err)
{
	scoped_fd int holder = stop_holder(o, err);
	scoped_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	scoped_fd int dir = -1;
	char run[80];

	if (holder == -1)
		return -1;
	snprintf(run, sizeof(run), RUN_ROOT "/%d", folders_slot(&o->settings));
	dir = open_run(run, err);
	if (dir == -1)
		return -1;
	if (watch == -1 ||
	    inotify_add_watch(watch, run, IN_MOVED_TO | IN_CLOSE_WRITE) == -1)
		return error_sys(err, "watch %s", run);
	(void)unlinkat(dir, DONE, 0);
	if (fd_write_file(dir, ASKED, str_z(o->restart), 0600, err) == -1)
		return -1;
	if (pidfd_send_signal(holder, SIGUSR1, NULL, 0) == -1)
		return error_sys(err, "signal the platform");
	return wait_done(dir, holder, watch, text, err);
}

int restart_main(const struct options *o)
{
	scoped_buf struct buf text = BUF_INIT(4096);
	struct error err = {0};

	if (strcmp(o->restart, RESTART_ALL) != 0 && !daemons_has(o->restart)) {
		fprintf(stderr,
		    "paas: there is no daemon %.40s (there are: %s)\n",
		    o->restart, daemons_names());
		return 2;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "paas: root alone replaces daemons: sudo paas "
		                "daemons:restart\n");
		return 1;
	}
	if (ask(o, &text, &err) == -1) {
		fprintf(stderr, "paas: %s\n", err.msg);
		return 1;
	}
	if (!str_eqz(buf_str(&text), WELL)) {
		fprintf(stderr, "paas: " STR_FMT "\n", STR_ARG(buf_str(&text)));
		return 1;
	}
	printf("restarted: %s\n", o->restart);
	return 0;
}
