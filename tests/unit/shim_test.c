/* shim: arguments, lines, log segments, clients and jail's requests. */
/* links: runtime/shim/ */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../runtime/shim/attach.h"
#include "../../runtime/shim/ctl.h"
#include "../../runtime/shim/log.h"
#include "../../runtime/shim/options.h"
#include "../../runtime/shim/record.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "ipc/msg.h"

#define INSTANCE 0x00c0ffee00c0ffeeull
#define SEGMENT 32768 /* bytes */
#define SECOND 1000000ull

/* --- a log folder of its own for each test ------------------------------- */

struct fixture {
	char path[64];
	int dir;
	struct log *log;
	int fifo[2]; /* reading end, writing end */
	uint64_t now_us;
};

static int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));
	struct error err = {0};

	snprintf(x->path, sizeof(x->path), "/tmp/shim-test-XXXXXX");
	assert_non_null(mkdtemp(x->path));
	x->dir = open(x->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(x->dir != -1);
	assert_int_equal(fd_pipe(x->fifo, &err), 0);
	assert_int_equal(fd_nonblock(x->fifo[0], true, &err), 0);
	x->now_us = 1000 * SECOND;
	*state = x;
	return 0;
}

static void log_open_again(struct fixture *x)
{
	struct error err = {0};

	free(x->log);
	x->log = xcalloc(1, sizeof(*x->log));
	x->log->out = (struct segment){.dir = x->dir,
	    .name = "web.1",
	    .instance = INSTANCE,
	    .bytes_max = SEGMENT,
	    .pieces = 3,
	    .fd = -1};
	assert_int_equal(segment_resume(&x->log->out, &err), 0);
	log_init(x->log, x->now_us);
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	if (x->log)
		fd_close(&x->log->out.fd);
	free(x->log);
	close(x->fifo[0]);
	close(x->fifo[1]);
	close(x->dir);
	(void)fd_remove_tree(AT_FDCWD, x->path, NULL);
	free(x);
	return 0;
}

/* The app writes this, and the log takes it. */
static void app_writes(struct fixture *x, struct str text)
{
	struct error err = {0};

	while (text.len > 0) {
		struct str some = str_sub(text, 0, 4096);

		assert_int_equal(fd_write_all(x->fifo[1], some, &err), 0);
		while (log_read(x->log, 0, x->fifo[0], x->now_us) > 0)
			;
		text = str_sub(text, some.len, text.len);
	}
}

static bool segment_bytes(struct fixture *x, uint32_t index, struct buf *out)
{
	struct error err = {0};
	char file[64];

	snprintf(file, sizeof(file), "web.1-%016" PRIx64 "-%08" PRIx32 ".log",
	    (uint64_t)INSTANCE, index);
	if (fd_read_file(x->dir, file, out, &err) == 0)
		return true;
	assert_int_equal(err.code, ERR_NOT_FOUND);
	return false;
}

/* All records as "[seq]TEXT" or, when partial, "[seq]TEXT+", cut at 40. */
static const char *told(struct fixture *x, struct buf *out)
{
	buf_clear(out);
	for (uint32_t i = 0; i < 100; i++) {
		scoped_buf struct buf bytes = BUF_INIT(2 * SEGMENT);
		struct str rest;
		struct logrec rec;
		ssize_t n;

		if (!segment_bytes(x, i, &bytes))
			continue;
		assert_true(bytes.len <= SEGMENT);
		rest = buf_str(&bytes);
		while ((n = logrec_parse(rest, &rec, NULL)) > 0) {
			struct str text = str_sub(rec.text, 0, 40);

			buf_addf(out, "[%" PRIu64 "]" STR_FMT "%s", rec.seq,
			    STR_ARG(text), rec.partial ? "+" : "");
			rest = str_sub(rest, (size_t)n, rest.len);
		}
		assert_int_equal(rest.len, 0);
	}
	return buf_z(out);
}

#define BUF_TOLD BUF_INIT(1u << 20)

/* --- arguments ----------------------------------------------------------- */

