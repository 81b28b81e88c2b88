#include "daemons.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backoff.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/identity.h"
#include "proc/spawn.h"

#define NOT_STARTED W_EXITCODE(127, 0) /* as a shell says it */
#define KILL_AFTER_MS 10000
#define BESIDE_MS 500    /* a router that still serves gets its successor */
#define REPLACE_MS 60000 /* until one that was replaced must be ready */

static const struct row {
	const char *name;
	/* descriptors of sockets, "AS=NAME" where the program calls it other */
	const char *fds[4];
	bool listens; /* gets listen0.. */
	bool token;   /* gets the owner's token */
	bool last;    /* stops when all others are gone */
} rows[] = {
    {"logd", {"logd.sock"}, .last = false},
    {"jail", {"jail.sock", "pair=pair-jail", "dns-udp", "dns-tcp"},
        .last = false},
    {"names", {"names.sock", "dns-udp", "dns-tcp"}, .last = false},
    {"plan", {"plan.sock"}, .last = false},
    {"router", {"router.sock", "pair=pair-router"}, .listens = true,
        .last = true},
    {"web", {"web.sock", "web-http.sock"}, .token = true},
    {"gitd", {"gitd-http.sock"}, .last = false},
    {"builder", {NULL}, .last = false},
};

enum state { DOWN, STARTING, UP };

struct daemon {
	const struct row *row;
	struct daemons *all;
	enum state state;
	struct ev_child child;
	struct ev_io ready; /* the ready line's pipe */
	struct ev_timer retry, kill;
	struct backoff backoff;
	uint64_t up_since_ms;
	bool stopping;
	bool replace; /* its turn is to come, or is now */
};

/* A router that ends its last requests beside the one after it. */
struct retired {
	struct ev_child child;
	struct ev_timer kill;
};

struct daemons {
	struct ev *ev;
	const struct programs *programs;
	const struct sockets *sockets;
	int pid_dir, conf, token;
	const struct daemons_ops *ops;
	void *ctx;
	bool stopping;
	struct daemon *turn;   /* it is being replaced */
	struct ev_timer later; /* of that: beside, or given up */
	struct daemon items[NELEM(rows)];
};

/* --- descriptors of a program --------------------------------------------- */

struct handout {
	struct spawn_fd fds[START_FDS_MAX];
	int n;
	char names[1024]; /* PAAS_FDS=... */
};

static void hand(struct handout *h, const char *name, int fd)
{
	size_t at = strlen(h->names);

	if (fd == -1)
		return;
	h->fds[h->n] = (struct spawn_fd){fd, 3 + h->n};
	snprintf(h->names + at, sizeof(h->names) - at, "%s%s:%d",
	    h->n ? "," : "PAAS_FDS=", name, 3 + h->n);
	h->n++;
}

static void hand_socket(
    struct handout *h, const struct sockets *sockets, const char *spec)
{
	const char *eq = strchr(spec, '=');
	char name[32];

	snprintf(name, sizeof(name), "%.*s",
	    (int)(eq ? (size_t)(eq - spec) : strlen(spec)), spec);
	hand(h, name, sockets_get(sockets, eq ? eq + 1 : spec));
}

static void hand_all(struct handout *h, const struct daemon *d, int ready)
{
	const struct daemons *all = d->all;

	h->n = 0;
	h->names[0] = '\0';
	hand(h, "conf", all->conf);
	hand(h, "ready", ready);
	for (size_t i = 0; i < NELEM(d->row->fds) && d->row->fds[i]; i++)
		hand_socket(h, all->sockets, d->row->fds[i]);
	for (int i = 0; d->row->listens && i < all->sockets->n; i++) {
		if (strncmp(all->sockets->items[i].name, "listen", 6) == 0)
			hand(h, all->sockets->items[i].name,
			    all->sockets->items[i].fd);
	}
	if (d->row->token)
		hand(h, "owner-token", all->token);
}

/* --- starting ------------------------------------------------------------- */

static void daemon_start(struct daemon *d);
static void turn_over(struct daemons *all);

static void check_ready(struct daemons *all)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		if (all->items[i].state != UP)
			return;
	}
	if (!all->stopping)
		all->ops->all_ready(all->ctx);
}

