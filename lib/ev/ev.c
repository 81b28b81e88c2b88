#include "ev/ev.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

#define EVENTS_MAX 64 /* taken from the kernel in one turn */

struct deferred {
	void (*fn)(void *arg);
	void *arg;
};

struct deferred_list {
	struct deferred *items;
	size_t n, cap;
};

struct signal_handler {
	void (*fn)(void *arg, int signo);
	void *arg;
};

struct ev {
	int epoll;
	bool stop;
	uint64_t now_ms;
	struct list pending; /* ev_io with events of this turn */

	struct ev_timer **heap; /* the earliest first; heap_ is place + 1 */
	size_t ntimers, cap;

	struct deferred_list later, running;

	struct ev_io signal_io; /* its fd is a signalfd, -1 before the first */
	sigset_t signals;
	struct signal_handler handlers[NSIG];
};

/* --- the loop ------------------------------------------------------------ */

struct ev *ev_new(void)
{
	struct ev *ev = xcalloc(1, sizeof(*ev));

	ev->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (ev->epoll == -1)
		abort();
	ev->now_ms = clock_mono_ms();
	ev->signal_io.fd = -1;
	sigemptyset(&ev->signals);
	list_init(&ev->pending);
	return ev;
}

static bool run_deferred(struct ev *ev)
{
	struct deferred_list run = ev->later;

	/* What is deferred meanwhile goes to the other list, for later. */
	ev->later = ev->running;
	ev->later.n = 0;
	ev->running = (struct deferred_list){0};
	for (size_t i = 0; i < run.n; i++)
		run.items[i].fn(run.items[i].arg);
	ev->running = run;
	return ev->later.n > 0;
}

void ev_free(struct ev *ev)
{
	if (!ev)
		return;
	while (run_deferred(ev))
		;
	for (size_t i = 0; i < ev->ntimers; i++) {
		ev->heap[i]->at_ms = 0;
		ev->heap[i]->heap_ = 0;
	}
	ev_io_del(&ev->signal_io);
	fd_close(&ev->signal_io.fd);
	fd_close(&ev->epoll);
	free(ev->heap);
	free(ev->later.items);
	free(ev->running.items);
	free(ev);
}

void ev_defer(struct ev *ev, void (*fn)(void *arg), void *arg)
{
	struct deferred_list *l = &ev->later;

	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->items = xrealloc(l->items, l->cap * sizeof(*l->items));
	}
	l->items[l->n++] = (struct deferred){fn, arg};
}

static int wait_ms(const struct ev *ev, int timeout_ms)
{
	uint64_t now, until;

	if (ev->later.n > 0 || ev->stop)
		return 0;
	if (ev->ntimers == 0)
		return timeout_ms;
	now = clock_mono_ms();
	until = ev->heap[0]->at_ms > now ? ev->heap[0]->at_ms - now : 0;
	if (timeout_ms >= 0 && (uint64_t)timeout_ms < until)
		return timeout_ms;
	return until > INT32_MAX ? INT32_MAX : (int)until;
}

static unsigned events_of(const struct ev_io *io, uint32_t epoll_events)
{
	unsigned events = 0;

	if (epoll_events & EPOLLIN)
		events |= EV_READ;
	if (epoll_events & EPOLLOUT)
		events |= EV_WRITE;
	if (epoll_events & (EPOLLHUP | EPOLLERR))
		events |= EV_HUP | (io->want & (EV_READ | EV_WRITE));
	return events;
}

static void run_ready(struct ev *ev)
{
	while (!list_empty(&ev->pending)) {
		struct ev_io *io =
		    container_of(ev->pending.next, struct ev_io, pending_);

		list_del(&io->pending_);
		io->ready(io, io->events_);
	}
}

/* Those set meanwhile wait for the next turn, even with no delay. */
static void run_timers(struct ev *ev)
{
	size_t most = ev->ntimers;

	while (
	    most-- > 0 && ev->ntimers > 0 && ev->heap[0]->at_ms <= ev->now_ms) {
		struct ev_timer *t = ev->heap[0];

		ev_timer_stop(t);
		t->fire(t);
	}
}

void ev_turn(struct ev *ev, int timeout_ms)
{
	struct epoll_event found[EVENTS_MAX];
	int n =
	    epoll_wait(ev->epoll, found, EVENTS_MAX, wait_ms(ev, timeout_ms));

	assert(n >= 0 || errno == EINTR);
	ev->now_ms = clock_mono_ms();
	for (int i = 0; i < n; i++) {
		struct ev_io *io = found[i].data.ptr;

		io->events_ = events_of(io, found[i].events);
		list_add(&ev->pending, &io->pending_);
	}
	run_ready(ev);
	run_timers(ev);
	(void)run_deferred(ev);
}

void ev_run(struct ev *ev)
{
	while (!ev->stop)
		ev_turn(ev, -1);
	ev->stop = false;
}

void ev_stop(struct ev *ev)
{
	ev->stop = true;
}

uint64_t ev_now_ms(const struct ev *ev)
{
	return ev->now_ms;
}

/* --- descriptors --------------------------------------------------------- */

static uint32_t epoll_of(unsigned want)
{
	return (want & EV_READ ? (uint32_t)EPOLLIN : 0) |
	       (want & EV_WRITE ? (uint32_t)EPOLLOUT : 0);
}