static void options_take_what_jail_says(void **state)
{
	const char *argv[] = {"paas-shim", "/run/paas/0/i/00c0ffee00c0ffee",
	    "web.1", "1879049192", "log", "/usr/bin/crun", "989:988", NULL};
	struct error err = {0};
	struct options o;

	(void)state;
	assert_int_equal(options_parse(7, argv, "65536,8", &o, &err), 0);
	assert_string_equal(o.id, "00c0ffee00c0ffee");
	assert_string_equal(o.root, "/run/paas/0/crun");
	assert_true(o.instance == INSTANCE);
	assert_int_equal(o.app_uid, 1879049192);
	assert_int_equal(o.uid, 989);
	assert_int_equal(o.gid, 988);
	assert_int_equal(o.segment_bytes, 65536);
	assert_int_equal(o.segments, 8);
}

static void options_refuse_anything_else(void **state)
{
	static const struct {
		int at;
		const char *value;
	} cases[] = {{1, "run/i/00c0ffee00c0ffee"}, {1, "/i/00c0ffee00c0ffe"},
	    {1, "/run/j/00c0ffee00c0ffee"}, {1, "/run/i/00c0ffee00c0ffeg"},
	    {1, ""}, {2, "a/b"}, {2, ""}, {3, "0"}, {3, "-1"},
	    {3, "4294967295"}, {4, "logs"}, {4, ""}, {5, "crun"}, {6, "0:0"},
	    {6, "989"}, {6, "989:0"}, {6, "root:root"}};
	static const char *const settings[] = {
	    NULL, "", "65536", "65536,1", "16409,8", "x,8", "65536,8,1"};
	struct error err = {0};
	struct options o;

	(void)state;
	for (size_t i = 0; i < NELEM(cases) + NELEM(settings); i++) {
		const char *argv[] = {"paas-shim", "/run/i/00c0ffee00c0ffee",
		    "web.1", "1879049192", "log", "/usr/bin/crun", "989:988",
		    NULL};
		const char *set = "65536,8";

		if (i < NELEM(cases))
			argv[cases[i].at] = cases[i].value;
		else
			set = settings[i - NELEM(cases)];
		assert_int_equal(options_parse(7, argv, set, &o, &err), -1);
		argv[4] = "job";
		assert_int_equal(options_parse(6, argv, set, &o, &err), -1);
	}
}

/* --- lines --------------------------------------------------------------- */

static void put(struct split *s, struct str text)
{
	size_t room;
	char *to = split_room(s, &room);

	assert_true(text.len <= room);
	memcpy(to, text.p, text.len);
	split_added(s, text.len);
}

static void lines_are_whole_however_they_are_torn(void **state)
{
	static const char text[] = "one\n\ntwo and\r\nthree\n";
	static const char *const lines[] = {"one", "", "two and\r", "three"};
	struct split *s = xcalloc(1, sizeof(*s));

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		size_t found = 0;

		for (size_t at = 0; at < sizeof(text) - 1; at += step) {
			struct str line;
			bool partial;

			put(s, str_sub(STR(text), at, at + step));
			while (split_next(s, &line, &partial)) {
				assert_true(str_eqz(line, lines[found++]));
				assert_false(partial);
			}
		}
		assert_int_equal(found, NELEM(lines));
		assert_false(split_waits(s));
	}
	free(s);
}

static void a_longest_line_is_one_piece_and_one_byte_more_is_two(void **state)
{
	struct split *s = xcalloc(1, sizeof(*s));
	static char text[LOGREC_TEXT_MAX + 2];
	struct str piece;
	bool partial;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[LOGREC_TEXT_MAX] = '\n';
	put(s, str_make(text, LOGREC_TEXT_MAX + 1));
	assert_true(split_next(s, &piece, &partial));
	assert_int_equal(piece.len, LOGREC_TEXT_MAX);
	assert_false(partial);
	assert_false(split_next(s, &piece, &partial));

	text[LOGREC_TEXT_MAX] = 'x';
	put(s, str_make(text, LOGREC_TEXT_MAX + 1));
	assert_true(split_next(s, &piece, &partial));
	assert_int_equal(piece.len, LOGREC_TEXT_MAX);
	assert_true(partial);
	assert_false(split_next(s, &piece, &partial));
	put(s, STR("\n"));
	assert_true(split_next(s, &piece, &partial));
	assert_int_equal(piece.len, 1);
	assert_false(partial);
	free(s);
}