static void now_up(struct daemon *d)
{
	d->state = UP;
	d->up_since_ms = ev_now_ms(d->all->ev);
	log_info(
	    "daemon ready name=%s pid=%d", d->row->name, (int)d->child.pid);
	check_ready(d->all);
	if (d == d->all->turn)
		turn_over(d->all);
}

static void ready_came(struct ev_io *io, unsigned events)
{
	struct daemon *d = container_of(io, struct daemon, ready);
	char text[8];
	ssize_t n = read(io->fd, text, sizeof(text));

	if (n == -1 && errno == EAGAIN)
		return;
	ev_io_del(io);
	fd_close(&io->fd);
	if (n > 0 && d->state == STARTING)
		now_up(d);
}

static void retry_fired(struct ev_timer *t)
{
	daemon_start(container_of(t, struct daemon, retry));
}

static void start_later(struct daemon *d, int status)
{
	uint64_t up_ms =
	    d->state == UP ? ev_now_ms(d->all->ev) - d->up_since_ms : 0;

	d->state = DOWN;
	d->retry.fire = retry_fired;
	ev_timer_set(
	    d->all->ev, &d->retry, backoff_ended(&d->backoff, status, up_ms));
}

static void stop_next(struct daemons *all);
static void start_anew(struct daemon *d);

static void daemon_gone(struct ev_child *c, int status)
{
	struct daemon *d = container_of(c, struct daemon, child);

	ev_timer_stop(&d->kill);
	ev_io_del(&d->ready);
	fd_close(&d->ready.fd);
	(void)unlinkat(d->all->pid_dir, d->row->name, 0);
	if (d->all->stopping) {
		d->state = DOWN;
		stop_next(d->all);
		return;
	}
	if (d == d->all->turn && d->stopping) {
		start_anew(d);
		return;
	}
	log_warn("daemon died name=%s pid=%d status=%d", d->row->name,
	    (int)c->pid, status);
	start_later(d, status);
}

static int watch(struct daemon *d, pid_t pid, struct error *err)
{
	d->child = (struct ev_child){.gone = daemon_gone};
	return ev_child_add(d->all->ev, &d->child, pid, err);
}

static pid_t daemon_spawn(struct daemon *d, int ready, struct error *err)
{
	struct handout h;
	char argv0[40];
	const char *argv[] = {argv0, NULL};
	const char *env[] = {h.names, "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	    "LC_ALL=C.UTF-8", NULL};
	struct spawn s = {.argv = argv, .env = env, .session = 1};

	snprintf(argv0, sizeof(argv0), "paas-%s", d->row->name);
	hand_all(&h, d, ready);
	s.exec_fd = programs_get(d->all->programs, d->row->name);
	s.fds = h.fds;
	s.nfds = h.n;
	return spawn(&s, err);
}

static int daemon_try(struct daemon *d, struct error *err)
{
	struct identity id;
	int pipe_fds[2];
	pid_t pid;

	if (fd_pipe(pipe_fds, err) == -1)
		return -1;
	pid = daemon_spawn(d, pipe_fds[1], err);
	close(pipe_fds[1]);
	d->ready = (struct ev_io){.fd = pipe_fds[0], .ready = ready_came};
	if (pid == -1 || watch(d, pid, err) == -1 ||
	    ev_io_add(d->all->ev, &d->ready, EV_READ, err) == -1) {
		fd_close(&d->ready.fd);
		return -1;
	}
	d->state = STARTING;
	if (identity_of(pid, &id, err) == -1 ||
	    identity_write(d->all->pid_dir, d->row->name, &id, err) == -1)
		log_warn("%s", err->msg);
	return 0;
}

static void daemon_start(struct daemon *d)
{
	struct error err = {0};

	if (daemon_try(d, &err) == -1) {
		log_error("daemon not started name=%s reason=%s", d->row->name,
		    log_quote(str_z(err.msg)));
		start_later(d, NOT_STARTED);
	}
}

static bool daemon_adopt(struct daemon *d)
{
	struct identity id;
	struct error err = {0};
	int fd;

	if (identity_read(d->all->pid_dir, d->row->name, &id, &err) == -1)
		return false;
	fd = identity_open(&id, &err);
	if (fd == -1)
		return false;
	close(fd);
	if (watch(d, id.pid, &err) == -1)
		return false;
	log_info("daemon adopted name=%s pid=%d", d->row->name, (int)id.pid);
	d->state = UP;
	d->up_since_ms = ev_now_ms(d->all->ev);
	return true;
}

void daemons_start(struct daemons *all)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		if (!daemon_adopt(all->items + i))
			daemon_start(all->items + i);
	}
	check_ready(all);
}

