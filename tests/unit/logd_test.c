/* logd: lines, own segments, history and followers, in a temporary folder. */
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
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../runtime/logd/history.h"
#include "../../runtime/logd/line.h"
#include "../../runtime/logd/logd.h"
#include "../../runtime/logd/reader.h"
#include "../../runtime/logd/segs.h"
#include "../../runtime/logd/trim.h"
#include "../../runtime/logd/writer.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "wire/logrec.h"

#define SECOND 1000000ull
#define NOON 1769860800ull /* 2026-01-31T12:00:00Z */

/* --- a folder of its own for each test ----------------------------------- */

struct fixture {
	char path[64];
	struct settings settings;
	struct ev *ev;
	struct logd d;
	int app; /* the folder of app 7, once made */
};

static int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));
	char folder[80];

	snprintf(x->path, sizeof(x->path), "/tmp/logd-test-XXXXXX");
	assert_non_null(mkdtemp(x->path));
	snprintf(folder, sizeof(folder), "%s/logs", x->path);
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(folder, sizeof(folder), "%s/logd", x->path);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(x->settings.state, sizeof(x->settings.state), "%s", x->path);
	snprintf(x->settings.run, sizeof(x->settings.run), "%s", x->path);
	x->settings.log_segment_bytes = 4096;
	x->settings.log_segments = 3;
	x->settings.log_app_bytes = x->settings.log_host_bytes = 1 << 20;
	x->ev = ev_new();
	assert_int_equal(logd_init(&x->d, x->ev, &x->settings, NULL), 0);
	x->app = -1;
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	logd_release(&x->d);
	ev_free(x->ev);
	fd_close(&x->app);
	(void)fd_remove_tree(AT_FDCWD, x->path, NULL);
	free(x);
	return 0;
}

static void make_folder(struct fixture *x)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/logs/7", x->path);
	assert_int_equal(mkdir(path, 0770), 0);
	x->app = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(x->app != -1);
}

/* Append a record as a shim does. */
static void shim_writes(struct fixture *x, const char *name, uint64_t instance,
    uint32_t index, uint64_t time_us, uint64_t seq, const char *text)
{
	struct seg s = {.instance = instance, .index = index};
	struct logrec rec = {
	    .time_us = time_us, .seq = seq, .stream = 1, .text = str_z(text)};
	unsigned char head[LOGREC_HEAD];
	char file[SEG_FILE_MAX];
	scoped_fd int fd = -1;

	snprintf(s.name, sizeof(s.name), "%s", name);
	seg_file(&s, file);
	fd = openat(x->app, file, O_WRONLY | O_CREAT | O_APPEND, 0640);
	assert_true(fd != -1);
	logrec_head(&rec, head);
	assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
	assert_int_equal(
	    write(fd, rec.text.p, rec.text.len), (ssize_t)rec.text.len);
}

static void remove_segment(
    struct fixture *x, const char *name, uint64_t instance, uint32_t index)
{
	struct seg s = {.instance = instance, .index = index};
	char file[SEG_FILE_MAX];

	snprintf(s.name, sizeof(s.name), "%s", name);
	seg_file(&s, file);
	assert_int_equal(unlinkat(x->app, file, 0), 0);
}

/* The reading end of a follower that was just asked for. */
static int follow(struct fixture *x, struct follow_request q)
{
	struct error err = {0};
	int fds[2];

	q.app = 7;
	assert_int_equal(fd_pipe(fds, &err), 0);
	assert_int_equal(logd_follow(&x->d, &q, fds[1], &err), 0);
	assert_int_equal(fd_nonblock(fds[0], true, &err), 0);
	return fds[0];
}

/* Turn the loop until nothing more comes out of fd; is the pipe closed? */
static bool gather(struct fixture *x, int fd, struct buf *out)
{
	int quiet = 0;

	while (quiet < 5) {
		char mem[4096];
		ssize_t n;

		ev_turn(x->ev, 10);
		n = read(fd, mem, sizeof(mem));
		if (n == 0)
			return true;
		if (n > 0)
			buf_add(out, str_make(mem, (size_t)n));
		quiet = n > 0 ? 0 : quiet + 1;
	}
	return false;
}

