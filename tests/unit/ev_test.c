/* ev: what the loop promises about order, closing and dying processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "ev/ev.h"

struct pipe_user {
	struct ev_io io;
	int write_end;
	int calls;
	unsigned events;
	struct pipe_user *victim; /* closed by the first callback */
};

static void pipe_ready(struct ev_io *io, unsigned events)
{
	struct pipe_user *u = container_of(io, struct pipe_user, io);
	char c;

	u->calls++;
	u->events = events;
	(void)!read(io->fd, &c, 1);
	if (u->victim)
		ev_io_del(&u->victim->io);
}

static void pipe_open(struct ev *ev, struct pipe_user *u)
{
	int fds[2];

	assert_int_equal(fd_pipe(fds, NULL), 0);
	*u = (struct pipe_user){
	    .io = {.fd = fds[0], .ready = pipe_ready}, .write_end = fds[1]};
	assert_int_equal(fd_nonblock(fds[0], true, NULL), 0);
	assert_int_equal(ev_io_add(ev, &u->io, EV_READ, NULL), 0);
}

static void pipe_close(struct pipe_user *u)
{
	ev_io_del(&u->io);
	ev_io_del(&u->io);
	fd_close(&u->io.fd);
	fd_close(&u->write_end);
}

static void poke(struct pipe_user *u)
{
	assert_int_equal(write(u->write_end, "x", 1), 1);
}

static void descriptors_call_when_ready(void **state)
{
	struct ev *ev = ev_new();
	struct pipe_user u;

	pipe_open(ev, &u);
	ev_turn(ev, 0);
	assert_int_equal(u.calls, 0);
	poke(&u);
	poke(&u);
	ev_turn(ev, 1000);
	assert_int_equal(u.events, EV_READ);
	ev_turn(ev, 1000); /* level-triggered */
	assert_int_equal(u.calls, 2);
	ev_io_want(&u.io, 0);
	poke(&u);
	ev_turn(ev, 0);
	assert_int_equal(u.calls, 2);
	ev_io_want(&u.io, EV_READ);
	ev_turn(ev, 1000);
	assert_int_equal(u.calls, 3);
	fd_close(&u.write_end);
	ev_turn(ev, 1000);
	assert_int_equal(u.events, EV_HUP | EV_READ);
	pipe_close(&u);
	ev_free(ev);
}

static void closing_drops_events_of_the_same_turn(void **state)
{
	struct ev *ev = ev_new();
	struct pipe_user a, b;

	pipe_open(ev, &a);
	pipe_open(ev, &b);
	a.victim = &b;
	b.victim = &a;
	poke(&a);
	poke(&b);
	ev_turn(ev, 1000);
	ev_turn(ev, 0);
	assert_int_equal(a.calls + b.calls, 1);
	pipe_close(&a);
	pipe_close(&b);
	ev_free(ev);
}

