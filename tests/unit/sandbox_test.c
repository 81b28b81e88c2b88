/* sandbox: what a child can no longer do, each in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "proc/sandbox.h"

/* Run fn in a child; it says with its value whether all was as expected. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(                                               \
			    stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			return 1;                                              \
		}                                                              \
	} while (0)

static int becomes_nobody(void)
{
	struct roles roles = {.of = {[ROLE_WEB] = {65534, 65534}}};
	struct error err = {0};

	CHECK(sandbox_user(&roles, ROLE_WEB, &err) == 0);
	CHECK(getuid() == 65534 && geteuid() == 65534);
	CHECK(getgid() == 65534 && getgroups(0, NULL) == 0);
	CHECK(setuid(0) == -1 && setgid(0) == -1);
	CHECK(sandbox_user(&roles, ROLE_GITD, &err) == -1);
	return 0;
}

static int is_basic(void)
{
	struct error err = {0};
	struct rlimit core;

	CHECK(sandbox_basic(&err) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	return 0;
}

static char folder[] = "/tmp/sandbox-test-XXXXXX";

static int sees_the_chroot_alone(void)
{
	struct error err = {0};

	CHECK(sandbox_chroot("/nonexistent", &err) == -1);
	CHECK(sandbox_chroot(folder, &err) == 0);
	CHECK(access("/inside", F_OK) == 0);
	CHECK(access("/etc/passwd", F_OK) == -1);
	return 0;
}

static int reaches_the_paths_alone(void)
{
	struct sandbox_path paths[] = {
	    {.path = folder, .write = true}, {.path = "/usr"}};
	struct error err = {0};
	bool missing;
	char path[64];

	CHECK(sandbox_paths(paths, 2, &missing, &err) == 0);
	if (missing)
		return 77;
	snprintf(path, sizeof(path), "%s/new", folder);
	CHECK(open(path, O_CREAT | O_WRONLY, 0600) != -1);
	CHECK(unlink(path) == 0);
	CHECK(open("/usr", O_RDONLY | O_DIRECTORY) != -1);
	CHECK(open("/usr/new", O_CREAT | O_WRONLY, 0600) == -1);
	CHECK(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
	CHECK(execl("/usr/bin/true", "true", NULL) == -1 && errno == EACCES);
	return 0;
}

static int names_a_missing_path(void)
{
	struct sandbox_path paths[] = {{.path = "/nonexistent"}};
	struct error err = {0};
	bool missing;

	if (sandbox_paths(paths, 1, &missing, &err) == 0)
		return missing ? 77 : 1;
	CHECK(strstr(err.msg, "/nonexistent"));
	return 0;
}

static int makes_no_program(void)
{
	struct error err = {0};

	CHECK(sandbox_calls(SANDBOX_NO_EXEC, &err) == 0);
	CHECK(execl("/bin/true", "true", NULL) == -1 && errno == EPERM);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) != -1);
	CHECK(fork() != -1);
	CHECK(syscall(SYS_unshare, 0) == -1 && errno == EPERM);
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) == -1 && errno == EPERM);
	return 0;
}

static int makes_no_socket(void)
{
	struct error err = {0};
	int pair[2];

	CHECK(sandbox_calls(SANDBOX_NO_SOCKET, &err) == 0);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EPERM);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1);
	CHECK(open("/dev/null", O_RDONLY) != -1);
	return 0;
}

static int makes_unix_sockets_alone(void)
{
	struct error err = {0};
	int pair[2];

	CHECK(sandbox_calls(SANDBOX_NO_INET, &err) == 0);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) != -1);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_INET6, SOCK_DGRAM, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) == -1 && errno == EPERM);
	CHECK(open("/dev/null", O_RDONLY) != -1);
	return 0;
}

static int makes_no_process(void)
{
	struct error err = {0};

	CHECK(sandbox_calls(SANDBOX_NO_FORK | SANDBOX_NO_EXEC, &err) == 0);
	CHECK(fork() == -1 && errno == EPERM);
	CHECK(syscall(SYS_clone3, NULL, 0) == -1 && errno == EPERM);
	CHECK(execl("/bin/true", "true", NULL) == -1 && errno == EPERM);
	return 0;
}

static int keeps_what_a_daemon_needs(void)
{
	struct roles roles = {.of = {[ROLE_WEB] = {65534, 65534}}};
	struct sandbox_path paths[] = {{.path = "/usr"}};
	struct error err = {0};

	CHECK(sandbox_daemon(&roles, ROLE_WEB, paths, 1, &err) == 0);
	CHECK(geteuid() == 65534);
	CHECK(open("/usr", O_RDONLY | O_DIRECTORY) != -1);
	CHECK(!sandbox_has_landlock() || open("/etc/passwd", O_RDONLY) == -1);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) != -1);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM);
	CHECK(fork() == -1 && errno == EPERM);
	return 0;
}

static int has_fewer_descriptors(void)
{
	struct error err = {0};
	struct rlimit now;

	CHECK(sandbox_rlimit(RLIMIT_NOFILE, 16, &err) == 0);
	CHECK(fcntl(2, F_DUPFD, 16) == -1);
	CHECK(sandbox_rlimit(RLIMIT_NOFILE, 32, &err) == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_max == 16);
	return 0;
}

/* 77: the kernel lacks it. */
static void expect(int (*fn)(void))
{
	int result = in_child(fn);

	if (result == 77)
		skip();
	assert_int_equal(result, 0);
}