static size_t count(const char *text, const char *needle)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, needle)); p++)
		n++;
	return n;
}

static const struct origin api = {{"app", 3}, {"api", 3}};
static const struct origin from_router = {{"heroku", 6}, {"router", 6}};

/* --- line ---------------------------------------------------------------- */

static void a_line_is_made_safe_for_a_terminal(void **state)
{
	static const struct {
		struct str in;
		const char *want;
	} cases[] = {
	    {{"", 0}, ""},
	    {{"plain", 5}, "plain"},
	    {{"a\tb", 3}, "a\tb"},
	    {{"end\r\r", 5}, "end"},
	    {{"mid\rdle", 7}, "mid\\x0ddle"},
	    {{"n\0l", 3}, "n\\x00l"},
	    {{"\x7f", 1}, "\\x7f"},
	    {{"\x1b[31mred\x1b[0m", 12}, "red"},
	    {{"\x1b[1;31m", 7}, ""},
	    {{"\x1b[1;", 4}, "\\x1b[1;"},
	    {{"\x1b]0;title\x07", 10}, "\\x1b]0;title\\x07"},
	    {{"gr\xc3\xbc\xc3\x9f", 6}, "gr\xc3\xbc\xc3\x9f"},
	    {{"\xf0\x9f\x9a\x80", 4}, "\xf0\x9f\x9a\x80"},
	    {{"\xc2\x9b", 2}, "\\u009b"},
	    {{"\xe2\x80\xae", 3}, "\\u202e"},
	    {{"a\xff"
	      "b",
	         3},
	        "a\xef\xbf\xbd"
	        "b"},
	    {{"\xc0\x80", 2}, "\xef\xbf\xbd\xef\xbf\xbd"},
	    {{"\xe2\x82", 2}, "\xef\xbf\xbd"},
	    {{"\xed\xa0\x80", 3}, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {{"\xf4\x90\x80\x80", 4},
	        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf out = BUF_INIT(1000);
		char want[200];

		snprintf(want, sizeof(want),
		    "2026-01-31T12:00:00.123456+00:00 app[web.1]: %s\n",
		    cases[i].want);
		line_render(&out, NOON * SECOND + 123456,
		    (struct origin){STR("app"), STR("web.1")}, cases[i].in,
		    false);
		assert_string_equal(buf_z(&out), want);
		assert_true(out.len <= line_room(cases[i].in.len));
	}
}

static void the_worst_line_fits_the_room_given(void **state)
{
	scoped_buf struct buf out = BUF_INIT(line_room(LOGREC_TEXT_MAX));
	char *text = xcalloc(1, LOGREC_TEXT_MAX); /* all of it "\x00" */
	char proc[128];

	memset(proc, 'p', sizeof(proc));
	line_render(&out, UINT64_MAX,
	    (struct origin){str_make(proc, 63), str_make(proc, 128)},
	    str_make(text, LOGREC_TEXT_MAX), true);
	assert_false(out.bad);
	free(text);
}

static void a_filter_knows_dynos_and_types(void **state)
{
	static const struct {
		struct filter f;
		const char *source, *proc;
		bool want;
	} cases[] = {
	    {{"", "", 0}, "app", "web.1", true},
	    {{"app", "", 0}, "app", "web.1", true},
	    {{"app", "", 0}, "heroku", "web.1", false},
	    {{"", "web", 0}, "app", "web.1", true},
	    {{"", "web", 0}, "app", "webby.1", false},
	    {{"", "web.1", 0}, "app", "web.1", true},
	    {{"", "web.1", 0}, "app", "web.12", false},
	    {{"", "router", 0}, "heroku", "router", true},
	    {{"heroku", "web", 0}, "heroku", "web.2", true},
	};

	for (size_t i = 0; i < NELEM(cases); i++)
		assert_int_equal(filter_passes(&cases[i].f,
		                     (struct origin){str_z(cases[i].source),
		                         str_z(cases[i].proc)}),
		    cases[i].want);
}

static void an_origin_is_taken_off_as_it_was_put(void **state)
{
	scoped_buf struct buf out = BUF_INIT(100);
	struct origin o;
	struct str text;

	origin_put(&out, api);
	buf_addz(&out, "x[y]: z");
	text = buf_str(&out);
	assert_true(origin_take(&text, &o));
	assert_true(str_eqz(o.source, "app") && str_eqz(o.proc, "api"));
	assert_true(str_eqz(text, "x[y]: z"));
	text = STR("no origin");
	assert_false(origin_take(&text, &o));
	text = STR("]: [");
	assert_false(origin_take(&text, &o));
}

/* --- following ----------------------------------------------------------- */

static void streams_are_merged_by_time(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	make_folder(x);
	shim_writes(x, "web.1", 1, 0, NOON * SECOND + 1, 1, "one");
	shim_writes(x, "web.2", 2, 0, NOON * SECOND + 2, 1, "two");
	shim_writes(x, "web.1", 1, 1, NOON * SECOND + 3, 2, "three");
	shim_writes(x, "worker.1", 3, 0, NOON * SECOND + 4, 1, "four");
	fd = follow(x, (struct follow_request){.lines = 100});
	assert_true(gather(x, fd, &out));
	assert_string_equal(buf_z(&out),
	    "2026-01-31T12:00:00.000001+00:00 app[web.1]: one\n"
	    "2026-01-31T12:00:00.000002+00:00 app[web.2]: two\n"
	    "2026-01-31T12:00:00.000003+00:00 app[web.1]: three\n"
	    "2026-01-31T12:00:00.000004+00:00 app[worker.1]: four\n");
}

static void only_the_last_lines_asked_for_come(void **state)
{
	static const struct {
		uint64_t lines;
		size_t want;
	} cases[] = {{0, 0}, {1, 1}, {7, 7}, {1499, 1499}, {1500, 1500},
	    {1501, 1500}, {UINT64_MAX, 1500}};
	struct fixture *x = *state;

	make_folder(x);
	for (unsigned i = 0; i < 1600; i++) {
		char text[20];

		snprintf(text, sizeof(text), "line %u.", i);
		shim_writes(x, i % 2 ? "web.1" : "web.2", 1 + i % 2, i / 500,
		    NOON * SECOND + i, i / 2 + 1, text);
	}
	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf out = BUF_INIT(1u << 20);
		scoped_fd int fd =
		    follow(x, (struct follow_request){.lines = cases[i].lines});
		char first[20];

		assert_true(gather(x, fd, &out));
		assert_int_equal(count(buf_z(&out), "\n"), cases[i].want);
		snprintf(
		    first, sizeof(first), "line %zu.", 1600 - cases[i].want);
		if (cases[i].want)
			assert_non_null(strstr(buf_z(&out), first));
	}
}

static void one_instance_of_a_name_can_be_asked_for(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	make_folder(x);
	shim_writes(x, "web.1", 1, 0, NOON * SECOND, 1, "the old one");
	shim_writes(x, "web.1", 2, 0, NOON * SECOND, 1, "the new one");
	shim_writes(
	    x, "web.1", 1, 0, NOON * SECOND + 1, 2, "the old one again");
	fd = follow(x, (struct follow_request){.lines = 1,
	                   .filter = {"app", "web.1", .instance = 2}});
	assert_true(gather(x, fd, &out));
	assert_string_equal(buf_z(&out),
	    "2026-01-31T12:00:00.000000+00:00 app[web.1]: the new one\n");
}

static void a_tail_gets_what_comes_later(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	make_folder(x);
	shim_writes(x, "web.1", 1, 0, NOON * SECOND, 1, "old");
	fd = follow(x, (struct follow_request){.lines = 1, .tail = true});
	assert_false(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "\n"), 1);
	shim_writes(x, "web.1", 1, 0, NOON * SECOND + 1, 2, "same segment");
	shim_writes(x, "web.1", 1, 1, NOON * SECOND + 2, 3, "next segment");
	shim_writes(x, "web.2", 2, 0, NOON * SECOND + 3, 1, "new instance");
	logd_write(&x->d, 7, false, api, STR("of the platform"));
	assert_false(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "\n"), 5);
	assert_non_null(strstr(buf_z(&out), "app[web.1]: same segment"));
	assert_non_null(strstr(buf_z(&out), "app[web.1]: next segment"));
	assert_non_null(strstr(buf_z(&out), "app[web.2]: new instance"));
	assert_non_null(strstr(buf_z(&out), "app[api]: of the platform"));
}