struct daemons *daemons_new(struct ev *ev, const struct programs *programs,
    const struct sockets *sockets, int pid_dir, int conf, int token,
    const struct daemons_ops *ops, void *ctx)
{
	struct daemons *all = xcalloc(1, sizeof(*all));

	all->ev = ev;
	all->programs = programs;
	all->sockets = sockets;
	all->pid_dir = pid_dir;
	all->conf = conf;
	all->token = token;
	all->ops = ops;
	all->ctx = ctx;
	for (size_t i = 0; i < NELEM(rows); i++) {
		all->items[i].row = rows + i;
		all->items[i].all = all;
		all->items[i].ready.fd = -1;
	}
	return all;
}

void daemons_free(struct daemons *all)
{
	free(all);
}

/* --- stopping ------------------------------------------------------------- */

static void kill_fired(struct ev_timer *t)
{
	struct daemon *d = container_of(t, struct daemon, kill);

	log_warn("daemon does not stop name=%s", d->row->name);
	(void)pidfd_send_signal(d->child.io.fd, SIGKILL, NULL, 0);
}

static void daemon_stop(struct daemon *d, int signo, uint64_t kill_ms)
{
	if (d->state == DOWN || d->stopping)
		return;
	d->stopping = true;
	d->kill.fire = kill_fired;
	ev_timer_set(d->all->ev, &d->kill, kill_ms);
	(void)pidfd_send_signal(d->child.io.fd, signo, NULL, 0);
}

static struct daemon *named(struct daemons *all, const char *name)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return all->items + i;
	}
	return NULL;
}

/* --- replacing ------------------------------------------------------------ */

/* Out of the row that comes last, others first. */
static struct daemon *next_turn(struct daemons *all)
{
	for (int last = 0; last < 2; last++)
		for (size_t i = 0; i < NELEM(rows); i++)
			if (all->items[i].replace && rows[i].last == last)
				return all->items + i;
	return NULL;
}

static void replaced(struct daemons *all, const char *failed)
{
	for (size_t i = 0; i < NELEM(rows); i++)
		all->items[i].replace = false;
	all->turn = NULL;
	ev_timer_stop(&all->later);
	all->ops->replaced(all->ctx, failed);
}

static void retired_kill(struct ev_timer *t)
{
	struct retired *r = container_of(t, struct retired, kill);

	log_warn("router does not stop pid=%d", (int)r->child.pid);
	(void)pidfd_send_signal(r->child.io.fd, SIGKILL, NULL, 0);
}

static void retired_gone(struct ev_child *c, int status)
{
	struct retired *r = container_of(c, struct retired, child);

	ev_timer_stop(&r->kill);
	free(r);
}

