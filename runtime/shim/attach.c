#include "attach.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define MOVES_A_TURN 16

enum { P_INPUT, P_OUTPUT, P_CLIENT };

/* --- legs ---------------------------------------------------------------- */

/* 1 when bytes came, 0 for none now or ever. A terminal ends with EIO. */
static int leg_fill(struct leg *l, int from)
{
	ssize_t n;

	if (l->ended || l->len > 0 || from == -1)
		return 0;
	n = read(from, l->bytes, sizeof(l->bytes));
	if (n > 0) {
		l->at = 0;
		l->len = (size_t)n;
		return 1;
	}
	l->ended = n == 0 || (errno != EAGAIN && errno != EINTR);
	return 0;
}

/* 1 when bytes went, 0 for none now, -1 when nobody takes them. */
static int leg_empty(struct leg *l, int to)
{
	ssize_t n;

	if (l->len == 0)
		return 0;
	n = to == -1 ? -1 : write(to, l->bytes + l->at, l->len);
	if (n == -1)
		return to != -1 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	l->at += (size_t)n;
	l->len -= (size_t)n;
	return 1;
}

/* -1 when nobody takes the bytes. */
static int leg_move(struct leg *l, int from, int to)
{
	for (int i = 0; i < MOVES_A_TURN; i++) {
		int came = leg_fill(l, from);
		int went = leg_empty(l, to);

		if (went == -1)
			return -1;
		if (!came && !went)
			break;
	}
	return 0;
}

/* --- states -------------------------------------------------------------- */

void attach_init(
    struct attach *a, bool pty, int input, int output, uint64_t now_ms)
{
	a->state = ATTACH_WAITING;
	a->pty = pty;
	a->input = input;
	a->output = output;
	a->client = -1;
	a->due_ms = now_ms + ATTACH_CLIENT_MS;
}

int attach_join(struct attach *a, int client, struct error *err)
{
	if (a->state != ATTACH_WAITING)
		return error_set(err, ERR_EXISTS, "a client has come already");
	if (fd_nonblock(client, true, err) == -1)
		return -1;
	a->client = client;
	a->state = ATTACH_JOINED;
	if (!a->exited)
		a->due_ms = UINT64_MAX;
	return 0;
}

void attach_resize(
    const struct attach *a, unsigned short rows, unsigned short cols)
{
	const struct winsize size = {.ws_row = rows, .ws_col = cols};

	if (a->pty && a->output != -1)
		(void)ioctl(a->output, TIOCSWINSZ, &size);
}

static void close_all(struct attach *a)
{
	fd_close(&a->input);
	fd_close(&a->output);
	fd_close(&a->client);
	a->due_ms = UINT64_MAX;
}

static void done(struct attach *a)
{
	close_all(a);
	a->state = ATTACH_DONE;
}

/* Closing a terminal hangs up its session; pipes just break. */
static int leave(struct attach *a, uint64_t now_ms)
{
	if (a->exited) {
		done(a);
		return 0;
	}
	close_all(a);
	a->state = ATTACH_LEFT;
	a->due_ms = now_ms + ATTACH_HANGUP_MS;
	return SIGHUP;
}

void attach_exited(struct attach *a, uint64_t now_ms)
{
	a->exited = true;
	if (a->state == ATTACH_LEFT)
		done(a);
	if (a->state == ATTACH_JOINED)
		a->due_ms = now_ms + ATTACH_END_MS;
	a->up.ended = false; /* a terminal ends whenever nobody has it open */
}

/* --- what a turn does ---------------------------------------------------- */

/* The client's bytes. False when it has left. */
static bool move_down(struct attach *a)
{
	if (leg_move(&a->down, a->client, a->input) == -1) {
		/* The container does not read any more: they go nowhere. */
		fd_close(&a->input);
		a->down.len = 0;
	}
	if (!a->down.ended || a->down.len > 0)
		return true;
	fd_close(&a->input);
	return !a->pty;
}

static bool joined_left(struct attach *a, const struct pollfd p[3])
{
	bool here = move_down(a);

	if (leg_move(&a->up, a->output, a->client) == -1)
		return true;
	return (!here && !a->exited) ||
	       (p[P_CLIENT].revents & (POLLHUP | POLLERR)) ||
	       (a->pty && p[P_CLIENT].revents & POLLRDHUP && a->down.len > 0);
}

static bool delivered(const struct attach *a)
{
	return a->exited && a->up.ended && a->up.len == 0;
}

/*
 * All is written; the client says when it has read it by closing. Without
 * that wait, bytes of its own that nobody reads would reset the connection.
 */
static void close_softly(struct attach *a)
{
	(void)shutdown(a->client, SHUT_WR);
	a->state = ATTACH_CLOSING;
	a->down.len = 0;
}

static bool closing_over(struct attach *a)
{
	for (int i = 0; i < MOVES_A_TURN && leg_fill(&a->down, a->client); i++)
		a->down.len = 0;
	return a->down.ended;
}

int attach_turn(struct attach *a, const struct pollfd p[3], uint64_t now_ms)
{
	bool late = now_ms >= a->due_ms;

	switch (a->state) {
	case ATTACH_WAITING:
		if (a->exited)
			(void)leg_fill(&a->up, a->output);
		return late || delivered(a) ? leave(a, now_ms) : 0;
	case ATTACH_JOINED:
		if (late || joined_left(a, p))
			return leave(a, now_ms);
		if (delivered(a))
			close_softly(a);
		return 0;
	case ATTACH_CLOSING:
		if (late || closing_over(a))
			done(a);
		return 0;
	case ATTACH_LEFT:
		a->due_ms = late ? UINT64_MAX : a->due_ms;
		return late ? SIGKILL : 0;
	case ATTACH_DONE:
		break;
	}
	return 0;
}

/* --- what to wait for ---------------------------------------------------- */

void attach_want(const struct attach *a, struct pollfd p[3])
{
	short client = 0;

	for (int i = 0; i < 3; i++)
		p[i] = (struct pollfd){.fd = -1};
	if (a->state != ATTACH_JOINED && a->state != ATTACH_CLOSING)
		return;
	if (a->down.len == 0 && !a->down.ended)
		client |= POLLIN;
	else if (a->pty && !a->down.ended)
		client |= POLLRDHUP;
	if (a->up.len > 0)
		client |= POLLOUT;
	p[P_CLIENT] = (struct pollfd){.fd = a->client, .events = client};
	if (a->state == ATTACH_CLOSING)
		return;
	if (a->down.len > 0)
		p[P_INPUT] = (struct pollfd){a->input, POLLOUT, 0};
	if (a->up.len == 0 && !a->up.ended)
		p[P_OUTPUT] = (struct pollfd){a->output, POLLIN, 0};
}