static void a_tail_without_history_starts_now(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	make_folder(x);
	shim_writes(x, "web.1", 1, 0, NOON * SECOND, 1, "old");
	fd = follow(x, (struct follow_request){.tail = true});
	assert_false(gather(x, fd, &out));
	assert_int_equal(out.len, 0);
	shim_writes(x, "web.1", 1, 0, UINT64_MAX / 2, 2, "new");
	assert_false(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "\n"), 1);
	assert_non_null(strstr(buf_z(&out), ": new\n"));
}

static void a_torn_record_ends_a_segment(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1, file = -1;

	make_folder(x);
	shim_writes(x, "web.1", 1, 0, NOON * SECOND, 1, "whole");
	file = openat(
	    x->app, "web.1-0000000000000001-00000000.log", O_WRONLY | O_APPEND);
	assert_int_equal(write(file, "\x30\0\0\0torn", 8), 8);
	shim_writes(x, "web.1", 1, 1, NOON * SECOND + 1, 2, "after");
	fd = follow(x, (struct follow_request){.lines = 10});
	assert_true(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "\n"), 2);
}

static void a_filter_narrows_history_and_tail(void **state)
{
	struct follow_request q = {.lines = 2, .tail = true};
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	make_folder(x);
	for (unsigned i = 0; i < 20; i++)
		shim_writes(x, i % 4 ? "web.1" : "worker.1", i % 4 ? 1 : 2, 0,
		    NOON * SECOND + i, i, i % 4 ? "web" : "work");
	logd_write(&x->d, 7, true, from_router, STR("at=info"));
	snprintf(q.filter.source, sizeof(q.filter.source), "app");
	snprintf(q.filter.proc, sizeof(q.filter.proc), "worker");
	fd = follow(x, q);
	assert_false(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "app[worker.1]: work\n"), 2);
	shim_writes(x, "web.1", 9, 0, NOON * SECOND, 1, "web");
	shim_writes(x, "worker.2", 8, 0, NOON * SECOND, 1, "work");
	logd_write(&x->d, 7, true, from_router, STR("at=info"));
	assert_false(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "\n"), 3);
	assert_non_null(strstr(buf_z(&out), "app[worker.2]: work\n"));
}

