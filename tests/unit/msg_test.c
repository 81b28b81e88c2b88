/* msg and role: each message from whom to whom, with what in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "ipc/msg.h"
#include "ipc/peer.h"

#define SHA1 "0123456789012345678901234567890123456789"
#define LAYER "0123456789012345678901234567890123456789012345678901234567890123"

/* Ask msg_check about o with so many descriptors. */
static int check(struct frame_out *o, int nfds, enum role from, enum role to,
    struct error *err)
{
	struct frame f;
	int result;

	assert_false(o->bytes.bad);
	assert_int_equal(frame_parse(buf_str(&o->bytes), &f, err), 0);
	f.nfds = nfds;
	result = msg_check(&f, from, to, err);
	frame_out_release(o);
	return result;
}

static struct frame_out push_open(const char *ref, const char *old)
{
	struct frame_out o = frame_begin(MSG_PUSH_OPEN, 1);

	frame_put_u64(&o, F_APP, 1);
	frame_put_u64(&o, F_USER, 1);
	frame_put_z(&o, F_REF, ref);
	frame_put_z(&o, F_OLD, old);
	frame_put_z(&o, F_NEW, SHA1);
	return o;
}

static void a_frame_by_its_row_passes(void **state)
{
	struct frame_out o = push_open("refs/heads/main", SHA1);
	struct error err = {0};

	assert_int_equal(check(&o, 0, ROLE_GITD, ROLE_WEB, &err), 0);
	o = frame_begin(MSG_OK, 1);
	assert_int_equal(check(&o, 0, ROLE_LOGD, ROLE_ROUTER, &err), 0);
	o = push_open("refs/heads/main", SHA1);
	frame_put_z(&o, F_TEXT, "optional in any message");
	assert_int_equal(check(&o, 0, ROLE_GITD, ROLE_WEB, &err), 0);
}

static void who_sends_what_to_whom_is_checked(void **state)
{
	static const struct {
		enum role from, to;
		int want;
	} cases[] = {
	    {ROLE_GITD, ROLE_WEB, 0},
	    {ROLE_WEB, ROLE_GITD, -1},
	    {ROLE_BUILDER, ROLE_WEB, -1},
	    {ROLE_GITD, ROLE_PLAN, -1},
	    {ROLE_NONE, ROLE_WEB, -1},
	    {ROLE_JAIL, ROLE_WEB, -1},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct frame_out o = push_open("refs/heads/main", SHA1);
		struct error err = {0};

		assert_int_equal(check(&o, 0, cases[i].from, cases[i].to, &err),
		    cases[i].want);
		if (cases[i].want == -1)
			assert_int_equal(err.code, ERR_FORBIDDEN);
	}
}

static void fields_keep_their_grammar(void **state)
{
	static const struct {
		const char *ref, *old;
	} bad[] = {
	    {"main", SHA1},
	    {"refs/heads/a..b", SHA1},
	    {"refs/heads/main", "0123"},
	    {"refs/heads/main", SHA1 "0"},
	    {"", SHA1},
	};

	for (size_t i = 0; i < NELEM(bad); i++) {
		struct frame_out o = push_open(bad[i].ref, bad[i].old);
		struct error err = {0};

		assert_int_equal(check(&o, 0, ROLE_GITD, ROLE_WEB, &err), -1);
	}
}

static void what_is_required_is_there(void **state)
{
	struct frame_out o = frame_begin(MSG_PUSH_TICK, 0);
	struct error err = {0};

	frame_put_u64(&o, F_PUSH, 1);
	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), -1);
	assert_non_null(strstr(err.msg, "PUSH_TICK lacks OFFSET"));
	o = frame_begin(MSG_PUSH_TICK, 0);
	frame_put_u64(&o, F_OFFSET, 1);
	frame_put_u64(&o, F_PUSH, 1);
	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), 0);
}

static void numbers_have_eight_bytes(void **state)
{
	static const size_t lengths[] = {0, 4, 7, 9};
	struct error err = {0};

	for (size_t i = 0; i < NELEM(lengths); i++) {
		struct frame_out o = frame_begin(MSG_OK, 1);

		frame_put(&o, F_APP, str_make("123456789", lengths[i]));
		assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), -1);
	}
}

static void unknown_things_are_refused(void **state)
{
	struct frame_out o = frame_begin(MSG_NONE, 0);
	struct error err = {0};

	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), -1);
	o = frame_begin(MSG_N, 0);
	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), -1);
	o = frame_begin(UINT16_MAX, 0);
	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), -1);
	o = frame_begin(MSG_OK, 0);
	frame_put_u64(&o, F_N, 1);
	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), -1);
	o = frame_begin(MSG_OK, 0);
	frame_put_u64(&o, F_NONE, 1);
	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), -1);
}

