#include "workers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/sandbox.h"
#include "proc/spawn.h"

#define WORKERS_PER_CORE 2
#define OUTBOUND_MOST 2 /* one that ends beside its successor */

/* Kinds of one pool share how many may run at once. */
enum pool { POOL_RECEIVE, POOL_OUTBOUND, POOLS };

static const struct kind {
	const char *program, *mode, *socket;
	enum role peer, self;
	enum pool pool;
} kinds[] = {
    {"receive", "receive", "receive.sock", ROLE_GITD, ROLE_RECEIVE,
        POOL_RECEIVE},
    {"receive", "export", "export.sock", ROLE_BUILDER, ROLE_RECEIVE,
        POOL_RECEIVE},
    {"outbound", "drains", "outbound.sock", ROLE_LOGD, ROLE_OUTBOUND,
        POOL_OUTBOUND},
};

struct door {
	struct ev_io io;
	const struct kind *kind;
	struct workers *all;
};

struct workers {
	struct ev *ev;
	const struct programs *programs;
	const struct roles *roles;
	int conf;
	long running[POOLS], most[POOLS];
	struct door doors[NELEM(kinds)];
};

struct worker {
	struct ev_child child;
	struct workers *all;
	enum pool pool;
};

/* What become_worker needs to know. */
struct user {
	const struct roles *roles;
	enum role role;
};

static void open_doors(struct workers *w)
{
	for (size_t i = 0; i < NELEM(kinds); i++) {
		enum pool p = kinds[i].pool;

		ev_io_want(
		    &w->doors[i].io, w->running[p] < w->most[p] ? EV_READ : 0);
	}
}

static void worker_gone(struct ev_child *c, int status)
{
	struct worker *worker = container_of(c, struct worker, child);
	struct workers *w = worker->all;

	if (status != 0)
		log_debug("worker ended pid=%d status=%d", (int)c->pid, status);
	w->running[worker->pool]--;
	open_doors(w);
	ev_defer(w->ev, free, worker);
}

static int become_worker(void *arg, struct error *err)
{
	const struct user *u = arg;

	return sandbox_user(u->roles, u->role, err);
}

static pid_t start_worker(struct door *d, int fd, struct error *err)
{
	char name[32];
	const char *argv[] = {name, d->kind->mode, NULL};
	const char *env[] = {"PAAS_FDS=conf:3",
	    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL};
	struct spawn_fd fds[] = {{fd, 0}, {d->all->conf, 3}};
	struct user user = {d->all->roles, d->kind->self};
	struct spawn s = {.argv = argv,
	    .env = env,
	    .fds = fds,
	    .nfds = 2,
	    .session = 1,
	    .child = become_worker,
	    .arg = &user,
	    .exec_fd = programs_get(d->all->programs, d->kind->program)};

	snprintf(name, sizeof(name), "paas-%s", d->kind->program);
	return spawn(&s, err);
}

static void take_connection(struct door *d, int fd)
{
	struct workers *w = d->all;
	struct error err = {0};
	struct ucred who;
	socklen_t len = sizeof(who);
	struct worker *worker;
	pid_t pid;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1 ||
	    !role_matches(w->roles, d->kind->peer, who.uid)) {
		log_warn("worker refused mode=%s uid=%d", d->kind->mode,
		    (int)who.uid);
		return;
	}
	pid = start_worker(d, fd, &err);
	if (pid == -1) {
		log_error("worker not started mode=%s reason=%s", d->kind->mode,
		    log_quote(str_z(err.msg)));
		return;
	}
	worker = xcalloc(1, sizeof(*worker));
	worker->all = w;
	worker->child.gone = worker_gone;
	worker->pool = d->kind->pool;
	w->running[worker->pool]++;
	if (ev_child_add(w->ev, &worker->child, pid, &err) == -1) {
		log_error("worker not watched: %s", err.msg);
		w->running[worker->pool]--;
		free(worker);
	}
}

static void door_ready(struct ev_io *io, unsigned events)
{
	struct door *d = container_of(io, struct door, io);
	/* Blocking: the worker reads and writes it that way. */
	scoped_fd int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd != -1)
		take_connection(d, fd);
	open_doors(d->all);
}

struct workers *workers_new(struct ev *ev, const struct programs *programs,
    const struct sockets *sockets, const struct roles *roles, int conf)
{
	struct workers *w = xcalloc(1, sizeof(*w));

	w->ev = ev;
	w->programs = programs;
	w->roles = roles;
	w->conf = conf;
	w->most[POOL_RECEIVE] =
	    WORKERS_PER_CORE * sysconf(_SC_NPROCESSORS_ONLN);
	w->most[POOL_OUTBOUND] = OUTBOUND_MOST;
	for (size_t i = 0; i < NELEM(kinds); i++) {
		struct door *d = w->doors + i;
		struct error err = {0};

		d->kind = kinds + i;
		d->all = w;
		d->io =
		    (struct ev_io){.fd = sockets_get(sockets, kinds[i].socket),
		        .ready = door_ready};
		if (ev_io_add(ev, &d->io, EV_READ, &err) == -1)
			log_error("workers: %s", err.msg);
	}
	return w;
}

void workers_free(struct workers *w)
{
	for (size_t i = 0; w && i < NELEM(kinds); i++)
		ev_io_del(&w->doors[i].io);
	free(w);
}