static void a_slow_follower_is_told_what_it_missed(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(4u << 20);
	char *text = xcalloc(1, 10001);
	scoped_fd int fd = -1;

	make_folder(x);
	memset(text, 'x', 10000);
	shim_writes(x, "web.1", 1, 0, NOON * SECOND, 1, "first");
	fd = follow(x, (struct follow_request){.lines = 1, .tail = true});
	ev_turn(x->ev, 10);
	for (uint32_t index = 1; index <= 40; index++) {
		shim_writes(x, "web.1", 1, index, NOON * SECOND + index,
		    index + 1, text);
		ev_turn(x->ev, 10); /* the pipe is full after some */
	}
	for (uint32_t index = 0; index <= 35; index++)
		remove_segment(x, "web.1", 1, index);
	assert_false(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "Error L11"), 1);
	assert_true(count(buf_z(&out), "\n") < 42);
	assert_non_null(strstr(buf_z(&out), "messages dropped since"));
	free(text);
}

static void a_follower_that_leaves_is_forgotten(void **state)
{
	struct fixture *x = *state;
	int fd;

	make_folder(x);
	fd = follow(x, (struct follow_request){.tail = true});
	ev_turn(x->ev, 10);
	assert_int_equal(x->d.followers, 1);
	fd_close(&fd);
	for (int i = 0; i < 10 && x->d.followers; i++)
		ev_turn(x->ev, 10);
	assert_int_equal(x->d.followers, 0);
}

