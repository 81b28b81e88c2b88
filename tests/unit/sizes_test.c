/* sizes: the lines of settings, what they resolve to, reading back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proc/settings.h"

#define K 1024ull
#define M (1024 * K)
#define G (1024 * M)

static int set(struct settings *s, const char *value, struct error *err)
{
	return settings_set(s, STR("size"), str_z(value), err);
}

static struct size_limits limits(const struct settings *s, const char *name)
{
	struct size_limits l;

	size_limits(s, str_z(name), &l);
	return l;
}

static void herokus_sizes_are_there(void **state)
{
	static const struct {
		const char *name;
		uint64_t memory;
	} cases[] = {{"eco", 512 * M}, {"basic", 512 * M},
	    {"standard-1x", 512 * M}, {"Standard-2X", 1 * G},
	    {"performance-m", 2560 * M}, {"performance-l", 14 * G},
	    {"performance-l-ram", 30 * G}, {"performance-xl", 62 * G},
	    {"PERFORMANCE-2XL", 126 * G}};
	struct settings s;

	settings_init(&s);
	assert_int_equal(s.sizes.n, NELEM(cases));
	for (size_t i = 0; i < NELEM(cases); i++) {
		assert_non_null(sizes_find(&s.sizes, str_z(cases[i].name)));
		assert_int_equal(
		    limits(&s, cases[i].name).memory, cases[i].memory);
	}
	assert_null(sizes_find(&s.sizes, STR("standard-3x")));
	assert_null(sizes_find(&s.sizes, STR("")));
}

static void what_a_size_leaves_out_the_settings_say(void **state)
{
	struct size_limits l;
	struct settings s;

	settings_init(&s);
	assert_int_equal(
	    settings_set(&s, STR("app_memory"), STR("64M"), NULL), 0);
	assert_int_equal(settings_set(&s, STR("app_pids"), STR("99"), NULL), 0);
	l = limits(&s, "basic");
	assert_int_equal(l.memory, 64 * M);
	assert_int_equal(l.pids, 99);
	assert_int_equal(l.cpu, 100);
	assert_int_equal(l.cpu_max, 0);
	assert_int_equal(l.io, 100);
	assert_int_equal(l.disk, 256 * M);
	assert_int_equal(l.inodes, 65536);
	assert_false(l.own_disk);
	assert_int_equal(limits(&s, "standard-2x").memory, 1 * G);
	assert_int_equal(limits(&s, "a-size-that-is-gone").memory, 64 * M);
}

static void a_line_changes_one_or_adds_one(void **state)
{
	struct size_limits l;
	struct settings s;

	settings_init(&s);
	assert_int_equal(set(&s, "basic pids=64", NULL), 0);
	assert_int_equal(set(&s,
	                     "tiny  memory=32M cpu=10 cpu_max=50 pids=32 io=10 "
	                     "io_max=1M disk=64M",
	                     NULL),
	    0);
	assert_int_equal(set(&s, "tiny cpu_max=none", NULL), 0);
	assert_int_equal(limits(&s, "basic").pids, 64);
	assert_int_equal(s.sizes.n, 10);
	l = limits(&s, "tiny");
	assert_int_equal(l.memory, 32 * M);
	assert_int_equal(l.cpu, 10);
	assert_int_equal(l.cpu_max, 0);
	assert_int_equal(l.io_max, 1 * M);
	assert_true(l.own_disk);
	assert_int_equal(l.disk, 64 * M);
	assert_int_equal(l.inodes, 64 * M / 16384);
	assert_int_equal(set(&s, "tiny disk=none", NULL), 0);
	assert_false(limits(&s, "tiny").own_disk);
}

static void each_value_has_its_bounds(void **state)
{
	static const struct {
		const char *line;
		bool ok;
	} cases[] = {{"x", true}, {"", false}, {"X", false}, {"a_b", false},
	    {"x memory", false}, {"x =1", false}, {"x ram=1G", false},
	    {"x memory=4M", true}, {"x memory=4194303", false},
	    {"x memory=1024G", true}, {"x memory=1025G", false},
	    {"x memory=none", false}, {"x memory=", false},
	    {"x memory=-1", false}, {"x cpu=1", true}, {"x cpu=0", false},
	    {"x cpu=10000", true}, {"x cpu=10001", false},
	    {"x cpu_max=1", true}, {"x cpu_max=0", false},
	    {"x cpu_max=100000", true}, {"x cpu_max=100001", false},
	    {"x cpu_max=none", true}, {"x pids=8", true}, {"x pids=7", false},
	    {"x io=10000", true}, {"x io=10001", false}, {"x io_max=64K", true},
	    {"x io_max=63K", false}, {"x disk=16M", true},
	    {"x disk=15M", false}, {"x disk=none", true},
	    {"x inodes=1024", true}, {"x inodes=1023", false},
	    {"x disk=16M inodes=32768", true},
	    {"x disk=16M inodes=32769", false}, {"x cpu=1 cpu", false}};
	struct settings s, before;
	struct error err;

	settings_init(&s);
	for (size_t i = 0; i < NELEM(cases); i++) {
		int done;

		before = s;
		done = set(&s, cases[i].line, &err);
		if ((done == 0) != cases[i].ok)
			fail_msg("%s: %s", cases[i].line, err.msg);
		if (done == -1) /* and nothing has changed */
			assert_memory_equal(&s, &before, sizeof(s));
		s = before;
	}
}

