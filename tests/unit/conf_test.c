/* conf: lines that are settings, lines that are not, and errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire/conf.h"

static void settings_are_found_between_other_lines(void **state)
{
	struct str rest = STR("# comment\n\n  a=1\r\n\tb.c-d_e = two words "
	                      "\t\n   # b = 2\nc=\nd = x = # y");
	static const struct {
		const char *name, *value;
		unsigned number;
	} want[] = {
	    {"a", "1", 3},
	    {"b.c-d_e", "two words", 4},
	    {"c", "", 6},
	    {"d", "x = # y", 7},
	};
	struct conf_line line;
	unsigned number = 0;
	struct error err = {0};

	for (size_t i = 0; i < NELEM(want); i++) {
		assert_int_equal(conf_next(&rest, &number, &line, &err), 1);
		assert_true(str_eqz(line.name, want[i].name));
		assert_true(str_eqz(line.value, want[i].value));
		assert_int_equal(line.number, want[i].number);
	}
	assert_int_equal(conf_next(&rest, &number, &line, &err), 0);
	assert_int_equal(conf_next(&rest, &number, &line, &err), 0);
}

static void what_is_no_setting_names_its_line(void **state)
{
	static const char *const bad[] = {"a", "= 1", "a b = 1", "[a]",
	    "a = \x01", "a = \x7f", "\xc3\xa4 = 1", "a = b\rc"};

	for (size_t i = 0; i < NELEM(bad); i++) {
		struct str rest = str_z(bad[i]);
		struct conf_line line;
		struct error err = {0};
		unsigned number = 41;

		assert_int_equal(conf_next(&rest, &number, &line, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		assert_non_null(strstr(err.msg, "line 42"));
	}
}

static void a_nul_is_refused(void **state)
{
	struct str rest = STR("a = b\0c");
	struct conf_line line;
	struct error err = {0};
	unsigned number = 0;

	assert_int_equal(conf_next(&rest, &number, &line, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(settings_are_found_between_other_lines),
	    cmocka_unit_test(what_is_no_setting_names_its_line),
	    cmocka_unit_test(a_nul_is_refused),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
