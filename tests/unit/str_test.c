/* str: slices, numbers, hex, splitting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/str.h"

static void slices_compare_by_their_bytes(void **state)
{
	assert_true(str_eq(STR("a\0b"), str_make("a\0b", 3)));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_false(str_eq(STR("ab"), STR("abc")));
	assert_true(str_eq(str_z(NULL), STR("")));
	assert_true(str_eqz(STR("abc"), "abc"));
	assert_false(str_eqz(STR("abc"), "ab"));
	assert_true(str_eq_nocase(STR("Host"), STR("hOST")));
	assert_false(str_eq_nocase(STR("@"), STR("`")));
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_true(str_cmp(STR("\x7f"), STR("\x80")) < 0);
	assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
	assert_int_equal(str_cmp(STR(""), str_z(NULL)), 0);
}

static void ends_and_middles_are_found(void **state)
{
	assert_true(str_starts(STR("refs/x"), STR("refs/")));
	assert_true(str_starts(STR("x"), STR("")));
	assert_false(str_starts(STR("re"), STR("ref")));
	assert_true(str_ends(STR("a.log"), STR(".log")));
	assert_false(str_ends(STR("log"), STR(".log")));
	assert_int_equal(str_find(STR("a:b:"), ':'), 1);
	assert_int_equal(str_find(STR("a"), ':'), -1);
	assert_int_equal(str_find(str_z(NULL), ':'), -1);
	assert_int_equal(str_find(STR("a\0b"), '\0'), 1);
	assert_int_equal(str_find_str(STR("aab"), STR("ab")), 1);
	assert_int_equal(str_find_str(STR("aa"), STR("aab")), -1);
	assert_int_equal(str_find_str(STR("aa"), STR("")), 0);
	assert_true(str_eqz(str_trim(STR(" \ta b\t ")), "a b"));
	assert_true(str_eqz(str_trim(STR(" \t ")), ""));
	assert_true(str_eqz(str_sub(STR("abc"), 1, 2), "b"));
	assert_true(str_eqz(str_sub(STR("abc"), 2, 9), "c"));
	assert_true(str_eqz(str_sub(STR("abc"), 9, 2), ""));
}

static void splitting_takes_every_part(void **state)
{
	static const struct {
		const char *in;
		const char *want[4];
	} cases[] = {
	    {"a,b", {"a", "b"}},
	    {"a,,b", {"a", "", "b"}},
	    {"a,", {"a", ""}},
	    {",", {"", ""}},
	    {"", {""}},
	    {"a", {"a"}},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct str rest = str_z(cases[i].in), item;
		size_t n = 0;

		while (str_split(&rest, ',', &item)) {
			assert_non_null(cases[i].want[n]);
			assert_true(str_eqz(item, cases[i].want[n++]));
		}
		assert_null(cases[i].want[n]);
	}
}

static void numbers_are_digits_alone(void **state)
{
	static const struct {
		const char *in;
		uint64_t max, want;
		bool ok;
	} cases[] = {
	    {"0", 0, 0, true},
	    {"1", 0, 0, false},
	    {"007", 7, 7, true},
	    {"65535", 65535, 65535, true},
	    {"65536", 65535, 0, false},
	    {"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
	    {"18446744073709551616", UINT64_MAX, 0, false},
	    {"99999999999999999999999", UINT64_MAX, 0, false},
	    {"", 9, 0, false},
	    {"+1", 9, 0, false},
	    {"-1", 9, 0, false},
	    {" 1", 9, 0, false},
	    {"1 ", 9, 0, false},
	    {"0x1", 99, 0, false},
	    {"1a", 99, 0, false},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		uint64_t n = 0;

		assert_int_equal(
		    str_u64(str_z(cases[i].in), cases[i].max, &n), cases[i].ok);
		assert_true(n == cases[i].want);
	}
}

static void hex_goes_both_ways(void **state)
{
	uint64_t n;
	unsigned char bytes[4] = {0};
	char text[9];

	hex_encode("\x00\x7f\xab\xff", 4, text);
	assert_string_equal(text, "007fabff");
	assert_true(hex_decode(STR("007FabfF"), 4, bytes));
	assert_memory_equal(bytes, "\x00\x7f\xab\xff", 4);
	assert_false(hex_decode(STR("007fabf"), 4, bytes));
	assert_false(hex_decode(STR("007fabff0"), 4, bytes));
	assert_false(hex_decode(STR("007fabfg"), 4, bytes));
	assert_true(str_hex(STR("00fE"), &n));
	assert_int_equal(n, 254);
	assert_true(str_hex(STR("ffffffffffffffff"), &n));
	assert_true(n == UINT64_MAX);
	assert_false(str_hex(STR("0ffffffffffffffff"), &n));
	assert_false(str_hex(STR(""), &n));
	assert_false(str_hex(STR("0x1"), &n));
	for (int c = 0; c < 256; c++)
		assert_int_equal(hex_value((char)c) != -1,
		    c != 0 && strchr("0123456789abcdefABCDEF", c) != NULL);
}

static void secrets_are_compared_whole(void **state)
{
	assert_true(str_eq_secret(STR("secret"), STR("secret")));
	assert_false(str_eq_secret(STR("secret"), STR("secreT")));
	assert_false(str_eq_secret(STR("secret"), STR("secre")));
	assert_true(str_eq_secret(STR(""), STR("")));
}

static void a_copy_ends_in_a_nul(void **state)
{
	char *z = str_dup(str_make("abc", 2));

	assert_string_equal(z, "ab");
	free(z);
	z = str_dup(str_z(NULL));
	assert_string_equal(z, "");
	free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slices_compare_by_their_bytes),
	    cmocka_unit_test(ends_and_middles_are_found),
	    cmocka_unit_test(splitting_takes_every_part),
	    cmocka_unit_test(numbers_are_digits_alone),
	    cmocka_unit_test(hex_goes_both_ways),
	    cmocka_unit_test(secrets_are_compared_whole),
	    cmocka_unit_test(a_copy_ends_in_a_nul),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
