/* frame: what is written is read back, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "wire/frame.h"

#define FIELD_HEAD 4

static void what_is_put_is_found_in_order(void **state)
{
	scoped_frame_out struct frame_out o = frame_begin(0x1234, 0xdeadbeef);
	struct error err = {0};
	struct frame f;
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	frame_put_z(&o, 3, "one");
	frame_put_u64(&o, 1, 0x0102030405060708);
	frame_put_z(&o, 3, "two");
	frame_put(&o, 4, STR(""));
	assert_int_equal(frame_parse(buf_str(&o.bytes), &f, &err), 0);
	assert_int_equal(f.type, 0x1234);
	assert_int_equal(f.id, 0xdeadbeef);
	assert_int_equal(f.nfds, 0);
	assert_true(str_eqz(frame_str(&f, 3), "one"));
	assert_true(frame_u64(&f, 1) == 0x0102030405060708);
	assert_true(frame_has(&f, 4));
	assert_false(frame_has(&f, 5));
	assert_null(frame_str(&f, 5).p);
	assert_true(frame_u64(&f, 5) == 0);
	assert_true(frame_u64(&f, 3) == 0); /* not of 8 bytes */
	assert_true(frame_next(&f, &pos, &tag, &value));
	assert_true(frame_next(&f, &pos, &tag, &value));
	assert_int_equal(tag, 1);
	assert_true(frame_number(value) == 0x0102030405060708);
	assert_true(frame_next(&f, &pos, &tag, &value));
	assert_true(str_eqz(value, "two"));
	assert_true(frame_next(&f, &pos, &tag, &value));
	assert_false(frame_next(&f, &pos, &tag, &value));
}

static void fields_are_passed_on_as_they_came(void **state)
{
	scoped_frame_out struct frame_out o = frame_begin(1, 2);
	scoped_frame_out struct frame_out copy = frame_begin(1, 2);
	struct frame f;

	frame_put_z(&o, 3, "one");
	frame_put_u64(&o, 1, 7);
	frame_put(&o, 3, STR("\0two"));
	assert_int_equal(frame_parse(buf_str(&o.bytes), &f, NULL), 0);
	frame_put_all(&copy, f.fields);
	assert_true(str_eq(buf_str(&o.bytes), buf_str(&copy.bytes)));
}

static void the_bytes_are_those_of_the_header_file(void **state)
{
	scoped_frame_out struct frame_out o = frame_begin(0x0102, 0x03040506);

	frame_put_z(&o, 0x0708, "ab");
	frame_put_u64(&o, 1, 2);
	assert_int_equal(o.bytes.len, 8 + 6 + 12);
	assert_memory_equal(o.bytes.p,
	    "\2\1\0\0\6\5\4\3\x8\7\2\0ab\1\0\x8\0\2\0\0\0\0\0\0\0", 26);
}

static void malformed_packets_are_refused(void **state)
{
	static const struct {
		struct str in;
		int want;
	} cases[] = {
	    {{"", 0}, -1},
	    {{"\1\0\0\0\0\0\0", 7}, -1},
	    {{"\1\0\0\0\0\0\0\0", 8}, 0},
	    {{"\1\0\1\0\0\0\0\0", 8}, -1}, /* flags */
	    {{"\1\0\0\1\0\0\0\0", 8}, -1},
	    {{"\1\0\0\0\0\0\0\0\1", 9}, -1},
	    {{"\1\0\0\0\0\0\0\0\1\0\0", 11}, -1},
	    {{"\1\0\0\0\0\0\0\0\1\0\0\0", 12}, 0},
	    {{"\1\0\0\0\0\0\0\0\1\0\1\0", 12}, -1},
	    {{"\1\0\0\0\0\0\0\0\1\0\1\0a", 13}, 0},
	    {{"\1\0\0\0\0\0\0\0\1\0\1\0ab", 14}, -1},
	    {{"\1\0\0\0\0\0\0\0\1\0\xff\xff"
	      "ab",
	         14},
	        -1},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct frame f;

		assert_int_equal(
		    frame_parse(cases[i].in, &f, &err), cases[i].want);
	}
}

static void a_frame_has_its_largest_size(void **state)
{
	static char bytes[FRAME_MAX + 1];
	scoped_frame_out struct frame_out fits = frame_begin(1, 0);
	scoped_frame_out struct frame_out past = frame_begin(1, 0);
	struct error err = {0};
	struct frame f;

	frame_put(
	    &fits, 1, str_make(bytes, FRAME_MAX - FRAME_HEAD - FIELD_HEAD));
	assert_false(fits.bytes.bad);
	assert_int_equal(fits.bytes.len, FRAME_MAX);
	assert_int_equal(frame_parse(buf_str(&fits.bytes), &f, &err), 0);
	frame_put(
	    &past, 1, str_make(bytes, FRAME_MAX - FRAME_HEAD - FIELD_HEAD + 1));
	assert_true(past.bytes.bad);
	memcpy(bytes, fits.bytes.p, FRAME_HEAD);
	assert_int_equal(
	    frame_parse(str_make(bytes, FRAME_MAX + 1), &f, &err), -1);
}

static void a_frame_has_room_for_so_many_descriptors(void **state)
{
	scoped_frame_out struct frame_out o = frame_begin(1, 0);

	for (int i = 0; i < FRAME_FDS_MAX; i++)
		frame_put_fd(&o, i);
	assert_false(o.bytes.bad);
	frame_put_fd(&o, 3);
	assert_true(o.bytes.bad);
	assert_int_equal(o.nfds, FRAME_FDS_MAX);
	frame_out_release(&o);
	o = frame_begin(1, 0);
	frame_put_fd(&o, -1);
	assert_true(o.bytes.bad);
}

static void descriptors_are_taken_or_closed(void **state)
{
	struct frame f = {.nfds = 2};
	int taken;

	f.fds[0] = dup(2);
	f.fds[1] = dup(2);
	taken = f.fds[1];
	assert_int_equal(frame_take_fd(&f, 1), taken);
	assert_int_equal(frame_take_fd(&f, 1), -1);
	assert_int_equal(frame_take_fd(&f, 2), -1);
	assert_int_equal(frame_take_fd(&f, -1), -1);
	frame_close_fds(&f);
	assert_int_equal(f.nfds, 0);
	assert_int_not_equal(fcntl(taken, F_GETFD), -1);
	assert_int_equal(fcntl(f.fds[0], F_GETFD), -1);
	close(taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_put_is_found_in_order),
	    cmocka_unit_test(fields_are_passed_on_as_they_came),
	    cmocka_unit_test(the_bytes_are_those_of_the_header_file),
	    cmocka_unit_test(malformed_packets_are_refused),
	    cmocka_unit_test(a_frame_has_its_largest_size),
	    cmocka_unit_test(a_frame_has_room_for_so_many_descriptors),
	    cmocka_unit_test(descriptors_are_taken_or_closed),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