#define CHILD_TEST(name, fn)                                                   \
	static void name(void **state)                                         \
	{                                                                      \
		expect(fn);                                                    \
	}
#define ROOT_TEST(name, fn)                                                    \
	static void name(void **state)                                         \
	{                                                                      \
		if (geteuid() != 0)                                            \
			skip();                                                \
		expect(fn);                                                    \
	}

ROOT_TEST(a_user_is_become_for_good, becomes_nobody)
ROOT_TEST(a_chroot_hides_the_rest, sees_the_chroot_alone)
CHILD_TEST(privileges_and_core_dumps_are_given_up, is_basic)
CHILD_TEST(landlock_lets_named_paths_through, reaches_the_paths_alone)
CHILD_TEST(landlock_names_a_path_that_is_missing, names_a_missing_path)
CHILD_TEST(no_program_is_executed, makes_no_program)
CHILD_TEST(no_socket_is_made, makes_no_socket)
CHILD_TEST(unix_sockets_alone_are_made, makes_unix_sockets_alone)
CHILD_TEST(no_process_is_made, makes_no_process)
ROOT_TEST(a_daemon_keeps_its_paths_and_unix_sockets, keeps_what_a_daemon_needs)
CHILD_TEST(a_limit_only_goes_down, has_fewer_descriptors)

static int make_folder(void **state)
{
	scoped_fd int dir = -1;

	if (!mkdtemp(folder))
		return -1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd_write_file(dir, "inside", STR("x"), 0644, NULL);
}

static int remove_folder(void **state)
{
	return fd_remove_tree(AT_FDCWD, folder, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_user_is_become_for_good),
	    cmocka_unit_test(a_chroot_hides_the_rest),
	    cmocka_unit_test(privileges_and_core_dumps_are_given_up),
	    cmocka_unit_test(landlock_lets_named_paths_through),
	    cmocka_unit_test(landlock_names_a_path_that_is_missing),
	    cmocka_unit_test(no_program_is_executed),
	    cmocka_unit_test(no_socket_is_made),
	    cmocka_unit_test(unix_sockets_alone_are_made),
	    cmocka_unit_test(no_process_is_made),
	    cmocka_unit_test(a_daemon_keeps_its_paths_and_unix_sockets),
	    cmocka_unit_test(a_limit_only_goes_down),
	};

	return cmocka_run_group_tests_name(
	    "sandbox", tests, make_folder, remove_folder);
}
