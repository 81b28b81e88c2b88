/*
 * target: places for mounts in a root that a stranger wrote. Needs root, to
 * give what it makes to another owner.
 */
/* links: runtime/jail/target.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../runtime/jail/target.h"
#include "base/fd.h"

#define OWNER 1879048192u /* as an app's ids begin */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

struct world {
	char top[40];
	int root, outside;
};

static int world_make(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	memcpy(w->top, "/tmp/paas-target-XXXXXX", 24);
	assert_non_null(mkdtemp(w->top));
	w->outside = open(w->top, OPEN_DIR);
	assert_int_equal(mkdirat(w->outside, "root", 0755), 0);
	assert_int_equal(mkdirat(w->outside, "prey", 0755), 0);
	w->root = openat(w->outside, "root", OPEN_DIR);
	*state = w;
	return 0;
}

static int world_end(void **state)
{
	struct world *w = *state;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", w->top, NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(w->root);
	close(w->outside);
	free(w);
	return 0;
}

static bool is_there(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void what_is_missing_is_made_for_its_owner(void **state)
{
	struct world *w = *state;
	struct error err = {0};
	struct stat st;

	assert_int_equal(
	    target_make(w->root, "/etc/hosts", false, OWNER, &err), 0);
	assert_int_equal(
	    fstatat(w->root, "etc/hosts", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode) && st.st_uid == OWNER);
	assert_int_equal(fstatat(w->root, "etc", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISDIR(st.st_mode) && st.st_uid == OWNER);
	assert_int_equal(target_make(w->root, "/a/b/c", true, OWNER, &err), 0);
	assert_int_equal(target_make(w->root, "/a/b/c", true, OWNER, &err), 0);
	assert_true(is_there(w->root, "a/b/c"));
}

static void a_link_on_the_way_is_refused_and_not_followed(void **state)
{
	static const char *const to[] = {
	    "../prey", "/", "/tmp", ".", "nowhere"};
	struct world *w = *state;

	for (size_t i = 0; i < NELEM(to); i++) {
		struct error err = {0};

		assert_int_equal(symlinkat(to[i], w->root, "etc"), 0);
		assert_int_equal(
		    target_make(w->root, "/etc/paas-new", false, OWNER, &err),
		    -1);
		assert_int_equal(err.code, ERR_INVALID);
		assert_non_null(strstr(err.msg, "etc of the image"));
		assert_int_equal(
		    target_make(w->root, "/etc", true, OWNER, &err), -1);
		assert_int_equal(unlinkat(w->root, "etc", 0), 0);
	}
	assert_false(is_there(w->outside, "prey/paas-new"));
	assert_false(is_there(w->outside, "root/paas-new"));
	assert_int_equal(access("/tmp/paas-new", F_OK), -1);
}

static void a_link_in_the_place_of_a_file_is_replaced(void **state)
{
	struct world *w = *state;
	struct error err = {0};
	struct stat st;

	assert_int_equal(mkdirat(w->root, "etc", 0755), 0);
	assert_int_equal(
	    symlinkat("../../prey/stolen", w->root, "etc/hosts"), 0);
	assert_int_equal(symlinkat("/dev/null", w->root, "etc/resolv.conf"), 0);
	assert_int_equal(mkfifoat(w->root, "etc/pipe", 0644), 0);
	assert_int_equal(
	    target_make(w->root, "/etc/hosts", false, OWNER, &err), 0);
	assert_int_equal(
	    target_make(w->root, "/etc/resolv.conf", false, OWNER, &err), 0);
	assert_int_equal(
	    target_make(w->root, "/etc/pipe", false, OWNER, &err), 0);
	assert_int_equal(
	    fstatat(w->root, "etc/hosts", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(
	    fstatat(w->root, "etc/pipe", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_false(is_there(w->outside, "prey/stolen"));
}

static void what_is_of_another_kind_is_refused(void **state)
{
	struct world *w = *state;
	struct error err = {0};

	assert_int_equal(mkdirat(w->root, "etc", 0755), 0);
	assert_int_equal(mkdirat(w->root, "etc/hosts", 0755), 0);
	assert_int_equal(mknodat(w->root, "proc", S_IFREG | 0644, 0), 0);
	assert_int_equal(
	    target_make(w->root, "/etc/hosts", false, OWNER, &err), -1);
	assert_non_null(strstr(err.msg, "is a folder"));
	assert_int_equal(target_make(w->root, "/proc", true, OWNER, &err), -1);
	assert_non_null(strstr(err.msg, "proc of the image"));
	assert_int_equal(
	    target_make(w->root, "/etc/../prey", true, OWNER, &err), -1);
	assert_non_null(strstr(err.msg, "plain path"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        what_is_missing_is_made_for_its_owner, world_make, world_end),
	    cmocka_unit_test_setup_teardown(
	        a_link_on_the_way_is_refused_and_not_followed, world_make,
	        world_end),
	    cmocka_unit_test_setup_teardown(
	        a_link_in_the_place_of_a_file_is_replaced, world_make,
	        world_end),
	    cmocka_unit_test_setup_teardown(
	        what_is_of_another_kind_is_refused, world_make, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
