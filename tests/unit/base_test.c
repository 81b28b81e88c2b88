/* clock, rand, mem, list and log: the small ones of lib/base. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "base/name.h"
#include "base/rand.h"

static void times_print_as_rfc3339(void **state)
{
	static const struct {
		int64_t in;
		const char *want;
	} cases[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {951782399, "2000-02-28T23:59:59Z"},
	    {951782400, "2000-02-29T00:00:00Z"},
	    {1769860800, "2026-01-31T12:00:00Z"},
	    {253402300799, "9999-12-31T23:59:59Z"},
	    {253402300800, "0000-00-00T00:00:00Z"}, /* has no form */
	    {INT64_MAX, "0000-00-00T00:00:00Z"},
	    {-1, "1969-12-31T23:59:59Z"},
	};
	char out[21];

	for (size_t i = 0; i < NELEM(cases); i++) {
		clock_rfc3339(cases[i].in, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void clocks_agree_with_each_other(void **state)
{
	uint64_t ms = clock_mono_ms(), us = clock_mono_us();

	assert_true(us / 1000 >= ms && us / 1000 < ms + 10000);
	assert_true(clock_mono_us() >= us);
	ms = clock_real_ms();
	us = clock_real_us();
	assert_true(us / 1000 >= ms && us / 1000 < ms + 10000);
}

static void secrets_differ_and_keep_their_form(void **state)
{
	char one[44], two[44];
	uint64_t bits = 0;

	for (int i = 0; i < 200; i++) {
		rand_secret(one);
		rand_secret(two);
		assert_int_equal(strlen(one), 43);
		assert_true(name_secret(str_z(one)));
		assert_string_not_equal(one, two);
		bits |= rand_u64();
	}
	assert_true(bits == UINT64_MAX);
}

static void uuids_say_their_version(void **state)
{
	char id[37];

	for (int i = 0; i < 200; i++) {
		rand_uuid(id);
		assert_int_equal(strlen(id), 36);
		assert_int_equal(id[14], '4');
		assert_non_null(strchr("89ab", id[19]));
		for (int at = 0; at < 36; at++)
			assert_int_equal(id[at] == '-',
			    at == 8 || at == 13 || at == 18 || at == 23);
	}
}

struct item {
	int n;
	struct list link;
};

static void a_ring_keeps_order_and_lets_go(void **state)
{
	struct item items[5], *it, *other;
	struct list head;
	int sum = 0;

	list_init(&head);
	assert_true(list_empty(&head));
	for (int i = 0; i < 5; i++) {
		items[i].n = i;
		list_add(&head, &items[i].link);
	}
	list_each(it, &head, link)
	{
		sum = sum * 10 + it->n;
		list_each(other, &head, link) assert_true(other->n >= it->n);
		list_del(&it->link);
		list_del(&it->link);
	}
	assert_int_equal(sum, 1234);
	assert_true(list_empty(&head));
}

static void a_pointer_is_handed_on_once(void **state)
{
	char *text = xasprintf("%d-%s", 7, "x");
	char *mine = take(text);

	assert_null(text);
	assert_string_equal(mine, "7-x");
	mine = xrealloc(mine, 0);
	free(mine);
	free(xcalloc(0, 8));
	free(xmalloc(0));
}

static void text_from_outside_is_quoted(void **state)
{
	char many[300];

	memset(many, 'a', sizeof(many));
	assert_string_equal(log_quote(STR("a b")), "\"a b\"");
	assert_string_equal(log_quote(STR("a\n\"\\")), "\"a\\n\\\"\\\\\"");
	assert_string_equal(
	    log_quote(STR("\0\x1b\xff")), "\"\\x00\\x1b\\xff\"");
	assert_int_equal(strlen(log_quote(str_make(many, 200))), 202);
	assert_int_equal(strlen(log_quote(str_make(many, 201))), 205);
	memset(many, '\xff', sizeof(many));
	assert_int_equal(strlen(log_quote(str_make(many, 300))), 805);
}

/* What log_line writes to descriptor 2. */
static void logged(struct buf *out, enum log_level level, const char *text)
{
	int fds[2], saved = dup(2);

	assert_int_equal(fd_pipe(fds, NULL), 0);
	assert_int_equal(dup2(fds[1], 2), 2);
	log_line(level, "%s", text);
	assert_int_equal(dup2(saved, 2), 2);
	close(saved);
	close(fds[1]);
	assert_int_equal(buf_read_all(out, fds[0], NULL), 0);
	close(fds[0]);
}

static void one_event_is_one_line(void **state)
{
	scoped_buf struct buf out = BUF_INIT(8192);
	char many[5000], want[80];

	log_open("tester", LOG_LEVEL_WARN);
	logged(&out, LOG_LEVEL_INFO, "too quiet");
	assert_int_equal(out.len, 0);
	logged(&out, LOG_LEVEL_WARN, "two\nlines");
	snprintf(
	    want, sizeof(want), "tester[%d]: warn: two lines\n", (int)getpid());
	assert_string_equal(buf_z(&out), want);
	buf_clear(&out);
	memset(many, 'x', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	logged(&out, LOG_LEVEL_ERROR, many);
	assert_int_equal(out.p[out.len - 1], '\n');
	assert_true(out.len <= 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_print_as_rfc3339),
	    cmocka_unit_test(clocks_agree_with_each_other),
	    cmocka_unit_test(secrets_differ_and_keep_their_form),
	    cmocka_unit_test(uuids_say_their_version),
	    cmocka_unit_test(a_ring_keeps_order_and_lets_go),
	    cmocka_unit_test(a_pointer_is_handed_on_once),
	    cmocka_unit_test(text_from_outside_is_quoted),
	    cmocka_unit_test(one_event_is_one_line),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
