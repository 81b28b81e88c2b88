/*
 * paas-plan - decides what runs: compares what web wants with what jail sees
 * and makes the one into the other; nothing else starts or stops an instance.
 *
 * Listens on plan.sock (web, builder), connects to jail, router and logd.
 * Runs as paas-plan with no file of its own: its peers tell it all again.
 * SIGTERM ends it and leaves all running; SIGUSR1 brings every instance down,
 * then ends it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "loop.h"
#include "peers.h"
#include "proc/sandbox.h"
#include "proc/start.h"

#define FDS_MAX 65536 /* an environment for each release that is wanted */

static void on_term(void *arg, int signo)
{
	ev_stop(((struct plan *)arg)->ev);
}

static void on_down(void *arg, int signo)
{
	plan_down(arg);
}

static int enter_sandbox(const struct start *s, struct error *err)
{
	const struct sandbox_path paths[] = {{.path = s->settings.run}};

	if (sandbox_rlimit(RLIMIT_NOFILE, FDS_MAX, err) == -1)
		return -1;
	return sandbox_daemon(&s->roles, ROLE_PLAN, paths, NELEM(paths), err);
}

static int run(struct start *s, struct error *err)
{
	struct ev *ev = ev_new();
	int sock = start_fd(s, "plan.sock");
	struct plan p;

	if (sock == -1)
		return error_set(err, ERR_INVALID,
		    "plan.sock was not handed in (start `paas server`)");
	plan_init(&p, ev, &s->settings);
	if (ev_signal(ev, SIGTERM, on_term, &p, err) == -1 ||
	    ev_signal(ev, SIGUSR1, on_down, &p, err) == -1 ||
	    enter_sandbox(s, err) == -1)
		return -1;
	peers_open(&p, sock, &s->roles);
	start_ready(s);
	ev_run(ev);
	peers_close(&p);
	ev_free(ev);
	plan_release(&p);
	return 0;
}

int main(void)
{
	struct start start;
	struct error err = {0};

	if (start_open(&start, "plan", &err) == -1 || run(&start, &err) == -1) {
		log_error("%s", err.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
