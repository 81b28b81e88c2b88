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
	w->l = ipc_listen(
	    w->ev, w->fd, ROLE_WEB, &w->roles, &ops, &w->listener);
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
	w->connected = ipc_connect(
	    w->ev, w->path, self, ROLE_WEB, &ops, &w->connector);
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
	frame_put_z(
	    &o, F_COMMIT, "0123456789012345678901234567890123456789");
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

static void a_frame_that_the_role_may_not_send_cuts_it_off(void **state)
{
	struct world *w = *state;
	struct frame_out o;

	dial(w, ROLE_GITD);
	turn_until(w, &w->listener.ups, 1);
	turn_until(w, &w->connector.ups, 1);
	o = tick(1);
	assert_int_equal(peer_send(w->connected, &o), 0);
	turn_until(w, &w->listener.downs, 1);
	turn_until(w, &w->connector.downs, 1);
	assert_int_equal(w->listener.frames, 0);
	/* It comes back by itself. */
	turn_until(w, &w->connector.ups, 2);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(peers_greet_and_frames_keep_their_order),
	    TEST(a_descriptor_arrives),
	    TEST(a_role_of_another_user_is_cut_off),
	    TEST(a_frame_that_the_role_may_not_send_cuts_it_off),
	    TEST(a_connector_survives_its_listener),
	    TEST(a_peer_that_does_not_read_is_cut_off_at_the_limit),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