static void memory_of_long_lines_is_given_back_when_nothing_waits(void **state)
{
	struct split *s = xcalloc(1, sizeof(*s));
	static char text[LOGREC_TEXT_MAX];
	struct str piece;
	bool partial;

	(void)state;
	memset(text, 'x', sizeof(text));
	put(s, str_make(text, sizeof(text)));
	assert_false(split_next(s, &piece, &partial));
	split_trim(s);
	assert_true(split_rest(s, &piece));
	assert_memory_equal(piece.p, text, sizeof(text));
	split_trim(s);
	put(s, STR("after\n"));
	assert_true(split_next(s, &piece, &partial));
	assert_true(str_eqz(piece, "after"));
	free(s);
}

/* --- the rate ------------------------------------------------------------ */

static unsigned taken_of(struct rate *r, size_t bytes, uint64_t now_us)
{
	unsigned n = 0;

	while (rate_take(r, bytes, now_us))
		n++;
	return n;
}

static unsigned taken(struct rate *r, uint64_t now_us)
{
	return taken_of(r, 10, now_us);
}

static void a_burst_is_allowed_then_so_much_a_second(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, SECOND);
	assert_int_equal(taken(&r, SECOND), RATE_BURST);
	assert_int_equal(taken(&r, 2 * SECOND), RATE_LINES);
	assert_int_equal(taken(&r, 2 * SECOND + 199), 0);
	assert_int_equal(taken(&r, 2 * SECOND + 200), 1);
	assert_int_equal(taken(&r, SECOND), 0); /* the clock stands */
	assert_int_equal(taken(&r, 1000 * SECOND), RATE_BURST);
}

static void bytes_have_a_rate_of_their_own(void **state)
{
	struct rate r;

	rate_init(&r, SECOND);
	assert_int_equal(taken_of(&r, 16384, SECOND), RATE_BYTES_BURST / 16384);
	assert_int_equal(taken_of(&r, 16384, 2 * SECOND), RATE_BYTES / 16384);
	assert_int_equal(taken_of(&r, 16384, 2 * SECOND + 7000), 0);
	assert_int_equal(taken_of(&r, 16384, 2 * SECOND + 8000), 1);
}

/* --- the log ------------------------------------------------------------- */

static void output_becomes_records(void **state)
{
	scoped_buf struct buf text = BUF_TOLD;
	struct fixture *x = *state;
	struct stat st;

	log_open_again(x);
	app_writes(x, STR("one\n\ntw"));
	assert_string_equal(told(x, &text), "[1]one[2]");
	app_writes(x, STR("o\nthree"));
	log_end(x->log);
	assert_string_equal(told(x, &text), "[1]one[2][3]two[4]three");
	assert_int_equal(
	    fstatat(x->dir, "web.1-00c0ffee00c0ffee-00000000.log", &st, 0), 0);
	assert_int_equal(st.st_mode & 07137, 0); /* 0640 at most */
}

static void an_unfinished_line_is_written_after_a_pause(void **state)
{
	scoped_buf struct buf text = BUF_TOLD;
	struct fixture *x = *state;

	log_open_again(x);
	assert_true(log_due(x->log) == UINT64_MAX);
	app_writes(x, STR("Name: "));
	assert_true(log_due(x->log) == x->now_us + SECOND / 10);
	log_tick(x->log, x->now_us + SECOND / 10 - 1);
	assert_string_equal(told(x, &text), "");
	x->now_us = log_due(x->log);
	log_tick(x->log, x->now_us);
	assert_string_equal(told(x, &text), "[1]Name: +");
	assert_true(log_due(x->log) == UINT64_MAX);
	app_writes(x, STR("you\n"));
	assert_string_equal(told(x, &text), "[1]Name: +[2]you");
}

static void lines_over_the_rate_are_counted(void **state)
{
	scoped_buf struct buf text = BUF_TOLD;
	struct fixture *x = *state;

	log_open_again(x);
	x->log->rate.credit_us = 0;
	app_writes(x, STR("a\nb\nc\n"));
	assert_string_equal(told(x, &text), "");
	x->now_us = log_due(x->log);
	app_writes(x, STR("d\n"));
	log_tick(x->log, x->now_us);
	assert_string_equal(
	    told(x, &text), "[1]d[2]3 lines of output dropped: more than 500");
	assert_true(log_due(x->log) == UINT64_MAX);
}

