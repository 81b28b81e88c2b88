/* start and identity: what super hands in, and who a process is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "proc/identity.h"
#include "proc/start.h"

/* PAAS_FDS with conf holding text, and a pipe's end as ready. */
static void hand_in(const char *text, int ready)
{
	char value[100];
	int conf = fd_sealed("conf", str_z(text), NULL);

	assert_int_not_equal(conf, -1);
	snprintf(
	    value, sizeof(value), "conf:%d,ready:%d,x.sock:2", conf, ready);
	assert_int_equal(setenv("PAAS_FDS", value, 1), 0);
}

static void what_super_hands_in_is_taken(void **state)
{
	struct error err = {0};
	struct start s;
	int ends[2];
	char line[16] = {0};

	assert_int_equal(fd_pipe(ends, &err), 0);
	hand_in("host = a.example\nlog_level = error\n", ends[1]);
	/* Where the users are not there yet, it names one. */
	if (start_open(&s, "tester", &err) == -1)
		assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(s.settings.host, "a.example");
	assert_null(getenv("PAAS_FDS"));
	assert_int_equal(start_fd(&s, "x.sock"), 2);
	assert_int_equal(start_fd(&s, "x.sock"), -1);
	assert_int_equal(start_fd(&s, "conf"), -1);
	assert_true(fcntl(ends[1], F_GETFD) & FD_CLOEXEC);
	start_ready(&s);
	start_ready(&s);
	assert_int_equal(read(ends[0], line, sizeof(line)), 6);
	assert_string_equal(line, "ready\n");
	assert_int_equal(read(ends[0], line, sizeof(line)), 0);
	close(ends[0]);
	fd_cloexec(2, false, &err);
}

static void a_start_by_hand_says_what_to_do(void **state)
{
	static const char *const bad[] = {"", "conf", "conf:", ":3", "conf:x",
	    "conf:-1", "conf:99999", "conf:9999", "ready:2"};
	struct start s;

	for (size_t i = 0; i < NELEM(bad); i++) {
		struct error err = {0};

		assert_int_equal(setenv("PAAS_FDS", bad[i], 1), 0);
		assert_int_equal(start_open(&s, "tester", &err), -1);
		assert_true(err.msg[0]);
	}
	fd_cloexec(2, false, NULL);
}

static void bad_settings_are_named(void **state)
{
	struct error err = {0};
	struct start s;

	hand_in("host = a\nnonsense = 1\n", 2);
	assert_int_equal(start_open(&s, "tester", &err), -1);
	assert_non_null(strstr(err.msg, "line 2"));
	fd_cloexec(2, false, &err);
}

static void a_process_is_known_again(void **state)
{
	struct identity id, got;
	struct error err = {0};
	scoped_fd int dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_fd int fd = -1;
	char name[40];

	snprintf(name, sizeof(name), "identity-test-%d", (int)getpid());
	assert_int_equal(identity_of(getpid(), &id, &err), 0);
	assert_int_equal(identity_write(dir, name, &id, &err), 0);
	assert_int_equal(identity_read(dir, name, &got, &err), 0);
	assert_int_equal(unlinkat(dir, name, 0), 0);
	assert_int_equal(got.pid, getpid());
	assert_true(got.start_ticks == id.start_ticks);
	assert_string_equal(got.boot, id.boot);
	fd = identity_open(&got, &err);
	assert_int_not_equal(fd, -1);
	assert_int_equal(identity_read(dir, name, &got, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void another_process_is_not_taken_for_it(void **state)
{
	struct identity id, other;
	struct error err = {0};
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(identity_of(pid, &other, &err), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(identity_open(&other, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(identity_of(getpid(), &id, &err), 0);
	other = id;
	other.start_ticks++;
	assert_int_equal(identity_open(&other, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	other = id;
	other.boot[0] = other.boot[0] == '0' ? '1' : '0';
	assert_int_equal(identity_open(&other, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void a_record_in_another_form_is_refused(void **state)
{
	static const char *const bad[] = {"", "1", "1 2", "x 2 y", "1 2 3\n",
	    "-1 2 01234567-0123-0123-0123-012345678901\n",
	    "99999999999 2 01234567-0123-0123-0123-012345678901\n"};
	scoped_fd int dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[40];

	snprintf(name, sizeof(name), "identity-test-%d", (int)getpid());
	for (size_t i = 0; i < NELEM(bad); i++) {
		struct identity id;
		struct error err = {0};

		assert_int_equal(
		    fd_write_file(dir, name, str_z(bad[i]), 0600, &err), 0);
		assert_int_equal(identity_read(dir, name, &id, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
	}
	assert_int_equal(unlinkat(dir, name, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_super_hands_in_is_taken),
	    cmocka_unit_test(a_start_by_hand_says_what_to_do),
	    cmocka_unit_test(bad_settings_are_named),
	    cmocka_unit_test(a_process_is_known_again),
	    cmocka_unit_test(another_process_is_not_taken_for_it),
	    cmocka_unit_test(a_record_in_another_form_is_refused),
	};

	return cmocka_run_group_tests_name("start", tests, NULL, NULL);
}