static void there_is_room_for_so_many(void **state)
{
	struct settings s;
	struct error err;
	char line[24];

	settings_init(&s);
	for (uint64_t i = s.sizes.n; i < SIZES_MAX; i++) {
		snprintf(line, sizeof(line), "s%" PRIu64, i);
		assert_int_equal(set(&s, line, NULL), 0);
	}
	assert_int_equal(set(&s, "one-more", &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(set(&s, "s31 memory=1G", NULL), 0);
}

static void they_are_read_back_as_they_were(void **state)
{
	scoped_buf struct buf text = BUF_INIT(65536);
	struct settings s, again;
	struct error err = {0};

	settings_init(&s);
	assert_int_equal(set(&s, "tiny memory=32M disk=64M", NULL), 0);
	assert_int_equal(set(&s, "basic io_max=1M", NULL), 0);
	settings_print(&s, &text);
	settings_init(&again);
	if (settings_parse(&again, buf_str(&text), &err) == -1)
		fail_msg("%s", err.msg);
	assert_memory_equal(&s, &again, sizeof(s));
}

static void bytes_are_told_to_people(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {{0, "0"}, {1023, "1023"}, {1024, "1K"}, {1536, "1.5K"},
	    {512 * M, "512M"}, {2560 * M, "2.5G"}, {126 * G, "126G"},
	    {UINT64_MAX, "17179869183G"}};
	char text[24];

	for (size_t i = 0; i < NELEM(cases); i++) {
		size_bytes_text(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void the_hosts_memory_is_a_setting_or_all(void **state)
{
	struct settings s;

	settings_init(&s);
	assert_true(size_host_memory(&s) > 64 * M);
	s.host_memory_bytes = 3 * G;
	assert_int_equal(size_host_memory(&s), 3 * G);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(herokus_sizes_are_there),
	    cmocka_unit_test(what_a_size_leaves_out_the_settings_say),
	    cmocka_unit_test(a_line_changes_one_or_adds_one),
	    cmocka_unit_test(each_value_has_its_bounds),
	    cmocka_unit_test(there_is_room_for_so_many),
	    cmocka_unit_test(they_are_read_back_as_they_were),
	    cmocka_unit_test(bytes_are_told_to_people),
	    cmocka_unit_test(the_hosts_memory_is_a_setting_or_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
