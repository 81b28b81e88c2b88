/* peer: hello, roles, order, descriptors, reconnects, and being cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "ipc/peer.h"

struct side {
	struct peer *peer;
	int ups, downs, frames;
	uint64_t last;
	char byte; /* read from a descriptor that came along */
};

struct world {
	struct ev *ev;
	struct roles roles;
	char path[80];
	int fd;
	struct side listener, connector;
	struct ipc_listener *l;
	struct peer *connected;
};

static void on_up(struct peer *p, void *ctx)
{
	struct side *s = ctx;

	s->peer = p;
	s->ups++;
}

static void on_frame(struct peer *p, struct frame *f, void *ctx)
{
	struct side *s = ctx;

	s->frames++;
	s->last = frame_u64(f, F_SEQ);
	if (f->nfds > 0)
		assert_int_equal(read(f->fds[0], &s->byte, 1), 1);
}

static void on_down(struct peer *p, void *ctx)
{
	struct side *s = ctx;

	s->peer = NULL;
	s->downs++;
}

static const struct peer_ops ops = {on_up, on_frame, on_down};

static void listen_again(struct world *w)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	(void)unlink(w->path);
	memcpy(at.sun_path, w->path, strlen(w->path) + 1);
	w->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(w->fd, 8), 0);
	w->l =
	    ipc_listen(w->ev, w->fd, ROLE_WEB, &w->roles, &ops, &w->listener);
}

static void stop_listening(struct world *w)
{
	ipc_listener_free(w->l);
	close(w->fd);
	w->l = NULL;
}

