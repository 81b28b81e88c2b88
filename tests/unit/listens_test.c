/* listens: the kernel's tables of sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "wire/listens.h"

#define V4                                                                     \
	"  sl  local_address rem_address   st tx_queue rx_queue\n"             \
	"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000\n" \
	"   1: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000\n" \
	"   2: 0200A8C0:0050 00000000:0000 0A 00000000:00000000 00:00000000\n" \
	"   3: 0100007F:ABCD 0100007F:1F90 01 00000000:00000000 00:00000000\n"
#define V6                                                                     \
	"  sl  local_address                         remote_address   st\n"    \
	"   0: 00000000000000000000000000000000:1F90 "                         \
	"00000000000000000000000000000000:0000 0A 00000000:00000000\n"

static void only_those_that_listen_are_found(void **state)
{
	struct listens l = {0};

	listens_add(&l, STR(V4));
	listens_add(&l, STR(V6));
	listens_add(&l, STR(V6)); /* once each */
	assert_int_equal(l.n, 4);
	assert_int_equal(l.of[0].port, 8080);
	assert_int_equal(l.of[0].where, LISTENS_V4);
	assert_int_equal(l.of[1].port, 3000);
	assert_int_equal(l.of[1].where, LISTENS_V4);
	assert_int_equal(l.of[2].port, 80);
	assert_int_equal(l.of[2].where, LISTENS_V4_ONE);
	assert_int_equal(l.of[3].port, 8080);
	assert_int_equal(l.of[3].where, LISTENS_V6);
}

static void few_are_kept(void **state)
{
	scoped_buf struct buf text = BUF_INIT(65536);
	struct listens l = {0};

	for (int i = 0; i <= LISTENS_MAX; i++)
		buf_addf(
		    &text, "%d: 0100007F:%04X 00000000:0000 0A\n", i, i + 1);
	listens_add(&l, buf_str(&text));
	assert_int_equal(l.n, LISTENS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_those_that_listen_are_found),
	    cmocka_unit_test(few_are_kept),
	};

	return cmocka_run_group_tests_name("listens", tests, NULL, NULL);
}