static void followers_are_bounded(void **state)
{
	struct fixture *x = *state;
	int fds[FOLLOWERS_MAX], pair[2];
	struct error err = {0};
	struct follow_request q = {.app = 7, .tail = true};

	for (int i = 0; i < FOLLOWERS_MAX; i++)
		fds[i] = follow(x, q);
	assert_int_equal(fd_pipe(pair, &err), 0);
	assert_int_equal(logd_follow(&x->d, &q, pair[1], &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	for (int i = 0; i < FOLLOWERS_MAX; i++)
		fd_close(&fds[i]);
}

/* --- own streams --------------------------------------------------------- */

static void lines_wait_for_the_folder(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int early = -1, late = -1;

	logd_write(&x->d, 7, false, api, STR("Initial release"));
	early = follow(x, (struct follow_request){.lines = 10, .tail = true});
	logd_write(&x->d, 7, false, api, STR("Build started"));
	assert_false(gather(x, early, &out));
	assert_int_equal(count(buf_z(&out), "\n"), 2);
	make_folder(x);
	assert_false(gather(x, early, &out));
	assert_int_equal(
	    faccessat(
	        x->app, "logd.platform-0000000000000000-00000000.log", F_OK, 0),
	    0);
	logd_write(&x->d, 7, false, api, STR("Build succeeded"));
	shim_writes(x, "web.1", 1, 0, UINT64_MAX / 2, 1, "up");
	assert_false(gather(x, early, &out));
	assert_int_equal(count(buf_z(&out), "\n"), 4);
	buf_clear(&out);
	late = follow(x, (struct follow_request){.lines = 10});
	assert_true(gather(x, late, &out));
	assert_int_equal(count(buf_z(&out), "\n"), 4);
}

static void own_segments_are_bounded(void **state)
{
	struct fixture *x = *state;
	scoped_segs struct segs list = {0};
	char text[1000];

	make_folder(x);
	memset(text, 't', sizeof(text));
	for (int i = 0; i < 100; i++)
		logd_write(
		    &x->d, 7, true, from_router, str_make(text, sizeof(text)));
	logd_write(&x->d, 7, false, api, STR("not pushed out"));
	assert_int_equal(segs_list(x->app, &list, NULL), 0);
	assert_int_equal(list.n, 1 + x->settings.log_segments);
	for (size_t i = 0; i < list.n; i++)
		assert_true(list.v[i].bytes <= x->settings.log_segment_bytes);
}

static void a_new_logd_goes_on_where_the_old_one_stopped(void **state)
{
	static const struct writer_limits limits = {
	    .segment_bytes = 4096, .segments = 3, .rate = 100, .burst = 100};
	struct fixture *x = *state;
	struct error err = {0};
	struct writer w;
	scoped_fd int file = -1;

	make_folder(x);
	for (int round = 0; round < 3; round++) {
		writer_init(&w, "logd.platform", &limits);
		assert_int_equal(writer_add(&w, x->app, NOON * SECOND, 1, api,
		                     STR("hello\n"), &err),
		    0);
		assert_int_equal(w.index, 0);
		assert_int_equal(w.seq, round + 1);
		writer_release(&w);
		file = openat(x->app,
		    "logd.platform-0000000000000000-00000000.log",
		    O_WRONLY | O_APPEND);
		assert_int_equal(write(file, "torn", 4), 4);
		fd_close(&file);
	}
}

static void too_many_lines_are_dropped_and_counted(void **state)
{
	static const struct writer_limits limits = {
	    .segment_bytes = 65536, .segments = 3, .rate = 10, .burst = 5};
	struct fixture *x = *state;
	struct error err = {0};
	struct writer w;

	make_folder(x);
	writer_init(&w, "logd.platform", &limits);
	for (int i = 0; i < 9; i++)
		assert_int_equal(writer_add(&w, x->app, NOON * SECOND, 1000,
		                     api, STR("x"), &err),
		    0);
	assert_int_equal(w.seq, 5);
	assert_int_equal(w.dropped, 4);
	assert_int_equal(
	    writer_add(&w, x->app, NOON * SECOND, 1099, api, STR("x"), &err),
	    0);
	assert_int_equal(w.seq, 5);
	assert_int_equal(
	    writer_add(&w, x->app, NOON * SECOND, 1200, api, STR("x"), &err),
	    0);
	assert_int_equal(w.seq, 7); /* the count, then the line */
	assert_int_equal(w.dropped, 0);
	writer_release(&w);
}

static void long_and_many_lined_text_is_split(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(200000);
	char *text = xmalloc(LINE_TEXT_MAX + 1);
	scoped_fd int fd = -1;

	make_folder(x);
	x->d.limits[OWN_PLATFORM].segment_bytes = 100000;
	memset(text, 'l', LINE_TEXT_MAX + 1);
	logd_write(&x->d, 7, false, api, str_make(text, LINE_TEXT_MAX));
	logd_write(&x->d, 7, false, api, str_make(text, LINE_TEXT_MAX + 1));
	logd_write(&x->d, 7, false, api, STR("a\n\nb\n"));
	fd = follow(x, (struct follow_request){.lines = 100});
	assert_true(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "\n"), 1 + 2 + 3);
	free(text);
}

static void a_dropped_app_leaves_none_of_our_files(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_segs struct segs list = {0};
	scoped_fd int fd = -1;

	make_folder(x);
	shim_writes(x, "web.1", 1, 0, NOON * SECOND, 1, "the shim's");
	logd_write(&x->d, 7, false, api, STR("x"));
	logd_write(&x->d, 7, true, from_router, STR("x"));
	fd = follow(x, (struct follow_request){.tail = true});
	logd_drop(&x->d, 7);
	assert_true(gather(x, fd, &out));
	assert_int_equal(segs_list(x->app, &list, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0].name, "web.1");
}

/* A segment of app 7 with one record of 1,000 bytes, as old as that. */
static void old_segment(struct fixture *x, const char *name, uint64_t instance,
    uint32_t index, time_t age)
{
	struct timespec times[2] = {{.tv_sec = age}, {.tv_sec = age}};
	struct seg s = {.instance = instance, .index = index};
	char text[1000 - LOGREC_HEAD + 1], file[SEG_FILE_MAX];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	snprintf(s.name, sizeof(s.name), "%s", name);
	shim_writes(x, name, instance, index, NOON * SECOND, index + 1, text);
	seg_file(&s, file);
	assert_int_equal(utimensat(x->app, file, times, 0), 0);
}

/* This instance runs: it has a folder in the run folder. */
static void runs(struct fixture *x, uint64_t instance)
{
	char path[120];

	snprintf(path, sizeof(path), "%s/i", x->path);
	(void)mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/i/%016" PRIx64, x->path, instance);
	assert_int_equal(mkdir(path, 0755), 0);
}

static size_t segments(struct fixture *x, uint64_t instance)
{
	scoped_segs struct segs list = {0};
	size_t n = 0;

	assert_int_equal(segs_list(x->app, &list, NULL), 0);
	for (size_t i = 0; i < list.n; i++)
		n += !instance || list.v[i].instance == instance;
	return n;
}

static void settle(struct fixture *x)
{
	trim_want(&x->d, app_get(&x->d, 7));
	while (x->d.trim.at_ms)
		ev_turn(x->ev, 1000);
}

static void an_apps_logs_are_bounded_oldest_ended_first(void **state)
{
	struct fixture *x = *state;

	make_folder(x);
	for (uint64_t i = 1; i <= 5; i++)
		old_segment(x, "web.1", i, 0, (time_t)i);
	runs(x, 2);
	x->settings.log_app_bytes = 5000; /* on the limit */
	settle(x);
	assert_int_equal(segments(x, 0), 5);
	x->settings.log_app_bytes = 4999; /* past it */
	settle(x);
	assert_int_equal(segments(x, 0), 4);
	assert_int_equal(segments(x, 1), 0);
	x->settings.log_app_bytes = 1;
	settle(x);
	assert_int_equal(segments(x, 0), 1);
	assert_int_equal(segments(x, 2), 1); /* it is being written */
}

static void what_runs_loses_its_oldest_last(void **state)
{
	struct fixture *x = *state;

	make_folder(x);
	runs(x, 2);
	for (uint32_t i = 0; i < 4; i++)
		old_segment(x, "web.1", 2, i, (time_t)i + 1);
	old_segment(x, "web.1", 3, 0, 100);
	x->settings.log_app_bytes = 4000;
	settle(x);
	assert_int_equal(segments(x, 3), 0);
	assert_int_equal(segments(x, 2), 4);
	x->settings.log_app_bytes = 1500;
	settle(x);
	assert_int_equal(segments(x, 2), 1);
}

static void the_logs_of_all_apps_are_bounded(void **state)
{
	struct fixture *x = *state;

	make_folder(x);
	for (uint64_t i = 1; i <= 3; i++)
		old_segment(x, "web.1", i, 0, (time_t)i);
	x->settings.log_host_bytes = 3000;
	settle(x);
	assert_int_equal(segments(x, 0), 3);
	x->settings.log_host_bytes = 2999;
	settle(x);
	assert_int_equal(segments(x, 0), 2);
	assert_int_equal(segments(x, 1), 0);
}

/* --- damage, positions ---------------------------------------------------- */

/* Bytes into the middle of a segment, or behind it at -1. */
static void scribble(struct fixture *x, off_t at, const char *bytes, size_t n)
{
	scoped_fd int fd =
	    openat(x->app, "web.1-0000000000000001-00000000.log", O_WRONLY);

	assert_true(fd != -1);
	if (at == -1)
		at = lseek(fd, 0, SEEK_END);
	assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
}

/* What a reader of all lines gets of three records, the second one hurt. */
static void expect_around_damage(
    struct fixture *x, off_t at, const char *bytes, size_t n)
{
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	make_folder(x);
	for (uint64_t i = 1; i <= 3; i++)
		shim_writes(x, "web.1", 1, 0, NOON * SECOND + i, i,
		    i == 1   ? "first"
		    : i == 2 ? "second"
		             : "third");
	scribble(x, at, bytes, n);
	fd = follow(x, (struct follow_request){.lines = 10});
	assert_true(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "first"), 1);
	assert_int_equal(count(buf_z(&out), "second"), 0);
	assert_int_equal(count(buf_z(&out), "third"), 1);
	assert_int_equal(count(buf_z(&out), ": 1 messages dropped"), 1);
}

