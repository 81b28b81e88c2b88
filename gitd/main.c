/*
 * paas-gitd - takes pushes, serves fetches, owns the repositories' refs.
 *
 * Behind the router, which alone may connect. It reads HTTP heads, asks web
 * who may do what, hands the bytes of packs unread to a confined worker, and
 * moves packs and refs itself. Nothing it reads from strangers is parsed
 * beyond HTTP, gzip and the worker's frames.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alone.h"
#include "base/log.h"
#include "base/map.h"
#include "http.h"
#include "proc/sandbox.h"
#include "proc/start.h"
#include "repodir.h"
#include "web.h"

#define REPOS_MODE 02750 /* its group reaches what is made in it */

static const char usage[] =
    "usage: paas-gitd --open DIR --listen ADDR:PORT [--set NAME=VALUE]...\n"
    "       paas-gitd receive-pack DIR\n"
    "       paas-gitd            (as a daemon, started by `paas server`)\n"
    "\n"
    "  --open DIR          serve the bare repositories DIR/NAME.git without\n"
    "                      login or build, as the user who runs it\n"
    "  --listen ADDR:PORT  a loopback address; port 0 takes a free one\n"
    "  --set NAME=VALUE    change a setting, such as push_pack\n"
    "  receive-pack DIR    take one push on standard input and output\n";

static void stop(void *arg, int signo)
{
	ev_stop(arg);
}

static int init(struct gitd *g, struct error *err)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned workers = cores > 0 ? 2 * (unsigned)cores : 2;

	(void)signal(SIGPIPE, SIG_IGN);
	g->ev = ev_new();
	g->dir_fd = -1;
	g->repos = map_new();
	list_init(&g->pushes);
	list_init(&g->questions);
	queue_init(&g->push_queue, workers);
	queue_init(&g->fetch_queue, workers);
	if (ev_signal(g->ev, SIGTERM, stop, g->ev, err) == -1)
		return -1;
	return ev_signal(g->ev, SIGINT, stop, g->ev, err);
}

/* As root: the folder, owned so that what is made in it suits both users. */
static int open_repos(struct gitd *g, struct start *s, struct error *err)
{
	const struct role_ids *ours = &s->roles.of[ROLE_GITD];

	snprintf(g->dir, sizeof(g->dir), "%s/repos", g->settings.state);
	g->dir_fd = open(g->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->dir_fd == -1)
		return error_sys(err, "open %s", g->dir);
	if (geteuid() != 0)
		return 0;
	if (fchown(g->dir_fd, ours->uid, s->roles.of[ROLE_RECEIVE].gid) == -1 ||
	    fchmod(g->dir_fd, REPOS_MODE) == -1)
		return error_sys(err, "own %s", g->dir);
	return 0;
}

static int confine(struct gitd *g, struct start *s, struct error *err)
{
	const struct sandbox_path paths[] = {{.path = g->dir, .write = true}};
	bool missing = false;

	if (geteuid() == 0 && sandbox_user(&s->roles, ROLE_GITD, err) == -1)
		return -1;
	umask(027);
	if (sandbox_basic(err) == -1 ||
	    sandbox_paths(paths, NELEM(paths), &missing, err) == -1)
		return -1;
	if (missing)
		log_warn("the kernel has no landlock: files are confined by "
		         "permissions alone");
	return sandbox_calls(
	    SANDBOX_NO_EXEC | SANDBOX_NO_INET | SANDBOX_NO_FORK, err);
}

static int run_daemon(struct gitd *g, struct error *err)
{
	struct start s;
	int fd;

	if (start_open(&s, "gitd", err) == -1)
		return -1;
	g->settings = s.settings;
	fd = start_fd(&s, "gitd-http.sock");
	if (fd == -1)
		return error_set(err, ERR_INTERNAL, "no gitd-http.sock");
	if (open_repos(g, &s, err) == -1 || confine(g, &s, err) == -1)
		return -1;
	repodir_sweep(g->dir_fd);
	web_connect(g);
	g->http = http_open(g, fd, s.roles.of[ROLE_ROUTER].uid, err);
	if (!g->http)
		return -1;
	start_ready(&s);
	ev_run(g->ev);
	return 0;
}

struct arguments {
	const char *open, *listen, *receive;
};

static int set_one(struct gitd *g, const char *text, struct error *err)
{
	struct str value = str_z(text), name;

	(void)str_split(&value, '=', &name);
	return settings_set(&g->settings, name, value, err);
}

static int parse(struct gitd *g, int argc, char **argv, struct arguments *a,
    struct error *err)
{
	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!value)
			return error_set(
			    err, ERR_INVALID, "%s: see --help", argv[i]);
		if (strcmp(argv[i], "--open") == 0)
			a->open = value;
		else if (strcmp(argv[i], "--listen") == 0)
			a->listen = value;
		else if (strcmp(argv[i], "receive-pack") == 0)
			a->receive = value;
		else if (strcmp(argv[i], "--set") != 0)
			return error_set(
			    err, ERR_INVALID, "%s: see --help", argv[i]);
		else if (set_one(g, value, err) == -1)
			return -1;
	}
	if (!a->receive && (!a->open || !a->listen))
		return error_set(err, ERR_INVALID,
		    "--open and --listen go together: see --help");
	return 0;
}

static int run_alone(struct gitd *g, int argc, char **argv, struct error *err)
{
	struct arguments a = {0};

	log_open("gitd", LOG_LEVEL_WARN);
	settings_init(&g->settings);
	g->open = true;
	if (parse(g, argc, argv, &a, err) == -1)
		return -1;
	if (a.receive)
		return alone_receive(g, a.receive, err);
	return alone_serve(g, a.open, a.listen, err);
}

int main(int argc, char **argv)
{
	struct gitd g = {0};
	struct error err = {0};
	int r;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	r = init(&g, &err);
	if (r == 0)
		r = argc > 1 ? run_alone(&g, argc, argv, &err)
		             : run_daemon(&g, &err);
	if (r == -1)
		fprintf(stderr, "paas-gitd: %s\n", err.msg);
	/* Connections end with the process; nothing waits to be written. */
	_exit(r == -1 ? 1 : 0);
}
