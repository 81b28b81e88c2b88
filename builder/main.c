/*
 * paas-builder - the build queue: turns commits into images.
 *
 * Connects to web, which sends builds and their logs, and to plan, which runs
 * each step in a container. Copies what those containers print, and reads
 * their reports, which it holds for strangers' words. Runs as paas-builder
 * with no file of its own but STATE/builder.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "bases.h"
#include "builder.h"
#include "peers.h"
#include "proc/sandbox.h"
#include "proc/start.h"

static void on_term(void *arg, int signo)
{
	ev_stop(arg);
}

static int enter_sandbox(const struct start *s, struct error *err)
{
	char own[300], stacks[300];
	const struct sandbox_path paths[] = {
	    {.path = own, .write = true},
	    {.path = stacks},
	};

	snprintf(own, sizeof(own), "%s/builder", s->settings.state);
	snprintf(stacks, sizeof(stacks), "%s/stacks", s->settings.state);
	return sandbox_daemon(
	    &s->roles, ROLE_BUILDER, paths, NELEM(paths), err);
}

static int open_files(
    struct builder *b, const struct start *s, struct error *err)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/builder", s->settings.state);
	b->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->dir == -1)
		return error_sys(err, "open %s", path);
	b->nothing = fd_sealed("nothing", STR(""), err);
	return b->nothing == -1 ? -1 : 0;
}

static int run(struct start *s, struct error *err)
{
	struct proxy proxy;
	struct builder b;

	proxy_read(&proxy);
	builder_init(&b, &s->settings, &proxy);
	if (enter_sandbox(s, err) == -1 || open_files(&b, s, err) == -1 ||
	    ev_signal(b.ev, SIGTERM, on_term, b.ev, err) == -1)
		return -1;
	b.bases = bases_new(&b);
	peers_connect(&b);
	start_ready(s);
	ev_run(b.ev);
	builder_release(&b);
	return 0;
}

int main(void)
{
	struct start start;
	struct error err = {0};

	(void)signal(SIGPIPE, SIG_IGN);
	if (start_open(&start, "builder", &err) == -1 ||
	    run(&start, &err) == -1) {
		log_error("%s", err.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