/* It still serves: the next one starts beside it. */
static void turn_late(struct ev_timer *t)
{
	struct daemons *all = container_of(t, struct daemons, later);
	struct daemon *d = all->turn;
	struct retired *r;
	struct error err = {0};

	if (!d->row->last || !d->stopping) {
		log_error("daemon not ready in time name=%s", d->row->name);
		replaced(all, d->row->name);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->child.gone = retired_gone;
	r->kill.fire = retired_kill;
	if (ev_child_add(all->ev, &r->child, d->child.pid, &err) == -1) {
		free(r); /* it is gone this moment: daemon_gone comes */
		return;
	}
	ev_child_del(&d->child);
	ev_timer_stop(&d->kill);
	ev_timer_set(all->ev, &r->kill, KILL_AFTER_MS);
	start_anew(d);
}

static void turn_over(struct daemons *all)
{
	struct daemon *d;

	if (all->turn)
		all->turn->replace = false;
	ev_timer_stop(&all->later);
	if (all->stopping)
		return;
	d = all->turn = next_turn(all);
	if (!d) {
		replaced(all, NULL);
		return;
	}
	log_info("daemon is replaced name=%s", d->row->name);
	all->later.fire = turn_late;
	ev_timer_set(
	    all->ev, &all->later, d->row->last ? BESIDE_MS : REPLACE_MS);
	if (d->state == DOWN) /* it waits to be started: now is as good */
		start_anew(d);
	else
		daemon_stop(d, SIGTERM, KILL_AFTER_MS);
}

/* The one whose turn it is has gone, or has gone aside. */
static void start_anew(struct daemon *d)
{
	d->stopping = false;
	d->state = DOWN;
	d->backoff = (struct backoff){0};
	ev_timer_stop(&d->retry);
	ev_timer_set(d->all->ev, &d->all->later, REPLACE_MS);
	daemon_start(d);
}

int daemons_replace(struct daemons *all, const char *name, struct error *err)
{
	struct daemon *one = name ? named(all, name) : NULL;

	if (name && !one)
		return error_set(
		    err, ERR_NOT_FOUND, "there is no daemon %.40s", name);
	if (all->turn || all->stopping)
		return error_set(err, ERR_EXISTS,
		    "daemons are being %s already",
		    all->turn ? "replaced" : "stopped");
	for (size_t i = 0; i < NELEM(rows); i++)
		all->items[i].replace = !one || one == all->items + i;
	turn_over(all);
	return 0;
}

const char *daemons_names(void)
{
	static char names[NELEM(rows) * 10];
	size_t at = 0;

	for (size_t i = 0; i < NELEM(rows); i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
		    i ? ", " : "", rows[i].name);
	return names;
}

bool daemons_has(const char *name)
{
	for (size_t i = 0; i < NELEM(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}

/* --- stopping all --------------------------------------------------------- */

/* Something is gone: who is next? plan, then all but the last, the last. */
static void stop_next(struct daemons *all)
{
	bool others = false, any = false;

	if (named(all, "plan")->state != DOWN && named(all, "plan")->stopping)
		return;
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct daemon *d = all->items + i;

		if (!d->row->last)
			daemon_stop(d, SIGTERM, KILL_AFTER_MS);
		others |= d->state != DOWN && !d->row->last;
		any |= d->state != DOWN;
	}
	for (size_t i = 0; i < NELEM(rows) && !others; i++)
		daemon_stop(all->items + i, SIGTERM, KILL_AFTER_MS);
	if (!any)
		all->ops->all_gone(all->ctx);
}

void daemons_stop(struct daemons *all, bool apps, uint64_t plan_ms)
{
	if (all->stopping)
		return;
	all->stopping = true;
	ev_timer_stop(&all->later);
	for (size_t i = 0; i < NELEM(rows); i++)
		ev_timer_stop(&all->items[i].retry);
	if (apps)
		daemon_stop(named(all, "plan"), SIGUSR1, plan_ms);
	else
		daemon_stop(named(all, "plan"), SIGTERM, KILL_AFTER_MS);
	stop_next(all);
}

static void end_one(int pid_dir, const char *name)
{
	struct identity id;
	struct error err = {0};
	scoped_fd int fd = -1;

	if (identity_read(pid_dir, name, &id, &err) == -1)
		return;
	fd = identity_open(&id, &err);
	if (fd != -1) {
		struct pollfd gone = {.fd = fd, .events = POLLIN};

		(void)pidfd_send_signal(fd, SIGTERM, NULL, 0);
		if (poll(&gone, 1, KILL_AFTER_MS) <= 0) {
			(void)pidfd_send_signal(fd, SIGKILL, NULL, 0);
			(void)poll(&gone, 1, KILL_AFTER_MS);
		}
	}
	(void)unlinkat(pid_dir, name, 0);
}

void daemons_end_stale(int pid_dir)
{
	end_one(pid_dir, "super");
	for (size_t i = 0; i < NELEM(rows); i++)
		end_one(pid_dir, rows[i].name);
}