static void turn_until(struct world *w, const int *counter, int want)
{
	for (int i = 0; i < 500 && *counter < want; i++)
		ev_turn(w->ev, 20);
	assert_true(*counter >= want);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->ev = ev_new();
	for (int role = 0; role < ROLE_N; role++)
		w->roles.of[role].uid = getuid();
	snprintf(w->path, sizeof(w->path), "/tmp/peer-test-%d", (int)getpid());
	listen_again(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	peer_close(w->connected);
	if (w->l)
		stop_listening(w);
	ev_free(w->ev);
	(void)unlink(w->path);
	free(w);
	return 0;
}

static void dial(struct world *w, enum role self)
{
	w->connected =
	    ipc_connect(w->ev, w->path, self, ROLE_WEB, &ops, &w->connector);
}

static struct frame_out tick(uint64_t n)
{
	struct frame_out o = frame_begin(MSG_BUILD_TICK, 0);

	frame_put_u64(&o, F_BUILD, 1);
	frame_put_u64(&o, F_OFFSET, n);
	frame_put_u64(&o, F_SEQ, n);
	return o;
}

static void peers_greet_and_frames_keep_their_order(void **state)
{
	struct world *w = *state;
	int sent = 3000;

	dial(w, ROLE_BUILDER);
	turn_until(w, &w->connector.ups, 1);
	turn_until(w, &w->listener.ups, 1);
	assert_int_equal(peer_role(w->listener.peer), ROLE_BUILDER);
	for (int i = 1; i <= sent; i++) {
		struct frame_out o = tick((uint64_t)i);

		assert_int_equal(peer_send(w->connected, &o), 0);
	}
	turn_until(w, &w->listener.frames, sent);
	assert_int_equal(w->listener.last, sent);
}

static void a_descriptor_arrives(void **state)
{
	struct world *w = *state;
	struct frame_out o;
	struct error err;
	int pipe_fds[2], env = fd_sealed("env", STR("A=1"), &err);

	dial(w, ROLE_BUILDER);
	turn_until(w, &w->listener.ups, 1);
	turn_until(w, &w->connector.ups, 1);
	assert_int_equal(fd_pipe(pipe_fds, &err), 0);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	o = frame_begin(MSG_BUILD_START, 0);
	frame_put_u64(&o, F_BUILD, 1);
	frame_put_u64(&o, F_APP, 1);
	frame_put_z(&o, F_APP_NAME, "hello");
	frame_put_u64(&o, F_REPO, 1);
	frame_put_z(&o, F_COMMIT, "0123456789012345678901234567890123456789");
	frame_put_fd(&o, pipe_fds[0]);
	frame_put_fd(&o, env);
	assert_int_equal(peer_send(w->listener.peer, &o), 0);
	turn_until(w, &w->connector.frames, 1);
	assert_int_equal(w->connector.byte, 'x');
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(env);
}

static void a_role_of_another_user_is_cut_off(void **state)
{
	struct world *w = *state;

	w->roles.of[ROLE_BUILDER].uid = getuid() + 1;
	dial(w, ROLE_BUILDER);
	for (int i = 0; i < 20; i++)
		ev_turn(w->ev, 5);
	assert_int_equal(w->listener.ups, 0);
	assert_int_equal(w->connector.ups, 0);
}

/* --- a connection by hand, which keeps no rule --------------------------- */

static int dial_raw(struct world *w)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, w->path, strlen(w->path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void send_raw(int fd, struct frame_out o)
{
	struct error err = {0};

	if (ipc_send_fd(fd, &o, &err) == -1)
		fail_msg("%s", err.msg);
}

static struct frame_out hello(uint64_t version, uint64_t role)
{
	struct frame_out o = frame_begin(MSG_HELLO, 0);

	frame_put_u64(&o, F_VERSION, version);
	frame_put_u64(&o, F_ROLE, role);
	return o;
}

/* Is the connection cut off within some turns? */
static bool is_cut(struct world *w, int fd)
{
	char byte;

	for (int i = 0; i < 20; i++)
		ev_turn(w->ev, 5);
	while (recv(fd, &byte, 1, MSG_DONTWAIT) > 0)
		;
	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void a_frame_that_the_role_may_not_send_cuts_it_off(void **state)
{
	struct world *w = *state;
	int fd = dial_raw(w);

	send_raw(fd, hello(IPC_VERSION, ROLE_GITD));
	turn_until(w, &w->listener.ups, 1);
	send_raw(fd, tick(1));
	turn_until(w, &w->listener.downs, 1);
	assert_int_equal(w->listener.frames, 0);
	assert_true(is_cut(w, fd));
	close(fd);
}

static void a_wrong_greeting_is_cut_off(void **state)
{
	struct world *w = *state;
	struct frame_out greetings[] = {
	    frame_begin(MSG_OK, 0),
	    tick(1),
	    hello(IPC_VERSION + 2, ROLE_BUILDER),
	    hello(IPC_VERSION, ROLE_NONE),
	    hello(IPC_VERSION, ROLE_N),
	    hello(IPC_VERSION, UINT64_MAX),
	    frame_begin(MSG_HELLO, 0),
	    frame_begin(MSG_N, 0),
	};

	for (size_t i = 0; i < NELEM(greetings); i++) {
		int fd = dial_raw(w);

		send_raw(fd, greetings[i]);
		assert_true(is_cut(w, fd));
		close(fd);
	}
	assert_int_equal(w->listener.ups, 0);
	assert_int_equal(w->listener.downs, 0);
}

static void bytes_that_are_no_frame_are_cut_off(void **state)
{
	static char large[FRAME_MAX + 8];
	struct world *w = *state;
	const struct str packets[] = {
	    STR("x"), STR("GET / HTTP/1.1\r\n\r\n"), {large, sizeof(large)}};

	for (size_t i = 0; i < NELEM(packets); i++) {
		int fd = dial_raw(w);

		assert_int_equal(
		    send(fd, packets[i].p, packets[i].len, 0), packets[i].len);
		assert_true(is_cut(w, fd));
		close(fd);
	}
}

static void a_second_hello_is_cut_off(void **state)
{
	struct world *w = *state;
	int fd = dial_raw(w);

	send_raw(fd, hello(IPC_VERSION, ROLE_BUILDER));
	send_raw(fd, hello(IPC_VERSION, ROLE_GITD));
	turn_until(w, &w->listener.downs, 1);
	assert_int_equal(w->listener.ups, 1);
	close(fd);
}

static void a_user_of_no_role_is_turned_away(void **state)
{
	struct world *w = *state;
	int fd;

	for (int role = 0; role < ROLE_N; role++)
		w->roles.of[role].uid = getuid() + 1;
	fd = dial_raw(w);
	assert_true(is_cut(w, fd));
	close(fd);
}

static void so_many_may_greet_at_once(void **state)
{
	struct world *w = *state;
	int fds[65];

	for (int i = 0; i < 65; i++) {
		fds[i] = dial_raw(w);
		ev_turn(w->ev, 0);
	}
	assert_false(is_cut(w, fds[63]));
	assert_true(is_cut(w, fds[64]));
	for (int i = 0; i < 65; i++)
		close(fds[i]);
}

static void what_breaks_its_row_is_not_sent(void **state)
{
	struct world *w = *state;
	struct frame_out o;

	dial(w, ROLE_GITD);
	turn_until(w, &w->connector.ups, 1);
	o = tick(1);
	assert_int_equal(peer_send(w->connected, &o), -1);
	o = frame_begin(MSG_OK, 1);
	frame_put_fd(&o, -1);
	assert_int_equal(peer_send(w->connected, &o), -1);
	assert_true(peer_is_up(w->connected));
	assert_int_equal(peer_send_ok(w->connected, 1), 0);
	turn_until(w, &w->listener.frames, 1);
}

static void a_connector_survives_its_listener(void **state)
{
	struct world *w = *state;

	dial(w, ROLE_BUILDER);
	turn_until(w, &w->connector.ups, 1);
	stop_listening(w);
	turn_until(w, &w->connector.downs, 1);
	assert_false(peer_is_up(w->connected));
	listen_again(w);
	turn_until(w, &w->connector.ups, 2);
	turn_until(w, &w->listener.ups, 2);
}

static void a_peer_that_does_not_read_is_cut_off_at_the_limit(void **state)
{
	struct world *w = *state;
	char text[30000];
	size_t sent = 0;

	memset(text, 'x', sizeof(text));
	dial(w, ROLE_PLAN);
	turn_until(w, &w->listener.ups, 1);
	turn_until(w, &w->connector.ups, 1);
	for (;;) {
		struct frame_out o = frame_begin(MSG_RELEASE_FAILED, 0);

		frame_put_u64(&o, F_APP, 1);
		frame_put_u64(&o, F_RELEASE, 1);
		frame_put(&o, F_TEXT, str_make(text, sizeof(text)));
		if (peer_send(w->connected, &o) == -1)
			break;
		sent += sizeof(text);
		assert_true(sent < 2 * IPC_QUEUE_MAX);
	}
	assert_true(sent > IPC_QUEUE_MAX / 2);
	assert_false(peer_is_up(w->connected));
	turn_until(w, &w->connector.downs, 1);
}

/* --- adopted ones, and what callbacks may do ----------------------------- */

/* What happened, as letters: u, f, d. */
struct story {
	char text[16];
	size_t n;
	struct peer *peer;
	bool close_on_frame, close_on_up, close_on_down, send_on_up;
};

static void tell(struct story *s, char what)
{
	assert_true(s->n < sizeof(s->text) - 1);
	s->text[s->n++] = what;
}

static void story_up(struct peer *p, void *ctx)
{
	struct story *s = ctx;

	tell(s, 'u');
	for (uint64_t i = 1; s->send_on_up && i <= 3; i++) {
		struct frame_out o = tick(i);

		assert_int_equal(peer_send(p, &o), 0);
	}
	if (s->close_on_up)
		peer_close(p);
}

static void story_frame(struct peer *p, struct frame *f, void *ctx)
{
	struct story *s = ctx;

	tell(s, 'f');
	if (s->close_on_frame) {
		peer_close(p);
		peer_close(p);
		assert_false(peer_is_up(p));
		assert_int_equal(peer_send_ok(p, 1), -1);
	}
}

static void story_down(struct peer *p, void *ctx)
{
	struct story *s = ctx;

	tell(s, 'd');
	assert_int_equal(peer_send_ok(p, 1), -1);
	if (s->close_on_down)
		peer_close(p);
}

static const struct peer_ops story_ops = {story_up, story_frame, story_down};

static void adopt_pair(struct world *w, struct story *s, int *ret_other)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	s->peer =
	    ipc_adopt(w->ev, fds[0], ROLE_WEB, ROLE_BUILDER, &story_ops, s);
	*ret_other = fds[1];
}

static void up_comes_before_any_frame(void **state)
{
	struct world *w = *state;
	struct story s = {0};
	int other;

	adopt_pair(w, &s, &other);
	send_raw(other, tick(1));
	for (int i = 0; i < 5; i++)
		ev_turn(w->ev, 5);
	close(other);
	for (int i = 0; i < 5; i++)
		ev_turn(w->ev, 5);
	assert_string_equal(s.text, "ufd");
}

static void one_lost_before_up_is_told_down(void **state)
{
	struct world *w = *state;
	struct story s = {0};
	int other;

	adopt_pair(w, &s, &other);
	close(other);
	assert_int_equal(peer_send_ok(s.peer, 1), -1);
	ev_turn(w->ev, 5);
	assert_string_equal(s.text, "d");
}

static void a_callback_may_close_its_peer(void **state)
{
	static const struct {
		struct story story;
		const char *want;
	} cases[] = {
	    {{.close_on_up = true}, "ud"},
	    {{.close_on_frame = true}, "ufd"},
	    {{.close_on_frame = true, .close_on_down = true}, "ufd"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct story s = cases[i].story;
		int other;

		adopt_pair(w, &s, &other);
		send_raw(other, tick(1));
		send_raw(other, tick(2));
		for (int turn = 0; turn < 5; turn++)
			ev_turn(w->ev, 5);
		assert_string_equal(s.text, cases[i].want);
		close(other);
	}
}

static void a_connector_may_be_closed_by_its_down(void **state)
{
	struct world *w = *state;
	struct story s = {.close_on_down = true};

	s.peer =
	    ipc_connect(w->ev, w->path, ROLE_BUILDER, ROLE_WEB, &story_ops, &s);
	turn_until(w, &w->listener.ups, 1);
	for (int i = 0; i < 5; i++)
		ev_turn(w->ev, 5);
	stop_listening(w);
	for (int i = 0; i < 20; i++)
		ev_turn(w->ev, 5);
	assert_string_equal(s.text, "ud");
}

static void frames_sent_from_up_go_out_in_order(void **state)
{
	struct world *w = *state;
	struct story s = {.send_on_up = true};
	static char mem[FRAME_MAX];
	struct error err = {0};
	struct frame f;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	s.peer =
	    ipc_adopt(w->ev, fds[0], ROLE_BUILDER, ROLE_WEB, &story_ops, &s);
	ev_turn(w->ev, 0);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(
		    ipc_recv_fd(fds[1], ROLE_WEB, ROLE_BUILDER, mem, &f, &err),
		    1);
		assert_int_equal(frame_u64(&f, F_SEQ), i);
	}
	close(fds[1]);
	ev_turn(w->ev, 100);
	assert_string_equal(s.text, "ud");
}

static void descriptors_nobody_takes_are_closed(void **state)
{
	struct world *w = *state;
	struct frame_out o = frame_begin(MSG_ATTACH, 0);
	struct story s = {0};
	int fds[2], pair[2];
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	s.peer =
	    ipc_adopt(w->ev, pair[0], ROLE_JAIL, ROLE_ROUTER, &story_ops, &s);
	assert_int_equal(fd_pipe(fds, NULL), 0);
	frame_put_u64(&o, F_INSTANCE, 1);
	frame_put_fd(&o, fds[1]);
	send_raw(pair[1], o);
	close(fds[1]);
	for (int i = 0; i < 5; i++)
		ev_turn(w->ev, 5);
	assert_string_equal(s.text, "uf");
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	close(pair[1]);
	ev_turn(w->ev, 100);
}

/* --- without a loop ------------------------------------------------------ */

static void a_worker_sends_and_receives_without_a_loop(void **state)
{
	static char mem[FRAME_MAX];
	struct error err = {0};
	struct frame f;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	send_raw(fds[0], tick(7));
	assert_int_equal(
	    ipc_recv_fd(fds[1], ROLE_WEB, ROLE_BUILDER, mem, &f, &err), 1);
	assert_int_equal(frame_u64(&f, F_SEQ), 7);
	send_raw(fds[0], tick(8));
	assert_int_equal(
	    ipc_recv_fd(fds[1], ROLE_WEB, ROLE_GITD, mem, &f, &err), -1);
	assert_int_equal(err.code, ERR_FORBIDDEN);
	close(fds[0]);
	assert_int_equal(
	    ipc_recv_fd(fds[1], ROLE_WEB, ROLE_BUILDER, mem, &f, &err), 0);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(peers_greet_and_frames_keep_their_order),
	    TEST(a_descriptor_arrives),
	    TEST(a_role_of_another_user_is_cut_off),
	    TEST(a_frame_that_the_role_may_not_send_cuts_it_off),
	    TEST(a_wrong_greeting_is_cut_off),
	    TEST(bytes_that_are_no_frame_are_cut_off),
	    TEST(a_second_hello_is_cut_off),
	    TEST(a_user_of_no_role_is_turned_away),
	    TEST(so_many_may_greet_at_once),
	    TEST(what_breaks_its_row_is_not_sent),
	    TEST(a_connector_survives_its_listener),
	    TEST(a_peer_that_does_not_read_is_cut_off_at_the_limit),
	    TEST(up_comes_before_any_frame),
	    TEST(one_lost_before_up_is_told_down),
	    TEST(a_callback_may_close_its_peer),
	    TEST(a_connector_may_be_closed_by_its_down),
	    TEST(frames_sent_from_up_go_out_in_order),
	    TEST(descriptors_nobody_takes_are_closed),
	    cmocka_unit_test(a_worker_sends_and_receives_without_a_loop),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