static void segments_are_bounded_in_size_and_number(void **state)
{
	scoped_buf struct buf bytes = BUF_INIT(2 * SEGMENT);
	struct fixture *x = *state;
	char line[1001];

	log_open_again(x);
	memset(line, 'x', sizeof(line));
	line[1000] = '\n';
	for (int i = 0; i < 31 * 5 + 1; i++) /* 31 of them fill a segment */
		app_writes(x, str_make(line, sizeof(line)));
	for (uint32_t i = 0; i < 7; i++) {
		buf_clear(&bytes);
		assert_int_equal(segment_bytes(x, i, &bytes), i >= 3 && i <= 5);
		if (i == 3 || i == 4)
			assert_int_equal(bytes.len, 31 * (1000 + LOGREC_HEAD));
	}
}

static void a_long_line_is_split_across_segments(void **state)
{
	scoped_buf struct buf text = BUF_TOLD, line = BUF_INIT(50000);
	struct fixture *x = *state;

	log_open_again(x);
	for (int i = 0; i < 40000; i++)
		buf_addc(&line, 'x');
	buf_addc(&line, '\n');
	app_writes(x, buf_str(&line));
	assert_string_equal(told(x, &text),
	    "[1]xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx+"
	    "[2]xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx+"
	    "[3]xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	assert_int_equal(x->log->out.index, 1);
}

static void a_later_writer_goes_on_behind_the_last_record(void **state)
{
	scoped_buf struct buf text = BUF_TOLD;
	struct fixture *x = *state;
	int fd;

	fd = openat(x->dir, "web.1-00c0ffee00c0ffef-00000009.log",
	    O_WRONLY | O_CREAT, 0600); /* of another instance */
	assert_true(fd != -1);
	close(fd);
	log_open_again(x);
	app_writes(x, STR("one\ntwo\n"));
	log_end(x->log);
	log_open_again(x);
	app_writes(x, STR("three\n"));
	log_end(x->log);
	assert_string_equal(told(x, &text), "[1]one[2]two[3]three");
	assert_int_equal(x->log->out.index, 1);

	/* The last one's tail is torn: half a record. */
	fd = openat(
	    x->dir, "web.1-00c0ffee00c0ffee-00000001.log", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "\x1e\0\0\0torn", 8), 8);
	close(fd);
	log_open_again(x);
	assert_int_equal(x->log->out.seq, 3);
	assert_int_equal(x->log->out.index, 2);
}