#define FIRST_LEN (LOGREC_HEAD + 5) /* of "first" */

static void a_record_with_a_wrong_sum_is_stepped_over(void **state)
{
	expect_around_damage(*state, FIRST_LEN + LOGREC_HEAD, "S", 1);
}

static void a_record_with_a_wrong_length_is_stepped_over(void **state)
{
	expect_around_damage(*state, FIRST_LEN, "\xff\xff\xff\xff", 4);
}

static void a_torn_end_is_followed_by_the_next_segment(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	make_folder(x);
	shim_writes(x, "web.1", 1, 0, NOON * SECOND, 1, "whole");
	scribble(x, -1, "\x40\0\0\0half", 8); /* the shim was killed */
	shim_writes(x, "web.1", 1, 1, NOON * SECOND + 2, 3, "later");
	fd = follow(x, (struct follow_request){.lines = 10});
	assert_true(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "whole"), 1);
	assert_int_equal(count(buf_z(&out), "later"), 1);
	assert_int_equal(count(buf_z(&out), ": 1 messages dropped"), 1);
}

static void a_cut_line_has_a_mark(void **state)
{
	scoped_buf struct buf out = BUF_INIT(1000);

	line_render(&out, NOON * SECOND,
	    (struct origin){STR("app"), STR("web.1")}, STR("half"), true);
	assert_string_equal(buf_z(&out),
	    "2026-01-31T12:00:00.000000+00:00 app[web.1]: half "
	    "[...]\n");
}

