/* pkt: lines of the git protocol, side-bands, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "wire/pkt.h"

static void pkt_parse_takes_whole_lines_only(void **state)
{
	static const struct {
		const char *in;
		ssize_t want;
	} cases[] = {
	    {"", 0},
	    {"000", 0},
	    {"0009hell", 0},
	    {"fff0", 0},
	    {"0000", 4},
	    {"0004", 4},
	    {"0009hello", 9},
	    {"0009hello0000", 9},
	    {"000Ahellox", 10},
	    {"0001", -1},
	    {"0003", -1},
	    {"fff1", -1},
	    {"ffff", -1},
	    {"00+9hello", -1},
	    {" 009hello", -1},
	    {"GET / HT", -1},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct pkt pkt;

		assert_int_equal(
		    pkt_parse(str_z(cases[i].in), &pkt, &err), cases[i].want);
	}
}

static void a_line_borrows_its_bytes(void **state)
{
	struct str in = STR("000ahello\n0000");
	struct error err = {0};
	struct pkt pkt;

	assert_int_equal(pkt_parse(in, &pkt, &err), 10);
	assert_int_equal(pkt.type, PKT_DATA);
	assert_ptr_equal(pkt.data.p, in.p + 4);
	assert_true(str_eqz(pkt.data, "hello\n"));
	assert_int_equal(pkt_parse(str_sub(in, 10, in.len), &pkt, &err), 4);
	assert_int_equal(pkt.type, PKT_FLUSH);
}

static void the_longest_line_goes_both_ways(void **state)
{
	static char data[PKT_MAX];
	scoped_buf struct buf out = BUF_INIT(2 * PKT_MAX);
	struct error err = {0};
	struct pkt pkt;

	memset(data, 'x', sizeof(data));
	pkt_add(&out, str_make(data, PKT_MAX - 4));
	assert_int_equal(out.len, PKT_MAX);
	assert_memory_equal(out.p, "fff0", 4);
	assert_int_equal(pkt_parse(buf_str(&out), &pkt, &err), PKT_MAX);
	assert_int_equal(pkt.data.len, PKT_MAX - 4);
	pkt_add(&out, str_make(data, PKT_MAX - 3));
	assert_true(out.bad);
	assert_int_equal(out.len, PKT_MAX);
}

static void side_bands_are_cut_into_lines(void **state)
{
	static char data[2 * PKT_MAX];
	scoped_buf struct buf out = BUF_INIT(3 * PKT_MAX);
	size_t most = PKT_MAX - 5, left, whole = 2 * most + 1;
	struct str rest;

	memset(data, 'x', sizeof(data));
	pkt_add_band(&out, 2, str_make(data, whole));
	rest = buf_str(&out);
	left = whole;
	for (int i = 0; i < 3; i++) {
		struct error err = {0};
		struct pkt pkt;
		ssize_t n = pkt_parse(rest, &pkt, &err);

		assert_true(n > 5);
		assert_int_equal(pkt.data.p[0], 2);
		assert_int_equal(pkt.data.len - 1, left < most ? left : most);
		left -= pkt.data.len - 1;
		rest = str_sub(rest, (size_t)n, rest.len);
	}
	assert_int_equal(left, 0);
	assert_int_equal(rest.len, 0);
}

static void an_empty_band_line_keeps_a_connection_alive(void **state)
{
	scoped_buf struct buf out = BUF_INIT(100);

	pkt_add_band(&out, 1, STR(""));
	pkt_add_flush(&out);
	assert_string_equal(buf_z(&out), "0005\1"
	                                 "0000");
}

static void a_full_buffer_gets_no_half_line(void **state)
{
	scoped_buf struct buf out = BUF_INIT(8);

	pkt_add(&out, STR("abcde"));
	assert_true(out.bad);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	pkt_add(&out, STR("abcd"));
	assert_string_equal(buf_z(&out), "0008abcd");
	buf_clear(&out);
	pkt_add_band(&out, 1, STR("abcd"));
	assert_true(out.bad);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pkt_parse_takes_whole_lines_only),
	    cmocka_unit_test(a_line_borrows_its_bytes),
	    cmocka_unit_test(the_longest_line_goes_both_ways),
	    cmocka_unit_test(side_bands_are_cut_into_lines),
	    cmocka_unit_test(an_empty_band_line_keeps_a_connection_alive),
	    cmocka_unit_test(a_full_buffer_gets_no_half_line),
	};

	return cmocka_run_group_tests_name("pkt", tests, NULL, NULL);
}
