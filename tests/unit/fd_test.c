/* fd: whole files or none, sealed memory, removing strange trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

struct folder {
	char path[40];
	int fd;
};

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/fd-test-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return f->fd == -1 ? -1 : 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;
	int result = fd_remove_tree(AT_FDCWD, f->path, NULL);

	close(f->fd);
	free(f);
	return result;
}

static void a_file_is_written_whole_with_its_mode(void **state)
{
	struct folder *f = *state;
	scoped_buf struct buf b = BUF_INIT(5);
	struct error err = {0};
	struct stat st;

	assert_int_equal(fd_write_file(f->fd, "a", STR("old"), 0644, &err), 0);
	assert_int_equal(
	    fd_write_file(f->fd, "a", STR("12345"), 0600, &err), 0);
	assert_int_equal(fstatat(f->fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(faccessat(f->fd, "a.part", F_OK, 0), -1);
	assert_int_equal(fd_read_file(f->fd, "a", &b, &err), 0);
	assert_string_equal(buf_z(&b), "12345");
}

static void a_failed_write_leaves_nothing(void **state)
{
	struct folder *f = *state;
	struct error err = {0};

	assert_int_equal(mkdirat(f->fd, "taken", 0755), 0);
	assert_int_equal(
	    fd_write_file(f->fd, "taken", STR("x"), 0600, &err), -1);
	assert_int_equal(faccessat(f->fd, "taken.part", F_OK, 0), -1);
	assert_non_null(strstr(err.msg, "write taken: rename"));
}

static void only_regular_files_are_read(void **state)
{
	struct folder *f = *state;
	scoped_buf struct buf b = BUF_INIT(4);
	struct error err = {0};

	assert_int_equal(fd_read_file(f->fd, "none", &b, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(fd_read_file(f->fd, ".", &b, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(mkfifoat(f->fd, "fifo", 0600), 0);
	assert_int_equal(fd_read_file(f->fd, "fifo", &b, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(
	    fd_write_file(f->fd, "five", STR("12345"), 0600, &err), 0);
	assert_int_equal(fd_read_file(f->fd, "five", &b, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(symlinkat("five", f->fd, "link"), 0);
	assert_int_equal(fd_read_file(f->fd, "link", &b, &err), -1);
	assert_int_equal(err.sys, ELOOP);
}

static void sealed_memory_is_read_by_all_alike(void **state)
{
	scoped_fd int fd = fd_sealed("env", STR("A=1\0"), NULL);
	scoped_buf struct buf one = BUF_INIT(4), two = BUF_INIT(3);
	struct error err = {0};
	char c;

	assert_int_equal(read(fd, &c, 1), 1); /* the offset is no matter */
	assert_int_equal(fd_sealed_read(fd, &one, &err), 0);
	assert_memory_equal(one.p, "A=1\0", 4);
	assert_int_equal(fd_sealed_read(fd, &two, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void memory_that_may_change_is_refused(void **state)
{
	static const int seals[] = {0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_GROW,
	    F_SEAL_GROW | F_SEAL_SHRINK};
	scoped_buf struct buf b = BUF_INIT(10);
	struct error err = {0};
	int fds[2];

	for (size_t i = 0; i < NELEM(seals); i++) {
		scoped_fd int fd = memfd_create("x", MFD_ALLOW_SEALING);

		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		assert_int_equal(fd_sealed_read(fd, &b, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
	}
	assert_int_equal(fd_pipe(fds, &err), 0);
	assert_int_equal(fd_sealed_read(fds[0], &b, &err), -1);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(fd_sealed_read(-1, &b, &err), -1);
}

static void a_folder_may_be_there_already(void **state)
{
	struct folder *f = *state;
	struct error err = {0};
	struct stat st;
	mode_t old = umask(0077);

	assert_int_equal(fd_mkdir(f->fd, "d", 02750, &err), 0);
	umask(old);
	assert_int_equal(fstatat(f->fd, "d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 02750);
	assert_int_equal(fd_mkdir(f->fd, "d", 0700, &err), 0);
	assert_int_equal(fd_write_file(f->fd, "f", STR(""), 0600, &err), 0);
	assert_int_equal(fd_mkdir(f->fd, "f", 0700, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	assert_int_equal(fd_mkdir(f->fd, "no/d", 0700, &err), -1);
	assert_int_equal(err.sys, ENOENT);
}

/* A chain of folders, each with a file, far longer than PATH_MAX. */
static void make_deep(int top, int depth)
{
	int at = dup(top);

	for (int i = 0; i < depth; i++) {
		int next, file;

		assert_int_equal(mkdirat(at, "down", 0755), 0);
		file = openat(at, "file", O_CREAT | O_WRONLY, 0600);
		assert_true(file != -1);
		close(file);
		next = openat(at, "down", O_RDONLY | O_DIRECTORY);
		assert_true(next != -1);
		close(at);
		at = next;
	}
	close(at);
}

static void strange_trees_are_removed(void **state)
{
	struct folder *f = *state;
	struct error err = {0};
	int tree;

	assert_int_equal(fd_write_file(f->fd, "keep", STR("x"), 0600, &err), 0);
	assert_int_equal(mkdirat(f->fd, "tree", 0755), 0);
	tree = openat(f->fd, "tree", O_RDONLY | O_DIRECTORY);
	make_deep(tree, 3000);
	assert_int_equal(symlinkat("../keep", tree, "link"), 0);
	assert_int_equal(symlinkat("..", tree, "up"), 0);
	assert_int_equal(mkfifoat(tree, "fifo", 0), 0);
	assert_int_equal(mkdirat(tree, "-rf \n", 0), 0);
	for (int i = 0; i < 2000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		assert_int_equal(symlinkat("/", tree, name), 0);
	}
	close(tree);
	assert_int_equal(fd_remove_tree(f->fd, "tree", &err), 0);
	assert_int_equal(faccessat(f->fd, "tree", F_OK, 0), -1);
	assert_int_equal(faccessat(f->fd, "keep", F_OK, 0), 0);
}

static void what_is_no_folder_is_removed_too(void **state)
{
	struct folder *f = *state;
	struct error err = {0};

	assert_int_equal(fd_remove_tree(f->fd, "none", &err), 0);
	assert_int_equal(fd_write_file(f->fd, "file", STR("x"), 0600, &err), 0);
	assert_int_equal(mkdirat(f->fd, "dir", 0755), 0);
	assert_int_equal(symlinkat("dir", f->fd, "link"), 0);
	assert_int_equal(fd_remove_tree(f->fd, "file", &err), 0);
	assert_int_equal(fd_remove_tree(f->fd, "link", &err), 0);
	assert_int_equal(faccessat(f->fd, "dir", F_OK, 0), 0);
}

struct seen {
	unsigned n;
	bool other;
};

/* Makes and removes while it is called. */
static void see_name(void *arg, int dir, const char *name)
{
	struct seen *seen = arg;
	char more[64];

	seen->n++;
	seen->other |= name[0] == '.' || strlen(name) != 2;
	snprintf(more, sizeof(more), "more-%s", name);
	assert_int_equal(mkdirat(dir, more, 0755), 0);
	assert_int_equal(unlinkat(dir, name, AT_REMOVEDIR), 0);
}

static void names_are_those_of_the_start(void **state)
{
	const struct folder *f = *state;
	struct seen seen = {0};

	for (char name[] = "a0"; name[1] <= '9'; name[1]++)
		assert_int_equal(mkdirat(f->fd, name, 0755), 0);
	assert_int_equal(mkdirat(f->fd, ".h", 0755), 0);
	fd_each_name(f->fd, see_name, &seen);
	assert_int_equal(seen.n, 10);
	assert_false(seen.other);
	fd_each_name(-1, see_name, &seen);
	assert_int_equal(seen.n, 10);
}

static void closing_keeps_errno_and_is_done_once(void **state)
{
	int fd = dup(2);

	errno = ENOSPC;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	fd_close(&fd);
	assert_int_equal(errno, ENOSPC);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_file_is_written_whole_with_its_mode),
	    TEST(a_failed_write_leaves_nothing),
	    TEST(only_regular_files_are_read),
	    TEST(a_folder_may_be_there_already),
	    TEST(strange_trees_are_removed),
	    TEST(what_is_no_folder_is_removed_too),
	    cmocka_unit_test(sealed_memory_is_read_by_all_alike),
	    cmocka_unit_test(memory_that_may_change_is_refused),
	    TEST(names_are_those_of_the_start),
	    cmocka_unit_test(closing_keeps_errno_and_is_done_once),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