static void a_reader_goes_on_behind_what_it_had(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	make_folder(x);
	/* All of one microsecond. */
	for (uint64_t i = 1; i <= 4; i++)
		shim_writes(
		    x, "web.1", 1, 0, NOON * SECOND, i, i <= 2 ? "had" : "new");
	shim_writes(x, "web.2", 2, 0, NOON * SECOND - 9, 1, "too old");
	shim_writes(x, "web.2", 2, 0, NOON * SECOND + 9, 2, "of another");
	fd =
	    follow(x, (struct follow_request){.marks = true,
	                  .lines = 10,
	                  .after = STR("1769860799999999;0000000000000001.2")});
	assert_true(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "had"), 0);
	assert_int_equal(count(buf_z(&out), "too old"), 0);
	assert_int_equal(count(buf_z(&out), "new"), 2);
	assert_int_equal(count(buf_z(&out), "of another"), 1);
	assert_int_equal(
	    count(buf_z(&out), "1769860800000000.0000000000000001.4 2026-"), 1);
}

static void what_was_removed_meanwhile_is_told_to_who_comes_back(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	make_folder(x);
	shim_writes(x, "web.1", 1, 3, NOON * SECOND, 10, "left");
	fd = follow(x, (struct follow_request){.marks = true,
	                   .lines = 10,
	                   .after = STR("17;0000000000000001.2")});
	assert_true(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "left"), 1);
	assert_int_equal(count(buf_z(&out), ": 7 messages dropped"), 1);
}

