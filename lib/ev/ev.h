/*
 * ev - the event loop: descriptors, timers, signals, processes; by epoll.
 *
 * One loop a thread, owned by main and passed down. Handles are embedded in
 * the user's structs; a callback gets its handle and finds the rest with
 * container_of. Closing a handle from any callback is safe: the loop drops
 * its pending events at once. What must be freed after the turn goes through
 * ev_defer().
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/list.h"

struct ev; /* opaque */

enum { EV_READ = 1, EV_WRITE = 2, EV_HUP = 4 /* reported, never asked for */ };

struct ev_io {
	int fd; /* -1 when not registered; owned by the user */
	unsigned want;
	void (*ready)(struct ev_io *io, unsigned events);
	struct ev *ev;
	struct list pending_; /* the loop's own, as is events_ */
	unsigned events_;
};

struct ev_timer {
	uint64_t at_ms; /* 0 when not set */
	void (*fire)(struct ev_timer *t);
	struct ev *ev;
	size_t heap_; /* the loop's own */
};

struct ev_child { /* a process, ours or adopted, watched by pidfd */
	struct ev_io io;
	pid_t pid;
	/* status as of waitpid, or -1 when the process was not our child */
	void (*gone)(struct ev_child *c, int status);
};

struct ev *ev_new(void); /* aborts where the kernel gives no epoll */
/* Runs what is deferred; handles not taken out are dead. NULL is fine. */
void ev_free(struct ev *ev);

/* Run until ev_stop. */
void ev_run(struct ev *ev);
void ev_stop(struct ev *ev);
/* One turn, waiting at most timeout_ms (-1: until something happens). */
void ev_turn(struct ev *ev, int timeout_ms);
uint64_t ev_now_ms(const struct ev *ev); /* monotonic, of this turn */

/*
 * Level-triggered. Set io->fd and io->ready before. With EV_HUP comes all
 * that is wanted, so that who reads or writes learns of it by doing so.
 */
int ev_io_add(
    struct ev *ev, struct ev_io *io, unsigned want, struct error *err);
void ev_io_want(struct ev_io *io, unsigned want); /* 0: only hang-ups */
void ev_io_del(struct ev_io *io); /* does not close fd; twice is harmless */

/* (Re)start; t->fire is called once, in after_ms. */
void ev_timer_set(struct ev *ev, struct ev_timer *t, uint64_t after_ms);
void ev_timer_stop(struct ev_timer *t); /* twice is harmless */

/*
 * Block signo and call fn with arg when it comes; one handler a signal, a
 * second one is ERR_EXISTS.
 */
int ev_signal(struct ev *ev, int signo, void (*fn)(void *arg, int signo),
    void *arg, struct error *err);

/* Watch pid (opens a pidfd of its own). Reaps it when it is our child. */
int ev_child_add(
    struct ev *ev, struct ev_child *c, pid_t pid, struct error *err);
void ev_child_del(struct ev_child *c);

/* Call fn(arg) at the end of this turn, or of the next one when deferred by
 * such a call or between turns; that turn then does not wait. */
void ev_defer(struct ev *ev, void (*fn)(void *arg), void *arg);
