/* buf: growing up to the limit, and what happens past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"

static void the_limit_is_the_last_byte_that_fits(void **state)
{
	scoped_buf struct buf b = BUF_INIT(4);

	buf_addz(&b, "abc");
	buf_addc(&b, 'd');
	assert_false(b.bad);
	assert_string_equal(buf_z(&b), "abcd");
	buf_addc(&b, 'e');
	assert_true(b.bad);
	assert_true(str_eqz(buf_str(&b), "abcd"));
	assert_string_equal(buf_z(&b), "");
}

static void a_bad_buffer_stays_as_it_was(void **state)
{
	scoped_buf struct buf b = BUF_INIT(4);

	buf_addz(&b, "abcde");
	buf_addz(&b, "a");
	buf_addf(&b, "%d", 1);
	assert_true(b.bad);
	assert_int_equal(b.len, 0);
	assert_null(buf_reserve(&b, 1));
	buf_clear(&b);
	buf_addz(&b, "ok");
	assert_string_equal(buf_z(&b), "ok");
}

static void printing_is_bounded_too(void **state)
{
	scoped_buf struct buf b = BUF_INIT(6);

	buf_addf(&b, "%d-%s", 12, "xyz");
	assert_string_equal(buf_z(&b), "12-xyz");
	buf_addf(&b, "%s", "");
	assert_false(b.bad);
	buf_addf(&b, "%c", 'x');
	assert_true(b.bad);
	assert_int_equal(b.len, 6);
}

static void room_is_given_up_to_the_limit(void **state)
{
	scoped_buf struct buf b = BUF_INIT(100);

	assert_non_null(buf_reserve(&b, 0));
	assert_non_null(buf_reserve(&b, 100));
	assert_null(buf_reserve(&b, 101));
	buf_clear(&b);
	assert_null(buf_reserve(&b, SIZE_MAX));
}

static void bytes_leave_at_the_front(void **state)
{
	scoped_buf struct buf b = BUF_INIT(16);

	buf_consume(&b, 0);
	buf_addz(&b, "hello");
	buf_consume(&b, 2);
	assert_string_equal(buf_z(&b), "llo");
	buf_consume(&b, 3);
	assert_string_equal(buf_z(&b), "");
}

static void an_empty_one_is_an_empty_string(void **state)
{
	struct buf b = BUF_INIT(16);

	assert_string_equal(buf_z(&b), "");
	buf_add(&b, str_z(NULL));
	assert_int_equal(b.len, 0);
	buf_release(&b);
	buf_addz(&b, "again");
	assert_int_equal(b.max, 16);
	buf_release(&b);
	buf_release(&b);
}

static void a_file_of_just_the_limit_is_read(void **state)
{
	scoped_fd int fd = fd_sealed("t", STR("12345678"), NULL);
	scoped_buf struct buf fits = BUF_INIT(8), small = BUF_INIT(7);
	struct error err = {0};

	assert_int_equal(buf_read_all(&fits, fd, &err), 0);
	assert_string_equal(buf_z(&fits), "12345678");
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_all(&small, fd, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void reading_tells_empty_end_and_full_apart(void **state)
{
	scoped_buf struct buf b = BUF_INIT(3);
	struct error err = {0};
	int fds[2];

	assert_int_equal(fd_pipe(fds, &err), 0);
	assert_int_equal(fd_nonblock(fds[0], true, &err), 0);
	assert_int_equal(buf_read(&b, fds[0], &err), -1);
	assert_int_equal(err.sys, EAGAIN);
	assert_int_equal(write(fds[1], "abcd", 4), 4);
	assert_int_equal(buf_read(&b, fds[0], &err), 3);
	assert_int_equal(buf_read(&b, fds[0], &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	buf_clear(&b);
	assert_int_equal(buf_read(&b, fds[0], &err), 1);
	fd_close(&fds[1]);
	assert_int_equal(buf_read(&b, fds[0], &err), 0);
	fd_close(&fds[0]);
	assert_int_equal(buf_read(&b, -1, &err), -1);
	assert_int_equal(err.sys, EBADF);
}

static void it_grows_through_many_sizes(void **state)
{
	scoped_buf struct buf b = BUF_INIT(100000);

	for (int i = 0; i < 100000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	assert_false(b.bad);
	assert_int_equal(b.len, 100000);
	for (int i = 0; i < 100000; i += 997)
		assert_int_equal(b.p[i], 'a' + i % 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_limit_is_the_last_byte_that_fits),
	    cmocka_unit_test(a_bad_buffer_stays_as_it_was),
	    cmocka_unit_test(printing_is_bounded_too),
	    cmocka_unit_test(room_is_given_up_to_the_limit),
	    cmocka_unit_test(bytes_leave_at_the_front),
	    cmocka_unit_test(an_empty_one_is_an_empty_string),
	    cmocka_unit_test(a_file_of_just_the_limit_is_read),
	    cmocka_unit_test(reading_tells_empty_end_and_full_apart),
	    cmocka_unit_test(it_grows_through_many_sizes),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