static void lines_that_wait_outlive_logd(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf out = BUF_INIT(100000);
	scoped_fd int fd = -1;

	logd_write(&x->d, 7, false, api, STR("Initial release"));
	logd_release(&x->d);
	assert_int_equal(logd_init(&x->d, x->ev, &x->settings, NULL), 0);
	logd_write(&x->d, 7, false, api, STR("Build started"));
	logd_release(&x->d);
	make_folder(x);
	assert_int_equal(logd_init(&x->d, x->ev, &x->settings, NULL), 0);
	fd = follow(x, (struct follow_request){.lines = 10});
	assert_true(gather(x, fd, &out));
	assert_int_equal(count(buf_z(&out), "Initial release"), 1);
	assert_int_equal(count(buf_z(&out), "Build started"), 1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_is_made_safe_for_a_terminal),
	    cmocka_unit_test(the_worst_line_fits_the_room_given),
	    cmocka_unit_test(a_filter_knows_dynos_and_types),
	    cmocka_unit_test(an_origin_is_taken_off_as_it_was_put),
	    IN_FOLDER(streams_are_merged_by_time),
	    IN_FOLDER(only_the_last_lines_asked_for_come),
	    IN_FOLDER(one_instance_of_a_name_can_be_asked_for),
	    IN_FOLDER(a_tail_gets_what_comes_later),
	    IN_FOLDER(a_tail_without_history_starts_now),
	    IN_FOLDER(a_torn_record_ends_a_segment),
	    IN_FOLDER(a_filter_narrows_history_and_tail),
	    IN_FOLDER(a_slow_follower_is_told_what_it_missed),
	    IN_FOLDER(a_follower_that_leaves_is_forgotten),
	    IN_FOLDER(followers_are_bounded),
	    IN_FOLDER(lines_wait_for_the_folder),
	    IN_FOLDER(own_segments_are_bounded),
	    IN_FOLDER(a_new_logd_goes_on_where_the_old_one_stopped),
	    IN_FOLDER(too_many_lines_are_dropped_and_counted),
	    IN_FOLDER(long_and_many_lined_text_is_split),
	    IN_FOLDER(a_dropped_app_leaves_none_of_our_files),
	    cmocka_unit_test(a_cut_line_has_a_mark),
	    IN_FOLDER(a_record_with_a_wrong_sum_is_stepped_over),
	    IN_FOLDER(a_record_with_a_wrong_length_is_stepped_over),
	    IN_FOLDER(a_torn_end_is_followed_by_the_next_segment),
	    IN_FOLDER(a_reader_goes_on_behind_what_it_had),
	    IN_FOLDER(what_was_removed_meanwhile_is_told_to_who_comes_back),
	    IN_FOLDER(lines_that_wait_outlive_logd),
	    IN_FOLDER(an_apps_logs_are_bounded_oldest_ended_first),
	    IN_FOLDER(what_runs_loses_its_oldest_last),
	    IN_FOLDER(the_logs_of_all_apps_are_bounded),
	};

	return cmocka_run_group_tests_name("logd", tests, NULL, NULL);
}
