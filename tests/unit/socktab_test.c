/* socktab: rows of the kernel's tables of sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "wire/socktab.h"

#define V6(a, b, c, d) #a #b #c #d
#define NONE6 V6(00000000, 00000000, 00000000, 00000000)
#define LOCAL6 V6(00000000, 00000000, 00000000, 01000000)
#define MAPPED6 V6(00000000, 00000000, FFFF0000, 0100007F)
#define OTHER6 V6(B80D0120, 00000000, 00000000, 01000000)

static void a_row_is_taken_apart(void **state)
{
	struct str table = STR("  sl  local_address rem_address   st tx_queue\n"
	                       "   7: 0100007F:1F90 02000A0A:ABCD 01 0:0\n"
	                       "   8: " NONE6 ":0050 " NONE6 ":0000 0A 0:0\n");
	struct socktab_row row;

	assert_true(socktab_next(&table, &row));
	assert_false(row.v6);
	assert_int_equal(ip_v4(&row.local), 0x7f000001);
	assert_int_equal(row.local_port, 8080);
	assert_int_equal(ip_v4(&row.peer), 0x0a0a0002);
	assert_int_equal(row.peer_port, 0xabcd);
	assert_int_equal(row.state, SOCKTAB_ESTABLISHED);
	assert_true(socktab_next(&table, &row));
	assert_true(row.v6);
	assert_int_equal(row.local_port, 80);
	assert_int_equal(row.state, SOCKTAB_LISTEN);
	assert_false(socktab_next(&table, &row));
}

static void what_is_no_row_is_passed_over(void **state)
{
	static const char *const cases[] = {"", "\n", ": : : 0A",
	    "0: 0100007F:1F90 0100007F:1F90", "0: 0100007F 0100007F:1F90 01",
	    "0: 0100:1F90 0100007F:1F90 01", "0: 0100007G:1F90 0100007F:1 01",
	    "0: 0100007F:01F90 0100007F:1F90 01",
	    "0: 0100007F0100007F:1F90 0100007F:1F90 01",
	    "0: 0100007F:1F90 0100007F:1F90 001"};
	struct socktab_row row;

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct str table = str_z(cases[i]);

		assert_false(socktab_next(&table, &row));
	}
}

static void only_what_leaves_the_loopback_leads_outside(void **state)
{
	static const struct {
		const char *peer, *st;
		bool want;
	} cases[] = {
	    {"0100007F:0050", "01", false}, /* 127.0.0.1 */
	    {"0300007F:0050", "01", false}, /* 127.0.0.3 */
	    {"7F00000A:0050", "01", true},  /* 10.0.0.127 */
	    {"02000A0A:0050", "01", true},
	    {"02000A0A:0050", "06", false}, /* TIME_WAIT */
	    {"00000000:0000", "0A", false},
	    {LOCAL6 ":0050", "01", false},
	    {MAPPED6 ":0050", "01", false},
	    {OTHER6 ":0050", "01", true},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf text = BUF_INIT(512);

		buf_addf(&text, " 0: 00000000:1F90 %s %s 0:0\n", cases[i].peer,
		    cases[i].st);
		assert_int_equal(
		    socktab_leads_outside(buf_str(&text)), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_row_is_taken_apart),
	    cmocka_unit_test(what_is_no_row_is_passed_over),
	    cmocka_unit_test(only_what_leaves_the_loopback_leads_outside),
	};

	return cmocka_run_group_tests_name("socktab", tests, NULL, NULL);
}
