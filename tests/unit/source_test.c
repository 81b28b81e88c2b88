/* source: entries of a tree, and paths that would leave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire/source.h"

static size_t entry(
    unsigned char *mem, char type, struct str path, uint64_t size)
{
	struct source_entry e = {type, path, size};

	source_head(&e, mem);
	if (path.len > 0)
		memcpy(mem + SOURCE_HEAD, path.p, path.len);
	return SOURCE_HEAD + path.len;
}

static void entries_are_read_back(void **state)
{
	static const struct source_entry entries[] = {
	    {'d', {"a", 1}, 0},
	    {'f', {"a/b.txt", 7}, 0},
	    {'f', {"big", 3}, UINT64_MAX},
	    {'x', {"bin/run", 7}, 12},
	    {'l', {"link", 4}, 1},
	    {'l', {"link", 4}, SOURCE_LINK_MAX},
	    {'m', {"sub", 3}, 0},
	    {'e', {"", 0}, 0},
	    {'f', {"\xff\n", 2}, 1}, /* any byte but NUL */
	    {'f', {"...", 3}, 1},
	};
	unsigned char mem[64];

	for (size_t i = 0; i < NELEM(entries); i++) {
		const struct source_entry *e = &entries[i];
		size_t n = entry(mem, e->type, e->path, e->size);
		struct error err = {0};
		struct source_entry got;

		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(
			    source_parse(str_make(mem, cut), &got, &err), 0);
		assert_int_equal(
		    source_parse(str_make(mem, sizeof(mem)), &got, &err), n);
		assert_int_equal(got.type, e->type);
		assert_true(str_eq(got.path, e->path));
		assert_true(got.size == e->size);
	}
}

static void what_breaks_a_rule_is_refused(void **state)
{
	static const struct source_entry entries[] = {
	    {'q', {"a", 1}, 0},
	    {'\0', {"a", 1}, 0},
	    {'d', {"a", 1}, 1},
	    {'m', {"a", 1}, 1},
	    {'e', {"a", 1}, 0},
	    {'e', {"", 0}, 1},
	    {'l', {"a", 1}, 0},
	    {'l', {"a", 1}, SOURCE_LINK_MAX + 1},
	    {'f', {"", 0}, 1},
	    {'f', {"/a", 2}, 1},
	    {'f', {"a/", 2}, 1},
	    {'f', {"a//b", 4}, 1},
	    {'f', {".", 1}, 1},
	    {'f', {"..", 2}, 1},
	    {'f', {"a/../b", 6}, 1},
	    {'f', {"a/.", 3}, 1},
	    {'f', {"a\0b", 3}, 1},
	};
	unsigned char mem[64];

	for (size_t i = 0; i < NELEM(entries); i++) {
		const struct source_entry *e = &entries[i];
		size_t n = entry(mem, e->type, e->path, e->size);
		struct error err = {0};
		struct source_entry got;

		assert_int_equal(
		    source_parse(str_make(mem, n), &got, &err), -1);
	}
}

static void paths_and_their_parts_have_a_length(void **state)
{
	static unsigned char mem[SOURCE_HEAD + SOURCE_PATH_MAX + 1];
	char path[SOURCE_PATH_MAX + 1];
	struct error err = {0};
	struct source_entry got;
	size_t n;

	memset(path, 'a', sizeof(path));
	n = entry(mem, 'f', str_make(path, 255), 1);
	assert_int_equal(source_parse(str_make(mem, n), &got, &err), n);
	n = entry(mem, 'f', str_make(path, 256), 1);
	assert_int_equal(source_parse(str_make(mem, n), &got, &err), -1);
	for (size_t i = 255; i < sizeof(path); i += 256)
		path[i] = '/';
	path[SOURCE_PATH_MAX - 1] = 'a';
	path[SOURCE_PATH_MAX - 2] = '/';
	n = entry(mem, 'f', str_make(path, SOURCE_PATH_MAX), 1);
	assert_int_equal(source_parse(str_make(mem, n), &got, &err), n);
	n = entry(mem, 'f', str_make(path, SOURCE_PATH_MAX + 1), 1);
	assert_int_equal(source_parse(str_make(mem, n), &got, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries_are_read_back),
	    cmocka_unit_test(what_breaks_a_rule_is_refused),
	    cmocka_unit_test(paths_and_their_parts_have_a_length),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