/* A file that may not grow stands for a disk that is full. */
static void a_full_disk_costs_records_and_leaves_whole_ones(void **state)
{
	scoped_buf struct buf text = BUF_TOLD;
	struct rlimit before, small = {100, RLIM_INFINITY};
	struct fixture *x = *state;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	log_open_again(x);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	/* 30 bytes each: three fit, and 10 bytes of the fourth */
	app_writes(x, STR("aaaa\nbbbb\ncccc\ndddd\neeee\n"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_string_equal(told(x, &text), "[1]aaaa[2]bbbb[3]cccc");
	/* The telling itself was lost at first; it is tried once a second. */
	assert_int_equal(x->log->out.lost, 2);
	app_writes(x, STR("ffff\n"));
	x->now_us += SECOND;
	app_writes(x, STR("gggg\n"));
	assert_string_equal(told(x, &text),
	    "[1]aaaa[2]bbbb[3]cccc[7]ffff[8]gggg"
	    "[9]2 lines of output dropped: No space left");
	assert_int_equal(x->log->out.lost, 0);
}

static void a_file_of_that_name_is_left_alone(void **state)
{
	scoped_buf struct buf text = BUF_TOLD;
	struct fixture *x = *state;

	log_open_again(x);
	assert_int_equal(symlinkat("/etc/passwd", x->dir,
	                     "web.1-00c0ffee00c0ffee-00000000.log"),
	    0);
	app_writes(x, STR("one\n"));
	app_writes(x, STR("two\n"));
	assert_int_equal(
	    unlinkat(x->dir, "web.1-00c0ffee00c0ffee-00000000.log", 0), 0);
	assert_string_equal(told(x, &text), "[1]one[2]two");
}

/* --- records ------------------------------------------------------------- */

static void exits_are_recorded(void **state)
{
	static const struct {
		int status;
		const char *want;
	} cases[] = {{0, "code 0\nsignal 0\ntime "},
	    {3 << 8, "code 3\nsignal 0\ntime "},
	    {SIGKILL, "code 137\nsignal 9\ntime "},
	    {SIGSEGV | 0x80, "code 139\nsignal 11\ntime "}};
	struct fixture *x = *state;
	struct error err = {0};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf text = BUF_INIT(1000);

		assert_int_equal(record_exit(x->dir, cases[i].status, &err), 0);
		assert_int_equal(fd_read_file(x->dir, "exit", &text, &err), 0);
		assert_true(str_starts(buf_str(&text), str_z(cases[i].want)));
	}
}

static void a_failed_start_is_recorded_with_its_reason(void **state)
{
	scoped_buf struct buf text = BUF_INIT(1000), want = BUF_INIT(1000);
	struct fixture *x = *state;
	char why[sizeof((struct error){0}.msg)];
	struct error err = {0};

	memset(why, 'w', sizeof(why));
	why[sizeof(why) - 1] = '\0';
	assert_int_equal(record_failure(x->dir, why, &err), 0);
	assert_int_equal(fd_read_file(x->dir, "exit", &text, &err), 0);
	buf_addf(&want, "\ntext %s\n", why);
	assert_true(str_starts(buf_str(&text), STR("code 125\nsignal 0\n")));
	assert_true(str_ends(buf_str(&text), buf_str(&want)));
}

static void a_process_is_recorded_so_that_it_can_be_known_again(void **state)
{
	scoped_buf struct buf text = BUF_INIT(1000);
	struct fixture *x = *state;
	struct error err = {0};
	struct str rest, pid, start;

	assert_int_equal(record_pid(x->dir, getpid(), &err), 0);
	assert_int_equal(fd_read_file(x->dir, "pid", &text, &err), 0);
	rest = buf_str(&text);
	assert_true(str_split(&rest, ' ', &pid));
	assert_true(str_split(&rest, ' ', &start));
	assert_int_equal(rest.len, 37);
	assert_int_equal(record_pid(x->dir, 0x7ffffffe, &err), -1);
}

/* --- clients ------------------------------------------------------------- */

struct scene {
	struct attach a;
	int app_in, app_out, user; /* the far ends */
	int client;                /* not joined yet */
};

static void scene_open(struct scene *s, bool pty)
{
	struct error err = {0};
	int in[2], out[2], user[2];

	*s = (struct scene){0};
	assert_int_equal(fd_pipe(in, &err), 0);
	assert_int_equal(fd_pipe(out, &err), 0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, user), 0);
	assert_int_equal(fd_nonblock(in[1], true, &err), 0);
	assert_int_equal(fd_nonblock(out[0], true, &err), 0);
	assert_int_equal(fd_nonblock(in[0], true, &err), 0);
	assert_int_equal(fd_nonblock(user[0], true, &err), 0);
	attach_init(&s->a, pty, in[1], out[0], 1000);
	s->app_in = in[0];
	s->app_out = out[1];
	s->user = user[0];
	s->client = user[1];
}

static void scene_join(struct scene *s)
{
	struct error err = {0};

	assert_int_equal(attach_join(&s->a, take_fd(&s->client), &err), 0);
}

/* Poll once without waiting, and turn. */
static int scene_turn(struct scene *s, uint64_t now_ms)
{
	struct pollfd p[3];

	attach_want(&s->a, p);
	(void)poll(p, 3, 0);
	return attach_turn(&s->a, p, now_ms);
}

static void scene_close(struct scene *s)
{
	fd_close(&s->a.input);
	fd_close(&s->a.output);
	fd_close(&s->a.client);
	fd_close(&s->app_in);
	fd_close(&s->app_out);
	fd_close(&s->user);
	fd_close(&s->client);
}

static void assert_reads(int fd, const char *want)
{
	char text[64];
	ssize_t n = read(fd, text, sizeof(text));

	assert_int_equal(n, (ssize_t)strlen(want));
	assert_memory_equal(text, want, (size_t)n);
}

static void bytes_go_both_ways_and_input_may_end(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, false);
	assert_int_equal(write(s.app_out, "early", 5), 5);
	assert_int_equal(scene_turn(&s, 1000), 0);
	scene_join(&s);
	assert_int_equal(write(s.user, "in", 2), 2);
	assert_int_equal(scene_turn(&s, 2000), 0);
	assert_reads(s.app_in, "in");
	assert_reads(s.user, "early");
	assert_int_equal(shutdown(s.user, SHUT_WR), 0);
	assert_int_equal(scene_turn(&s, 3000), 0);
	assert_reads(s.app_in, "");
	assert_int_equal(write(s.app_out, "late", 4), 4);
	assert_int_equal(scene_turn(&s, 1000000), 0);
	assert_reads(s.user, "late");
	scene_close(&s);
}

