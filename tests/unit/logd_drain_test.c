/* logd's drains: batches, places, losses; outbound is played by the test. */
/* links: runtime/logd/ */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../runtime/logd/drain.h"
#include "../../runtime/logd/place.h"
#include "../../runtime/logd/syslog.h"
#include "../../runtime/logd/trim.h"
#include "base/fd.h"
#include "base/mem.h"
#include "ipc/peer.h"
#include "wire/logrec.h"

#define NOON_MS 1769860800000ull /* 2026-01-31T12:00:00Z */

struct fixture {
	char path[64];
	struct settings settings;
	struct ev *ev;
	struct logd d;
	int app;       /* the folder of app 7 */
	int door, out; /* outbound.sock, its connection */
	char mem[FRAME_MAX];
	struct frame f; /* the frame read last */
};

static void start(struct fixture *x)
{
	assert_int_equal(logd_init(&x->d, x->ev, &x->settings, NULL), 0);
}

static int listen_there(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/outbound.sock", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));
	static const char *const folders[] = {"logs", "logs/7", "logd"};
	char path[120];

	snprintf(x->path, sizeof(x->path), "/tmp/logd-drain-XXXXXX");
	assert_non_null(mkdtemp(x->path));
	for (size_t i = 0; i < NELEM(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", x->path, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	snprintf(path, sizeof(path), "%s/logs/7", x->path);
	x->app = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	x->door = listen_there(x->path);
	x->out = -1;
	snprintf(x->settings.state, sizeof(x->settings.state), "%s", x->path);
	snprintf(x->settings.run, sizeof(x->settings.run), "%s", x->path);
	x->settings.log_segment_bytes = 1 << 20;
	x->settings.log_segments = 3;
	x->settings.log_app_bytes = x->settings.log_host_bytes = 1 << 24;
	x->ev = ev_new();
	start(x);
	*state = x;
	return 0;
}

static void stop(struct fixture *x)
{
	frame_close_fds(&x->f);
	x->f.nfds = 0;
	fd_close(&x->out);
	logd_release(&x->d);
	ev_turn(x->ev, 0);
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	stop(x);
	ev_free(x->ev);
	fd_close(&x->door);
	fd_close(&x->app);
	(void)fd_remove_tree(AT_FDCWD, x->path, NULL);
	free(x);
	return 0;
}

static void shim_writes(struct fixture *x, uint64_t instance, uint32_t index,
    uint64_t seq, const char *text)
{
	struct seg s = {.name = "web.1", .instance = instance, .index = index};
	struct logrec rec = {.time_us = NOON_MS * 1000 + seq,
	    .seq = seq,
	    .stream = 1,
	    .text = str_z(text)};
	unsigned char head[LOGREC_HEAD];
	char file[SEG_FILE_MAX];
	scoped_fd int fd = -1;

	seg_file(&s, file);
	fd = openat(x->app, file, O_WRONLY | O_CREAT | O_APPEND, 0640);
	logrec_head(&rec, head);
	assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
	assert_int_equal(
	    write(fd, rec.text.p, rec.text.len), (ssize_t)rec.text.len);
}

static void put_drain(struct fixture *x, const char *url)
{
	drain_put(&x->d, &(struct drain_spec){.id = 3,
	                     .app = 7,
	                     .since_ms = NOON_MS,
	                     .url = str_z(url),
	                     .token = STR("d.token")});
}

/* The next batch for outbound: its bytes into out. */
static void expect_batch(struct fixture *x, struct buf *out)
{
	struct error err = {0};

	frame_close_fds(&x->f);
	x->f.nfds = 0;
	for (;;) {
		ssize_t n;

		ev_turn(x->ev, 20);
		if (x->out == -1)
			x->out = accept4(
			    x->door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (x->out == -1)
			continue;
		n = ipc_recv_fd(
		    x->out, ROLE_OUTBOUND, ROLE_LOGD, x->mem, &x->f, &err);
		if (n == 1)
			break;
		assert_int_equal(err.sys, EAGAIN);
	}
	assert_int_equal(x->f.type, MSG_DRAIN_SEND);
	assert_int_equal(frame_u64(&x->f, F_DRAIN), 3);
	buf_clear(out);
	assert_int_equal(fd_sealed_read(x->f.fds[0], out, &err), 0);
}

static void answer(struct fixture *x, enum msg type, uint64_t code)
{
	struct frame_out o = frame_begin(type, 0);
	struct error err = {0};

	frame_put_u64(&o, F_DRAIN, 3);
	frame_put_u64(&o, F_SEQ, frame_u64(&x->f, F_SEQ));
	if (type == MSG_DRAIN_FAILED) {
		frame_put_u64(&o, F_CODE, code);
		frame_put_z(&o, F_TEXT, "it answered 503");
	}
	assert_int_equal(ipc_send_fd(x->out, &o, &err), 0);
	ev_turn(x->ev, 0);
}

static bool has(struct buf *out, const char *needle)
{
	return strstr(buf_z(out), needle) != NULL;
}

static void lines_have_logplexs_form(void **state)
{
	static const struct {
		struct origin o;
		bool http;
		const char *want;
	} cases[] = {
	    {{{"app", 3}, {"web.1", 5}}, true,
	        "<190>1 2026-01-31T12:00:00.000001+00:00 host app web.1 - "
	        "hi\n"},
	    {{{"app", 3}, {"web.1", 5}}, false,
	        "<190>1 2026-01-31T12:00:00.000001+00:00 d.t app web.1 - - "
	        "hi\n"},
	    {{{"app", 3}, {"api", 3}}, true,
	        "<134>1 2026-01-31T12:00:00.000001+00:00 host app api - hi\n"},
	    {{{"heroku", 6}, {"router", 6}}, true,
	        "<158>1 2026-01-31T12:00:00.000001+00:00 host heroku router - "
	        "hi\n"},
	    {{{"heroku", 6}, {"web.1", 5}}, true,
	        "<45>1 2026-01-31T12:00:00.000001+00:00 host heroku web.1 - "
	        "hi\n"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf out = BUF_INIT(4096);
		char want[300];

		syslog_put(&out, cases[i].http, "d.t", NOON_MS * 1000 + 1,
		    cases[i].o, STR("hi\r"), false);
		snprintf(want, sizeof(want), "%zu %s", strlen(cases[i].want),
		    cases[i].want);
		assert_string_equal(buf_z(&out), want);
	}
}

static void a_line_of_any_bytes_is_utf8_and_counted(void **state)
{
	scoped_buf struct buf out = BUF_INIT(SYSLOG_ROOM(LOGREC_TEXT_MAX));
	scoped_free char *text = xmalloc(LOGREC_TEXT_MAX);
	ssize_t space;
	uint64_t n;

	memset(text, 0xff, LOGREC_TEXT_MAX);
	text[1] = '\0';
	syslog_put(&out, false, "d.00000000-0000-0000-0000-000000000000", 1,
	    (struct origin){STR("app"), STR("web.1")},
	    str_make(text, LOGREC_TEXT_MAX), true);
	assert_false(out.bad);
	space = str_find(buf_str(&out), ' ');
	assert_true(
	    str_u64(str_sub(buf_str(&out), 0, (size_t)space), 100000, &n));
	assert_int_equal((size_t)space + 1 + n, out.len);
	assert_true(str_ends(buf_str(&out), STR("\xef\xbf\xbd [...]\n")));
	assert_int_equal(str_find(buf_str(&out), '\0'), -1);
}

static void a_place_that_is_torn_is_none(void **state)
{
	scoped_buf struct buf out = BUF_INIT(4096);
	struct place p = {.lost = 3, .since_us = 9, .streams = STR("a b c\n")};
	struct place got;

	place_put(&out, &p);
	for (size_t n = 0; n < out.len; n++)
		assert_false(place_parse(str_sub(buf_str(&out), 0, n), &got));
	assert_true(place_parse(buf_str(&out), &got));
	assert_int_equal(got.lost, 3);
	assert_int_equal(got.since_us, 9);
	assert_true(str_eq(got.streams, p.streams));
	out.p[14]++;
	assert_false(place_parse(buf_str(&out), &got));
}

static void what_failed_comes_again_and_in_order(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf one = BUF_INIT(1 << 20), two = BUF_INIT(1 << 20);
	char id[33];

	shim_writes(x, 1, 0, 1, "first");
	put_drain(x, "https://logs.example/");
	expect_batch(x, &one);
	assert_true(has(&one, "first"));
	assert_int_equal(frame_u64(&x->f, F_COUNT), 1);
	str_copy(frame_str(&x->f, F_BATCH), id, sizeof(id));
	shim_writes(x, 1, 0, 2, "second");
	answer(x, MSG_DRAIN_FAILED, ERR_UNAVAILABLE);
	expect_batch(x, &two);
	assert_true(str_eq(buf_str(&one), buf_str(&two)));
	assert_true(str_eqz(frame_str(&x->f, F_BATCH), id));
	answer(x, MSG_DRAIN_DONE, 0);
	expect_batch(x, &one);
	assert_true(has(&one, "second"));
	assert_false(has(&one, "first"));
}

static void a_stream_has_many_batches_under_way(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(1 << 20);

	put_drain(x, "syslog://logs.example/");
	for (uint64_t i = 1; i <= 3; i++) {
		char text[8];

		snprintf(text, sizeof(text), "n%d", (int)i);
		shim_writes(x, 1, 0, i, text);
		expect_batch(x, &out);
		assert_true(has(&out, text));
		answer(x, MSG_DRAIN_SENT, 0);
	}
	/* outbound is killed: all that was not told DONE comes again. */
	fd_close(&x->out);
	expect_batch(x, &out);
	assert_true(has(&out, "n1"));
}

static void a_new_logd_goes_on_where_the_drain_was(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(1 << 20);

	put_drain(x, "https://logs.example/");
	shim_writes(x, 1, 0, 1, "arrived");
	expect_batch(x, &out);
	answer(x, MSG_DRAIN_DONE, 0);
	shim_writes(x, 1, 0, 2, "under way");
	expect_batch(x, &out);
	stop(x);
	shim_writes(x, 1, 0, 3, "meanwhile");
	shim_writes(x, 2, 0, 1, "of a new one");
	start(x);
	drains_begin(&x->d);
	put_drain(x, "https://logs.example/");
	drains_end(&x->d);
	expect_batch(x, &out);
	assert_false(has(&out, "arrived"));
	assert_true(has(&out, "under way"));
	assert_true(has(&out, "meanwhile"));
	assert_true(has(&out, "of a new one"));
}

static void what_was_removed_unsent_is_counted(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(1 << 20);
	struct seg s = {.name = "web.1", .instance = 1};

	put_drain(x, "https://logs.example/");
	shim_writes(x, 1, 0, 1, "arrived");
	expect_batch(x, &out);
	answer(x, MSG_DRAIN_DONE, 0);
	shim_writes(x, 1, 0, 2, "a");
	expect_batch(x, &out);
	shim_writes(x, 1, 0, 3, "b");
	/* The whole stream goes while its lines are under way. */
	drains_forfeit(app_get(&x->d, 7), &s);
	assert_int_equal(seg_remove(x->app, &s, NULL), 0);
	answer(x, MSG_DRAIN_FAILED, ERR_UNAVAILABLE);
	expect_batch(x, &out);
	assert_true(has(&out,
	    "host heroku logplex - Error L10 (output buffer overflow): 2 "
	    "messages dropped since 2026-01-31T12:00:00Z."));
	answer(x, MSG_DRAIN_FAILED, ERR_UNAVAILABLE);
	expect_batch(x, &out);
	assert_true(has(&out, ": 2 messages dropped"));
}

static void a_batch_refused_for_good_is_counted_and_left(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(1 << 20);

	put_drain(x, "https://logs.example/");
	shim_writes(x, 1, 0, 1, "strange");
	expect_batch(x, &out);
	answer(x, MSG_DRAIN_FAILED, ERR_INVALID);
	shim_writes(x, 1, 0, 2, "ordinary");
	expect_batch(x, &out);
	assert_false(has(&out, "strange"));
	assert_true(has(&out, "L10 (output buffer overflow): 1 messages"));
}

static void a_failing_drain_is_told_of_once(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(1 << 20);

	put_drain(x, "https://u:s3cret@logs.example/");
	shim_writes(x, 1, 0, 1, "first");
	expect_batch(x, &out);
	answer(x, MSG_DRAIN_FAILED, ERR_UNAUTHORIZED);
	expect_batch(x, &out);
	answer(x, MSG_DRAIN_FAILED, ERR_UNAUTHORIZED);
	expect_batch(x, &out);
	answer(x, MSG_DRAIN_DONE, 0);
	expect_batch(x, &out);
	assert_true(has(&out, "heroku logplex - Error L14 (certificate "
	                      "validation): drain d.token: "));
	assert_int_equal(frame_u64(&x->f, F_COUNT), 1);
	assert_false(has(&out, "s3cret"));
}

static void a_drain_that_is_gone_leaves_no_place(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(1 << 20);
	char path[120];

	snprintf(path, sizeof(path), "%s/logd/drain-3", x->path);
	put_drain(x, "https://logs.example/");
	assert_int_equal(access(path, F_OK), 0);
	drain_drop(&x->d, 3);
	assert_int_equal(access(path, F_OK), -1);
	put_drain(x, "https://logs.example/");
	drains_begin(&x->d); /* removed while we were away */
	drains_end(&x->d);
	assert_int_equal(access(path, F_OK), -1);
	put_drain(x, "https://logs.example/");
	logd_drop(&x->d, 7);
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_have_logplexs_form),
	    cmocka_unit_test(a_line_of_any_bytes_is_utf8_and_counted),
	    cmocka_unit_test(a_place_that_is_torn_is_none),
	    IN_FOLDER(what_failed_comes_again_and_in_order),
	    IN_FOLDER(a_stream_has_many_batches_under_way),
	    IN_FOLDER(a_new_logd_goes_on_where_the_drain_was),
	    IN_FOLDER(what_was_removed_unsent_is_counted),
	    IN_FOLDER(a_batch_refused_for_good_is_counted_and_left),
	    IN_FOLDER(a_failing_drain_is_told_of_once),
	    IN_FOLDER(a_drain_that_is_gone_leaves_no_place),
	};

	return cmocka_run_group_tests_name("logd_drain", tests, NULL, NULL);
}