int ev_io_add(struct ev *ev, struct ev_io *io, unsigned want, struct error *err)
{
	struct epoll_event e = {.events = epoll_of(want), .data.ptr = io};

	if (epoll_ctl(ev->epoll, EPOLL_CTL_ADD, io->fd, &e) == -1)
		return error_sys(err, "watch descriptor %d", io->fd);
	io->want = want;
	io->ev = ev;
	io->events_ = 0;
	list_init(&io->pending_);
	return 0;
}

void ev_io_want(struct ev_io *io, unsigned want)
{
	struct epoll_event e = {.events = epoll_of(want), .data.ptr = io};
	int changed;

	if (!io->ev || io->want == want)
		return;
	changed = epoll_ctl(io->ev->epoll, EPOLL_CTL_MOD, io->fd, &e);
	assert(changed == 0);
	io->want = want;
}

void ev_io_del(struct ev_io *io)
{
	if (!io->ev)
		return;
	/* Fails where the descriptor was closed before, which is fine. */
	(void)epoll_ctl(io->ev->epoll, EPOLL_CTL_DEL, io->fd, NULL);
	list_del(&io->pending_);
	io->ev = NULL;
}

/* --- timers -------------------------------------------------------------- */

static void heap_put(struct ev *ev, size_t place, struct ev_timer *t)
{
	ev->heap[place] = t;
	t->heap_ = place + 1;
}

/* Let t find its place, from `place` on upwards or downwards. */
static void heap_settle(struct ev *ev, size_t place, struct ev_timer *t)
{
	while (place > 0 && ev->heap[(place - 1) / 2]->at_ms > t->at_ms) {
		heap_put(ev, place, ev->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;) {
		size_t child = place * 2 + 1;

		if (child + 1 < ev->ntimers &&
		    ev->heap[child + 1]->at_ms < ev->heap[child]->at_ms)
			child++;
		if (child >= ev->ntimers || ev->heap[child]->at_ms >= t->at_ms)
			break;
		heap_put(ev, place, ev->heap[child]);
		place = child;
	}
	heap_put(ev, place, t);
}

void ev_timer_set(struct ev *ev, struct ev_timer *t, uint64_t after_ms)
{
	ev_timer_stop(t);
	if (ev->ntimers == ev->cap) {
		ev->cap = ev->cap ? ev->cap * 2 : 16;
		ev->heap =
		    xrealloc(ev->heap, ev->cap * sizeof(struct ev_timer *));
	}
	t->ev = ev;
	t->at_ms = clock_mono_ms() + after_ms;
	ev->ntimers++;
	heap_settle(ev, ev->ntimers - 1, t);
}

void ev_timer_stop(struct ev_timer *t)
{
	size_t place = t->heap_ - 1;
	struct ev_timer *last;

	if (t->heap_ == 0)
		return;
	t->heap_ = 0;
	t->at_ms = 0;
	last = t->ev->heap[--t->ev->ntimers];
	if (last != t)
		heap_settle(t->ev, place, last);
}

/* --- signals ------------------------------------------------------------- */

static void signals_ready(struct ev_io *io, unsigned events)
{
	struct ev *ev = container_of(io, struct ev, signal_io);
	struct signalfd_siginfo info;

	while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		struct signal_handler *h = &ev->handlers[info.ssi_signo];

		if (h->fn)
			h->fn(h->arg, (int)info.ssi_signo);
	}
}

int ev_signal(struct ev *ev, int signo, void (*fn)(void *arg, int signo),
    void *arg, struct error *err)
{
	int fd;

	if (signo < 1 || signo >= NSIG)
		return error_set(err, ERR_INVALID, "signal %d", signo);
	if (ev->handlers[signo].fn)
		return error_set(
		    err, ERR_EXISTS, "signal %d has its handler", signo);
	sigaddset(&ev->signals, signo);
	if (sigprocmask(SIG_BLOCK, &ev->signals, NULL) == -1)
		return error_sys(err, "block signal %d", signo);
	fd = signalfd(
	    ev->signal_io.fd, &ev->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd == -1)
		return error_sys(err, "signalfd");
	if (ev->signal_io.fd == -1) {
		ev->signal_io.fd = fd;
		ev->signal_io.ready = signals_ready;
		if (ev_io_add(ev, &ev->signal_io, EV_READ, err) == -1)
			return -1;
	}
	ev->handlers[signo] = (struct signal_handler){fn, arg};
	return 0;
}

/* --- processes ----------------------------------------------------------- */

/* The status as waitpid would tell it; -1 when it is not our child. */
static int reap(int pidfd)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL) ==
	        -1 ||
	    info.si_pid == 0)
		return -1;
	if (info.si_code == CLD_EXITED)
		return W_EXITCODE(info.si_status, 0);
	return info.si_status | (info.si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

static void child_ready(struct ev_io *io, unsigned events)
{
	struct ev_child *c = container_of(io, struct ev_child, io);
	int status = reap(io->fd);

	ev_child_del(c);
	c->gone(c, status);
}

int ev_child_add(
    struct ev *ev, struct ev_child *c, pid_t pid, struct error *err)
{
	int fd = pidfd_open(pid, 0);

	if (fd == -1) {
		error_sys(err, "watch process %d", (int)pid);
		if (err && err->sys == ESRCH)
			err->code = ERR_NOT_FOUND;
		return -1;
	}
	c->pid = pid;
	c->io = (struct ev_io){.fd = fd, .ready = child_ready};
	if (ev_io_add(ev, &c->io, EV_READ, err) == -1) {
		fd_close(&c->io.fd);
		return -1;
	}
	return 0;
}

void ev_child_del(struct ev_child *c)
{
	if (!c->io.ev)
		return;
	ev_io_del(&c->io);
	fd_close(&c->io.fd);
}