static void all_output_is_delivered_after_the_end(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, false);
	assert_int_equal(write(s.app_out, "words", 5), 5);
	fd_close(&s.app_out);
	attach_exited(&s.a, 2000);
	assert_int_equal(scene_turn(&s, 2000), 0);
	assert_int_equal(s.a.state, ATTACH_WAITING);
	scene_join(&s);
	assert_int_equal(write(s.user, "unread", 6), 6);
	assert_int_equal(scene_turn(&s, 3000), 0);
	assert_int_equal(s.a.state, ATTACH_CLOSING);
	assert_reads(s.user, "words");
	assert_reads(s.user, "");
	fd_close(&s.user);
	assert_int_equal(scene_turn(&s, 3000), 0);
	assert_int_equal(s.a.state, ATTACH_DONE);
	scene_close(&s);
}

static void a_client_that_does_not_read_the_end_is_given_up(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, false);
	scene_join(&s);
	fd_close(&s.app_out);
	attach_exited(&s.a, 2000);
	assert_int_equal(scene_turn(&s, 2000), 0);
	assert_int_equal(scene_turn(&s, 2000 + ATTACH_END_MS - 1), 0);
	assert_int_equal(s.a.state, ATTACH_CLOSING);
	assert_int_equal(scene_turn(&s, 2000 + ATTACH_END_MS), 0);
	assert_int_equal(s.a.state, ATTACH_DONE);
	scene_close(&s);
}

static void nobody_came_so_it_is_hung_up_then_killed(void **state)
{
	uint64_t late = 1000 + ATTACH_CLIENT_MS;
	struct error err = {0};
	struct scene s;

	(void)state;
	scene_open(&s, true);
	assert_int_equal(scene_turn(&s, late - 1), 0);
	assert_int_equal(scene_turn(&s, late), SIGHUP);
	assert_int_equal(attach_join(&s.a, s.client, &err), -1);
	assert_int_equal(scene_turn(&s, late + ATTACH_HANGUP_MS - 1), 0);
	assert_int_equal(scene_turn(&s, late + ATTACH_HANGUP_MS), SIGKILL);
	assert_int_equal(scene_turn(&s, late + 2 * ATTACH_HANGUP_MS), 0);
	attach_exited(&s.a, late + 2 * ATTACH_HANGUP_MS);
	assert_int_equal(s.a.state, ATTACH_DONE);
	scene_close(&s);
}

static void a_client_that_leaves_hangs_up(void **state)
{
	(void)state;
	for (int pty = 0; pty < 2; pty++) {
		struct scene s;

		scene_open(&s, pty);
		scene_join(&s);
		assert_int_equal(write(s.user, "bye", 3), 3);
		fd_close(&s.user);
		assert_int_equal(scene_turn(&s, 2000), SIGHUP);
		assert_reads(s.app_in, "bye");
		scene_close(&s);
	}
}