static void what_epoll_refuses_is_an_error(void **state)
{
	struct ev *ev = ev_new();
	scoped_fd int fd = fd_sealed("x", STR("x"), NULL);
	struct ev_io io = {.fd = fd, .ready = pipe_ready};
	struct error err = {0};

	assert_int_equal(ev_io_add(ev, &io, EV_READ, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	ev_io_del(&io);
	ev_free(ev);
}

struct timed {
	struct ev_timer timer;
	struct ev *ev;
	int *order, *next;
	int id;
	int again;
};

static void fired(struct ev_timer *t)
{
	struct timed *it = container_of(t, struct timed, timer);

	it->order[(*it->next)++] = it->id;
	if (it->again > 0) {
		it->again--;
		ev_timer_set(it->ev, t, 0);
	}
}

#define MANY 300

static void timers_fire_in_their_order(void **state)
{
	static struct timed timers[MANY];
	struct ev *ev = ev_new();
	int order[MANY], next = 0;

	for (int i = 0; i < MANY; i++) {
		timers[i] = (struct timed){.timer = {.fire = fired},
		    .order = order,
		    .next = &next,
		    .id = i};
		ev_timer_set(
		    ev, &timers[i].timer, (uint64_t)(i * 7919 % MANY) / 3);
	}
	for (int i = 0; i < MANY; i += 3)
		ev_timer_stop(&timers[i].timer);
	ev_timer_stop(&timers[0].timer);
	for (int turns = 0; next < MANY * 2 / 3 && turns < 1000; turns++) {
		int before = next;

		ev_turn(ev, 1000);
		for (int i = before; i < next; i++)
			assert_int_not_equal(order[i] % 3, 0);
	}
	assert_int_equal(next, MANY * 2 / 3);
	for (int i = 1; i < next; i++) {
		int a = order[i - 1] * 7919 % MANY / 3;
		int b = order[i] * 7919 % MANY / 3;

		/* They were not set in one instant. */
		assert_true(a <= b + 20);
	}
	ev_free(ev);
}

static void a_timer_set_anew_waits_for_the_next_turn(void **state)
{
	struct ev *ev = ev_new();
	int order[16], next = 0;
	struct timed t = {.timer = {.fire = fired},
	    .ev = ev,
	    .order = order,
	    .next = &next,
	    .again = 5};

	ev_timer_set(ev, &t.timer, 0);
	ev_turn(ev, 1000);
	assert_int_equal(next, 1);
	assert_true(t.timer.at_ms != 0);
	for (int i = 0; i < 5; i++)
		ev_turn(ev, 1000);
	assert_int_equal(next, 6);
	assert_int_equal(t.timer.at_ms, 0);
	ev_free(ev);
}

static void a_later_set_replaces_the_earlier(void **state)
{
	struct ev *ev = ev_new();
	int order[4], next = 0;
	struct timed t = {
	    .timer = {.fire = fired}, .order = order, .next = &next};

	ev_timer_set(ev, &t.timer, 0);
	ev_timer_set(ev, &t.timer, 60000);
	ev_turn(ev, 5);
	assert_int_equal(next, 0);
	ev_timer_set(ev, &t.timer, 0);
	ev_turn(ev, 60000);
	assert_int_equal(next, 1);
	ev_free(ev);
}

struct chain {
	struct ev *ev;
	int left, done;
};

static void chain_step(void *arg)
{
	struct chain *c = arg;

	c->done++;
	if (c->left-- > 0)
		ev_defer(c->ev, chain_step, c);
}

static void deferred_calls_come_at_the_end_of_turns(void **state)
{
	struct chain c = {.ev = ev_new(), .left = 2};

	ev_defer(c.ev, chain_step, &c);
	assert_int_equal(c.done, 0);
	ev_turn(c.ev, -1); /* does not wait */
	assert_int_equal(c.done, 1);
	ev_turn(c.ev, -1);
	assert_int_equal(c.done, 2);
	ev_free(c.ev); /* runs what is left */
	assert_int_equal(c.done, 3);
}

static void signalled(void *arg, int signo)
{
	int *got = arg;

	*got = signo;
}

static void signals_arrive_as_calls(void **state)
{
	struct ev *ev = ev_new();
	struct error err = {0};
	int got = 0, other = 0;

	assert_int_equal(ev_signal(ev, SIGUSR1, signalled, &got, &err), 0);
	assert_int_equal(ev_signal(ev, SIGUSR2, signalled, &other, &err), 0);
	assert_int_equal(ev_signal(ev, SIGUSR1, signalled, &got, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	assert_int_equal(ev_signal(ev, 0, signalled, &got, &err), -1);
	assert_int_equal(ev_signal(ev, NSIG, signalled, &got, &err), -1);
	kill(getpid(), SIGUSR1);
	ev_turn(ev, 1000);
	assert_int_equal(got, SIGUSR1);
	assert_int_equal(other, 0);
	ev_free(ev);
}

struct watched {
	struct ev_child child;
	int status, calls;
};

static void child_gone(struct ev_child *c, int status)
{
	struct watched *w = container_of(c, struct watched, child);

	w->status = status;
	w->calls++;
}

static void children_are_reaped_with_their_status(void **state)
{
	struct ev *ev = ev_new();
	struct watched w[3] = {0};
	struct error err = {0};

	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid == 0 && i == 1)
			pause();
		if (pid == 0)
			_exit(i * 7);
		w[i].child.gone = child_gone;
		assert_int_equal(ev_child_add(ev, &w[i].child, pid, &err), 0);
	}
	kill(w[1].child.pid, SIGKILL);
	while (w[0].calls + w[1].calls + w[2].calls < 3)
		ev_turn(ev, 1000);
	assert_int_equal(w[0].status, 0);
	assert_true(WIFSIGNALED(w[1].status));
	assert_int_equal(WTERMSIG(w[1].status), SIGKILL);
	assert_int_equal(WEXITSTATUS(w[2].status), 14);
	assert_int_equal(waitpid(w[0].child.pid, NULL, WNOHANG), -1);
	assert_int_equal(
	    ev_child_add(ev, &w[0].child, w[0].child.pid, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	ev_child_del(&w[0].child);
	ev_free(ev);
}

/* A grandchild, whose parent lives on: watched, but not ours to reap. */
static void a_stranger_has_no_status(void **state)
{
	struct ev *ev = ev_new();
	struct watched w = {.child = {.gone = child_gone}};
	int fds[2];
	pid_t parent, grandchild = 0;

	assert_int_equal(fd_pipe(fds, NULL), 0);
	parent = fork();
	if (parent == 0) {
		grandchild = fork();
		if (grandchild == 0)
			for (;;)
				pause();
		if (write(fds[1], &grandchild, sizeof(grandchild)) < 0)
			_exit(1);
		waitpid(grandchild, NULL, 0);
		_exit(0);
	}
	assert_int_equal(
	    read(fds[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	assert_int_equal(ev_child_add(ev, &w.child, grandchild, NULL), 0);
	kill(grandchild, SIGKILL);
	while (w.calls == 0)
		ev_turn(ev, 1000);
	assert_int_equal(w.status, -1);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	ev_free(ev);
}

static void stop_now(void *arg)
{
	ev_stop(arg);
}

static void a_run_ends_when_told(void **state)
{
	struct ev *ev = ev_new();

	ev_defer(ev, stop_now, ev);
	ev_run(ev);
	ev_defer(ev, stop_now, ev);
	ev_run(ev);
	ev_free(ev);
	ev_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(descriptors_call_when_ready),
	    cmocka_unit_test(closing_drops_events_of_the_same_turn),
	    cmocka_unit_test(what_epoll_refuses_is_an_error),
	    cmocka_unit_test(timers_fire_in_their_order),
	    cmocka_unit_test(a_timer_set_anew_waits_for_the_next_turn),
	    cmocka_unit_test(a_later_set_replaces_the_earlier),
	    cmocka_unit_test(deferred_calls_come_at_the_end_of_turns),
	    cmocka_unit_test(signals_arrive_as_calls),
	    cmocka_unit_test(children_are_reaped_with_their_status),
	    cmocka_unit_test(a_stranger_has_no_status),
	    cmocka_unit_test(a_run_ends_when_told),
	};

	return cmocka_run_group_tests_name("ev", tests, NULL, NULL);
}
