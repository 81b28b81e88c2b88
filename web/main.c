/*
 * paas-web - owns the database; the brain of pushes, releases and routes.
 *
 * Behind the router, which alone may connect to its HTTP socket, it serves
 * the API and the dashboard. gitd and builder connect to web.sock; it
 * connects to router, plan and logd. What must outlive it is in the store.
 * Runs as paas-web with no files but its own, no network, no other programs.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/http.h"
#include "base/fd.h"
#include "base/log.h"
#include "login.h"
#include "peers.h"
#include "proc/sandbox.h"
#include "proc/start.h"
#include "rollout.h"
#include "web.h"

#define FILES_MAX 16384 /* an environment for each app that plan waits for */

static void on_term(void *arg, int signo)
{
	ev_stop(arg);
}

static int confine(const struct start *s, struct error *err)
{
	char db[300], keys[300], builds[300];
	const struct sandbox_path paths[] = {
	    {.path = db, .write = true},
	    {.path = keys, .write = true},
	    {.path = builds, .write = true},
	    {.path = s->settings.run, .write = true},
	};

	snprintf(db, sizeof(db), "%s/db", s->settings.state);
	snprintf(keys, sizeof(keys), "%s/keys", s->settings.state);
	snprintf(builds, sizeof(builds), "%s/builds", s->settings.state);
	(void)umask(027);
	if (sandbox_rlimit(RLIMIT_NOFILE, FILES_MAX, err) == -1)
		return -1;
	return sandbox_daemon(&s->roles, ROLE_WEB, paths, NELEM(paths), err);
}

/* super hands over the token that it wrote to client.env. */
static int take_owner(struct web *w, struct start *s, struct error *err)
{
	scoped_buf struct buf token = BUF_INIT(256);
	scoped_fd int fd = start_fd(s, "owner-token");
	int r;

	if (fd == -1)
		return 0;
	if (fd_sealed_read(fd, &token, err) == -1)
		return error_wrap(err, "the owner's token");
	r = login_owner(w, str_trim(buf_str(&token)), err);
	explicit_bzero(token.p, token.len);
	return r;
}

static int init(struct web *w, struct start *s, struct error *err)
{
	if (web_open(w, &s->settings, err) == -1 || take_owner(w, s, err) == -1)
		return -1;
	return ev_signal(w->ev, SIGTERM, on_term, w->ev, err);
}

static int run(struct web *w, struct start *s, struct error *err)
{
	int sock = start_fd(s, "web.sock");
	int http = start_fd(s, "web-http.sock");

	if (sock == -1 || http == -1)
		return error_set(err, ERR_INVALID,
		    "web.sock and web-http.sock were not handed in (start "
		    "`paas server`)");
	if (confine(s, err) == -1 || init(w, s, err) == -1)
		return -1;
	w->http = http_open(w, http, s->roles.of[ROLE_ROUTER].uid, err);
	if (!w->http)
		return -1;
	peers_open(w, sock, &s->roles);
	rollout_start_all(w);
	start_ready(s);
	ev_run(w->ev);
	return 0;
}

int main(void)
{
	struct web web;
	struct error err = {0};
	struct start start;

	if (start_open(&start, "web", &err) == -1 ||
	    run(&web, &start, &err) == -1) {
		log_error("%s", err.msg);
		return EXIT_FAILURE;
	}
	/* Connections and what waits end with the process. */
	store_close(web.store);
	_exit(EXIT_SUCCESS);
}
