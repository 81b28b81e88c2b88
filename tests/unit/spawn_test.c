/* spawn: descriptors, environment, and failures told to the parent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "proc/spawn.h"

/* Run s with a pipe at its descriptor `out`; what it wrote there. */
static void output_of(struct spawn *s, int out, struct buf *text)
{
	struct spawn_fd fds[8];
	struct error err = {0};
	int ends[2], status;
	pid_t pid;

	assert_int_equal(fd_pipe(ends, &err), 0);
	for (int i = 0; i < s->nfds; i++)
		fds[i] = s->fds[i];
	fds[s->nfds] = (struct spawn_fd){ends[1], out};
	s->fds = fds;
	s->nfds++;
	pid = spawn(s, &err);
	if (pid == -1)
		fail_msg("%s", err.msg);
	close(ends[1]);
	assert_int_equal(buf_read_all(text, ends[0], &err), 0);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define SHELL(script)                                                          \
	(const char *const[])                                                  \
	{                                                                      \
		"/bin/sh", "-c", (script), NULL                                \
	}

static void only_named_descriptors_are_there(void **state)
{
	struct spawn s = {.argv = SHELL("exec >&9; ls -x /proc/$$/fd")};
	scoped_buf struct buf text = BUF_INIT(1000);
	int spare[20];

	for (size_t i = 0; i < NELEM(spare); i++)
		spare[i] = dup(2);
	output_of(&s, 9, &text);
	for (size_t i = 0; i < NELEM(spare); i++)
		close(spare[i]);
	assert_string_equal(buf_z(&text), "0  1  2  9\n");
}

static void crossed_descriptors_reach_their_places(void **state)
{
	scoped_fd int a = fd_sealed("a", STR("A"), NULL);
	scoped_fd int b = fd_sealed("b", STR("B"), NULL);
	struct spawn_fd crossed[] = {{a, b}, {b, a}, {a, 20}};
	scoped_buf struct buf text = BUF_INIT(1000);
	char script[100];
	struct spawn s = {
	    .argv = SHELL(script), .fds = crossed, .nfds = NELEM(crossed)};

	snprintf(script, sizeof(script), "cat /dev/fd/%d /dev/fd/%d /dev/fd/20",
	    a, b);
	output_of(&s, 1, &text);
	assert_string_equal(buf_z(&text), "BAA");
}

static void the_environment_is_what_is_given(void **state)
{
	const char *const env[] = {"A=1", "B=two words", NULL};
	const char *const argv[] = {"/usr/bin/env", NULL};
	struct spawn s = {.argv = argv, .env = env};
	scoped_buf struct buf text = BUF_INIT(1000);

	output_of(&s, 1, &text);
	assert_string_equal(buf_z(&text), "A=1\nB=two words\n");
	buf_clear(&text);
	s = (struct spawn){.argv = argv};
	output_of(&s, 1, &text);
	assert_string_equal(buf_z(&text), "");
}

/* Of the signals 1 to 31: glibc keeps the two behind them to itself. */
static void signals_are_as_in_a_fresh_program(void **state)
{
	struct spawn s = {
	    .argv = SHELL("grep -E '^Sig(Blk|Ign)' /proc/self/status")};
	scoped_buf struct buf text = BUF_INIT(1000);
	struct str rest, line;
	sigset_t set, old;
	int lines = 0;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	output_of(&s, 1, &text);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line) && line.len > 0) {
		unsigned char low[4];

		assert_true(
		    hex_decode(str_sub(line, line.len - 8, line.len), 4, low));
		assert_memory_equal(low + 1, "\0\0\0", 3);
		assert_int_equal(low[0] & 0x7f, 0);
		lines++;
	}
	assert_int_equal(lines, 2);
}

static void a_program_that_is_not_there_is_told(void **state)
{
	const char *const argv[] = {"/nonexistent/program", NULL};
	struct spawn s = {.argv = argv};
	struct error err = {0};

	assert_int_equal(spawn(&s, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent/program"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* reaped */
	s.argv = (const char *const[]){"/etc/passwd", NULL};
	assert_int_equal(spawn_wait(&s, &err), -1);
	assert_int_equal(err.sys, EACCES);
}

static int refuse(void *arg, struct error *err)
{
	return error_set(err, ERR_FORBIDDEN, "refused %s", (char *)arg);
}

static int write_first(void *arg, struct error *err)
{
	return fd_write_all(*(int *)arg, STR("first "), err);
}

static void a_child_function_runs_before_the_program(void **state)
{
	struct spawn s = {
	    .argv = SHELL("echo then"), .child = refuse, .arg = (void *)"it"};
	scoped_buf struct buf text = BUF_INIT(100);
	struct error err = {0};
	int one = 1;

	assert_int_equal(spawn(&s, &err), -1);
	assert_int_equal(err.code, ERR_FORBIDDEN);
	assert_string_equal(err.msg, "refused it");
	s.child = write_first;
	s.arg = &one;
	output_of(&s, 1, &text);
	assert_string_equal(buf_z(&text), "first then\n");
}

static void an_open_file_is_executed(void **state)
{
	scoped_fd int fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);
	const char *const argv[] = {"renamed", "-c", "echo $0", NULL};
	struct spawn s = {.argv = argv, .exec_fd = fd};
	scoped_buf struct buf text = BUF_INIT(100);

	output_of(&s, 1, &text);
	assert_string_equal(buf_z(&text), "renamed\n");
}

static void how_it_ended_is_told(void **state)
{
	struct spawn s = {.argv = SHELL("exit 0")};
	struct error err = {0};

	assert_int_equal(spawn_wait(&s, &err), 0);
	s.argv = SHELL("exit 3");
	assert_int_equal(spawn_wait(&s, &err), -1);
	assert_non_null(strstr(err.msg, "3"));
	s.argv = SHELL("kill -9 $$");
	assert_int_equal(spawn_wait(&s, &err), -1);
	assert_non_null(strstr(err.msg, "signal 9"));
}

static void a_session_is_its_own(void **state)
{
	struct spawn s = {
	    .argv = SHELL("cut -d' ' -f1,6 /proc/self/stat; echo $$"),
	    .session = 1};
	scoped_buf struct buf text = BUF_INIT(100);
	struct str rest, line, word;
	uint64_t session = 0, shell = 1;

	output_of(&s, 1, &text);
	rest = buf_str(&text);
	assert_true(str_split(&rest, '\n', &line));
	assert_true(str_split(&line, ' ', &word));
	assert_true(str_u64(line, UINT64_MAX, &session));
	assert_true(str_split(&rest, '\n', &line));
	assert_true(str_u64(line, UINT64_MAX, &shell));
	assert_true(session == shell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_named_descriptors_are_there),
	    cmocka_unit_test(crossed_descriptors_reach_their_places),
	    cmocka_unit_test(the_environment_is_what_is_given),
	    cmocka_unit_test(signals_are_as_in_a_fresh_program),
	    cmocka_unit_test(a_program_that_is_not_there_is_told),
	    cmocka_unit_test(a_child_function_runs_before_the_program),
	    cmocka_unit_test(an_open_file_is_executed),
	    cmocka_unit_test(how_it_ended_is_told),
	    cmocka_unit_test(a_session_is_its_own),
	};

	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