static void a_second_client_is_refused(void **state)
{
	struct error err = {0};
	struct scene s;

	(void)state;
	scene_open(&s, false);
	scene_join(&s);
	assert_int_equal(attach_join(&s.a, s.user, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	scene_close(&s);
}

/* --- what jail asks ------------------------------------------------------ */

static void hello_is_a_frame_as_msg_h_says(void **state)
{
	struct error err = {0};
	struct frame f;

	(void)state;
	assert_int_equal(frame_parse(ctl_hello(), &f, &err), 0);
	assert_int_equal(msg_check(&f, ROLE_NONE, ROLE_JAIL, &err), 0);
	assert_int_equal(frame_u64(&f, F_VERSION), IPC_VERSION);
	assert_int_equal(frame_u64(&f, F_ROLE), ROLE_SHIM);
	assert_false(ctl_welcome(&f)); /* that is no jail's */
}

static void send_frame(int fd, uint16_t type, uint16_t tag, uint64_t value)
{
	struct frame_out o = frame_begin(type, 0);

	if (tag == F_ROLE)
		frame_put_u64(&o, F_VERSION, IPC_VERSION);
	if (tag != F_NONE)
		frame_put_u64(&o, tag, value);
	assert_int_equal(send(fd, o.bytes.p, o.bytes.len, MSG_NOSIGNAL),
	    (ssize_t)o.bytes.len);
	frame_out_release(&o);
}

static void requests_come_after_hello_and_keep_the_rules(void **state)
{
	static const struct {
		uint16_t type, tag;
		uint64_t value;
		int signo; /* 0: it is cut off */
	} cases[] = {
	    {MSG_SHIM_SIGNAL, F_SIGNO, SIGTERM, SIGTERM},
	    {MSG_SHIM_SIGNAL, F_SIGNO, 64, 64},
	    {MSG_SHIM_SIGNAL, F_SIGNO, 65, 0},
	    {MSG_SHIM_SIGNAL, F_SIGNO, 0, 0},
	    {MSG_SHIM_SIGNAL, F_NONE, 0, 0},
	    {MSG_SHIM_SIGNAL, F_SIGNO, 1ull << 32 | SIGTERM, 0},
	    {MSG_SHIM_ATTACH, F_NONE, 0, 0}, /* without its descriptor */
	    {MSG_HELLO, F_ROLE, ROLE_JAIL, 0},
	    {MSG_INSTANCE_KILL, F_NONE, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct ctl c = {.listener = -1};
		struct ctl_request r;
		char hello[FRAME_MAX];
		int fds[2];

		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		c.peer = fds[0];
		send_frame(fds[1], MSG_HELLO, F_ROLE, ROLE_JAIL);
		assert_false(ctl_ready(&c, &r));
		assert_true(recv(fds[1], hello, sizeof(hello), 0) > 0);
		send_frame(fds[1], cases[i].type, cases[i].tag, cases[i].value);
		assert_int_equal(ctl_ready(&c, &r), cases[i].signo != 0);
		assert_int_equal(r.signo, cases[i].signo);
		assert_int_equal(c.peer == -1, cases[i].signo == 0);
		ctl_close(&c);
		close(fds[1]);
	}
}

static void nobody_else_is_welcome(void **state)
{
	static const enum role roles[] = {ROLE_NONE, ROLE_PLAN, ROLE_SHIM};

	(void)state;
	for (size_t i = 0; i < NELEM(roles); i++) {
		struct ctl c = {.listener = -1};
		struct ctl_request r;
		int fds[2];

		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		c.peer = fds[0];
		send_frame(fds[1], MSG_HELLO, F_ROLE, roles[i]);
		assert_false(ctl_ready(&c, &r));
		assert_int_equal(c.peer, -1);
		close(fds[1]);
	}
}

int main(void)
{
#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_take_what_jail_says),
	    cmocka_unit_test(options_refuse_anything_else),
	    cmocka_unit_test(lines_are_whole_however_they_are_torn),
	    cmocka_unit_test(
	        a_longest_line_is_one_piece_and_one_byte_more_is_two),
	    cmocka_unit_test(
	        memory_of_long_lines_is_given_back_when_nothing_waits),
	    cmocka_unit_test(a_burst_is_allowed_then_so_much_a_second),
	    cmocka_unit_test(bytes_have_a_rate_of_their_own),
	    WITH_LOG(output_becomes_records),
	    WITH_LOG(an_unfinished_line_is_written_after_a_pause),
	    WITH_LOG(lines_over_the_rate_are_counted),
	    WITH_LOG(segments_are_bounded_in_size_and_number),
	    WITH_LOG(a_long_line_is_split_across_segments),
	    WITH_LOG(a_later_writer_goes_on_behind_the_last_record),
	    WITH_LOG(a_full_disk_costs_records_and_leaves_whole_ones),
	    WITH_LOG(a_file_of_that_name_is_left_alone),
	    WITH_LOG(exits_are_recorded),
	    WITH_LOG(a_failed_start_is_recorded_with_its_reason),
	    WITH_LOG(a_process_is_recorded_so_that_it_can_be_known_again),
	    cmocka_unit_test(bytes_go_both_ways_and_input_may_end),
	    cmocka_unit_test(all_output_is_delivered_after_the_end),
	    cmocka_unit_test(a_client_that_does_not_read_the_end_is_given_up),
	    cmocka_unit_test(nobody_came_so_it_is_hung_up_then_killed),
	    cmocka_unit_test(a_client_that_leaves_hangs_up),
	    cmocka_unit_test(a_second_client_is_refused),
	    cmocka_unit_test(hello_is_a_frame_as_msg_h_says),
	    cmocka_unit_test(requests_come_after_hello_and_keep_the_rules),
	    cmocka_unit_test(nobody_else_is_welcome),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