static void text_has_a_longest_length_and_no_nul(void **state)
{
	static char text[32769];
	struct error err = {0};
	struct frame_out o = frame_begin(MSG_OK, 0);

	memset(text, 'x', sizeof(text));
	frame_put(&o, F_TEXT, str_make(text, 32768));
	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), 0);
	o = frame_begin(MSG_OK, 0);
	frame_put(&o, F_TEXT, str_make(text, 32769));
	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	o = frame_begin(MSG_OK, 0);
	frame_put(&o, F_TEXT, STR("a\0b"));
	assert_int_equal(check(&o, 0, ROLE_WEB, ROLE_GITD, &err), -1);
}

static void descriptors_are_counted(void **state)
{
	static const struct {
		int nfds, want;
	} cases[] = {{0, -1}, {1, 0}, {16, 0}, {17, -1}};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct frame_out o = frame_begin(MSG_SOCKS, 0);
		struct error err = {0};

		frame_put_u64(&o, F_INSTANCE, 1);
		assert_int_equal(
		    check(&o, cases[i].nfds, ROLE_JAIL, ROLE_ROUTER, &err),
		    cases[i].want);
	}
}

static void a_repeated_field_is_checked_each_time(void **state)
{
	struct frame_out o = frame_begin(MSG_BUILD_DONE, 0);
	struct error err = {0};

	frame_put_u64(&o, F_BUILD, 1);
	frame_put_z(&o, F_IMAGE, LAYER);
	frame_put_z(&o, F_LAYER, LAYER);
	frame_put_z(&o, F_LAYER, "../../etc");
	assert_int_equal(check(&o, 0, ROLE_BUILDER, ROLE_WEB, &err), -1);
	assert_non_null(strstr(err.msg, "LAYER"));
}

static void messages_and_roles_have_names(void **state)
{
	assert_string_equal(msg_name(MSG_WANT_BEGIN), "WANT_BEGIN");
	assert_string_equal(msg_name(MSG_NONE), "?");
	assert_string_equal(msg_name(MSG_N), "?");
	assert_string_equal(msg_name(MSG_EXPORT_DONE), "EXPORT_DONE");
	assert_string_equal(role_name(ROLE_WEB), "web");
	assert_string_equal(role_user(ROLE_WEB), "paas-web");
	assert_string_equal(role_user(ROLE_JAIL), "root");
	assert_string_equal(role_name(ROLE_N), "?");
}

/* Daemons of two versions talk: what a number means can never change. */
static void numbers_stay(void **state)
{
	assert_int_equal(MSG_HELLO, 1);
	assert_int_equal(MSG_OK, 2);
	assert_int_equal(MSG_ERROR, 3);
	assert_int_equal(MSG_INSTANCE_STATE, 48);
	assert_int_equal(MSG_EXPORT_DONE, 79);
	assert_int_equal(F_VERSION, 1);
	assert_int_equal(F_APP, 17);
	assert_int_equal(F_PROC, 74);
}

static void a_role_belongs_to_one_user(void **state)
{
	struct roles r = {.of = {[ROLE_WEB] = {7, 7}, [ROLE_GITD] = {8, 8}}};

	assert_true(role_matches(&r, ROLE_WEB, 7));
	assert_false(role_matches(&r, ROLE_WEB, 8));
	assert_false(role_matches(&r, ROLE_GITD, 7));
	assert_false(role_matches(&r, ROLE_NONE, 0));
	assert_false(role_matches(&r, ROLE_N, 0));
	assert_true(role_matches(&r, ROLE_JAIL, 0));
}

static void an_error_frame_becomes_an_error(void **state)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_ERROR, 1);
	struct error err = {0}, got;
	struct frame f;

	frame_put_u64(&o, F_CODE, ERR_LIMIT);
	frame_put_z(&o, F_TEXT, "too many %s");
	frame_put_u64(&o, F_SYS, 28);
	assert_int_equal(frame_parse(buf_str(&o.bytes), &f, &err), 0);
	frame_error(&f, &got);
	assert_int_equal(got.code, ERR_LIMIT);
	assert_int_equal(got.sys, 28);
	assert_string_equal(got.msg, "too many %s");
	frame_out_release(&o);
	o = frame_begin(MSG_ERROR, 1);
	frame_put_u64(&o, F_CODE, ERR_N);
	assert_int_equal(frame_parse(buf_str(&o.bytes), &f, &err), 0);
	frame_error(&f, &got);
	assert_int_equal(got.code, ERR_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_frame_by_its_row_passes),
	    cmocka_unit_test(who_sends_what_to_whom_is_checked),
	    cmocka_unit_test(fields_keep_their_grammar),
	    cmocka_unit_test(what_is_required_is_there),
	    cmocka_unit_test(numbers_have_eight_bytes),
	    cmocka_unit_test(unknown_things_are_refused),
	    cmocka_unit_test(text_has_a_longest_length_and_no_nul),
	    cmocka_unit_test(descriptors_are_counted),
	    cmocka_unit_test(a_repeated_field_is_checked_each_time),
	    cmocka_unit_test(messages_and_roles_have_names),
	    cmocka_unit_test(numbers_stay),
	    cmocka_unit_test(a_role_belongs_to_one_user),
	    cmocka_unit_test(an_error_frame_becomes_an_error),
	};

	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
