/*
 * paas-router - the only front door: every request comes in here.
 *
 * Started by super with its sockets, or by hand with --map (alone.h). Reads
 * bytes of strangers and of apps, so it lives in a chroot with two sockets,
 * as its own user, and can neither start a program nor open a connection:
 * sockets into instances come from jail.
 */
#include "main.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "alone.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/sandbox.h"
#include "proc/start.h"

#define FILES_WANTED 262144
#define FILES_OTHER 64 /* listeners, peers, what is passed on */

void share_files(struct limits *limits, unsigned nloops)
{
	struct rlimit l = {FILES_WANTED, FILES_WANTED};

	/* Root may raise it; others go as far as they are let. */
	if (setrlimit(RLIMIT_NOFILE, &l) == -1 &&
	    getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	limits_files(limits, l.rlim_cur / nloops, FILES_OTHER);
}

static void on_stop(void *arg, int signo)
{
	router_stop(arg);
}

/* web or gitd: a unix socket inside the chroot. */
static struct app *platform_app(
    struct router *r, const char *name, const char *path)
{
	struct app *a = app_new(r, 0);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	(void)fleet_add_fixed(
	    a, 1, name, (const struct sockaddr *)&addr, sizeof(addr));
	return a;
}

static void apply_settings(struct router *r, const struct settings *s)
{
	r->limits.hold_ms = s->hold_seconds * 1000;
	r->limits.hold_requests = (unsigned)s->hold_requests;
	share_files(&r->limits, 1);
	r->apps_domain = str_z(s->apps_domain);
	r->web = platform_app(r, "web", "/web-http.sock");
	r->gitd = platform_app(r, "gitd", "/gitd-http.sock");
}

static int drop_rights(struct start *s, struct error *err)
{
	char dir[sizeof(s->settings.run) + 8];

	snprintf(dir, sizeof(dir), "%s/router", s->settings.run);
	if (sandbox_chroot(dir, err) == -1 ||
	    sandbox_user(&s->roles, ROLE_ROUTER, err) == -1 ||
	    sandbox_basic(err) == -1)
		return -1;
	return sandbox_calls(
	    SANDBOX_NO_EXEC | SANDBOX_NO_INET | SANDBOX_NO_FORK, err);
}

/* "listen0", "listen1", ... as far as they go. */
static int open_listeners(struct router *r, struct start *s, struct error *err)
{
	for (int i = 0; i < LISTENERS_MAX; i++) {
		char name[24];
		int fd;

		snprintf(name, sizeof(name), "listen%d", i);
		fd = start_fd(s, name);
		if (fd == -1)
			break;
		if (listener_open(
		        r, &r->listeners[r->nlisteners++], fd, NULL, err) == -1)
			return -1;
	}
	if (r->nlisteners == 0)
		return error_set(err, ERR_INVALID, "no listener handed in");
	return 0;
}

static int serve(struct router *r, struct start *s, struct error *err)
{
	int frames = start_fd(s, "router.sock"), pair = start_fd(s, "pair");

	if (frames == -1 || pair == -1)
		return error_set(
		    err, ERR_INVALID, "router.sock or pair was not handed in");
	apply_settings(r, &s->settings);
	if (ev_signal(r->ev, SIGTERM, on_stop, r, err) == -1 ||
	    ev_signal(r->ev, SIGINT, on_stop, r, err) == -1 ||
	    drop_rights(s, err) == -1 || open_listeners(r, s, err) == -1)
		return -1;
	control_open(r, frames, &s->roles);
	sockets_open(r, pair);
	start_ready(s);
	ev_run(r->ev);
	return 0;
}

static int daemon_main(void)
{
	scoped_free struct start *s = xcalloc(1, sizeof(*s));
	scoped_free struct router *r = xcalloc(1, sizeof(*r));
	struct ev *ev = ev_new();
	struct error err = {0};
	int result;

	if (start_open(s, "router", &err) == -1) {
		log_error("%s", err.msg);
		return 1;
	}
	router_init(r, ev);
	result = serve(r, s, &err);
	if (result == -1)
		log_error("%s", err.msg);
	router_release(r);
	ev_free(ev);
	return result == -1 ? 1 : 0;
}

int main(int argc, char **argv)
{
	return argc > 1 ? alone_main(argc, argv) : daemon_main();
}
