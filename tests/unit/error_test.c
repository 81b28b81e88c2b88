/* error: texts, codes, and the story from the outside in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"

static void a_failure_has_a_code_and_a_text(void **state)
{
	struct error err = {.sys = 7};

	assert_int_equal(error_set(&err, ERR_LIMIT, "%d of %s", 3, "x"), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.msg, "3 of x");
}

static void a_system_failure_tells_errno(void **state)
{
	struct error err = {0};

	errno = ENOSPC;
	assert_int_equal(error_sys(&err, "write %s", "a"), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(err.sys, ENOSPC);
	assert_string_equal(err.msg, "write a: No space left on device");
}

static void wrapping_puts_context_in_front(void **state)
{
	struct error err = {0};

	errno = ENOENT;
	error_sys(&err, "open a");
	assert_int_equal(error_wrap(&err, "release %d", 4), -1);
	assert_string_equal(
	    err.msg, "release 4: open a: No such file or directory");
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(err.sys, ENOENT);
}

static void its_own_text_may_be_an_argument(void **state)
{
	struct error err = {0};

	error_set(&err, ERR_INVALID, "inner");
	error_set(&err, err.code, "outer: %s", err.msg);
	assert_string_equal(err.msg, "outer: inner");
}

static void long_texts_are_cut(void **state)
{
	char text[400];
	struct error err = {0};

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	errno = EIO;
	error_sys(&err, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	error_set(&err, ERR_INVALID, "%.230s", text);
	error_wrap(&err, "%.100s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_int_equal(err.msg[100], ':');
}

static void nobody_may_want_to_know(void **state)
{
	errno = EIO;
	assert_int_equal(error_set(NULL, ERR_INVALID, "x"), -1);
	assert_int_equal(error_sys(NULL, "x"), -1);
	assert_int_equal(error_wrap(NULL, "x"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_failure_has_a_code_and_a_text),
	    cmocka_unit_test(a_system_failure_tells_errno),
	    cmocka_unit_test(wrapping_puts_context_in_front),
	    cmocka_unit_test(its_own_text_may_be_an_argument),
	    cmocka_unit_test(long_texts_are_cut),
	    cmocka_unit_test(nobody_may_want_to_know),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
