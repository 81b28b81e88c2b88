/* url: paths are split before they are decoded, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/url.h"

static void paths_are_split_then_decoded(void **state)
{
	static const struct {
		const char *in;
		int n;
		const char *seg[4];
	} cases[] = {
	    {"/", 0, {0}},
	    {"/apps", 1, {"apps"}},
	    {"/apps/", 1, {"apps"}},
	    {"/apps/a-b/x", 3, {"apps", "a-b", "x"}},
	    {"/a%2Fb/c", 2, {"a/b", "c"}},
	    {"/%61%20+", 1, {"a +"}},
	    {"/%252e", 1, {"%2e"}},
	    {"/...", 1, {"..."}},
	    {"/\xc3\xa4", 1, {"\xc3\xa4"}},
	    {"", -1, {0}},
	    {"apps", -1, {0}},
	    {"//", -1, {0}},
	    {"/a//b", -1, {0}},
	    {"/a//", -1, {0}},
	    {"/.", -1, {0}},
	    {"/..", -1, {0}},
	    {"/a/../b", -1, {0}},
	    {"/%2e%2E/b", -1, {0}},
	    {"/%00", -1, {0}},
	    {"/%", -1, {0}},
	    {"/%4", -1, {0}},
	    {"/%4/1", -1, {0}},
	    {"/%zz", -1, {0}},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct str in = str_z(cases[i].in);
		scoped_free char *mem = xmalloc(in.len);
		struct url_path path = {.n = -1};
		struct error err = {0};
		int result = url_path_parse(in, mem, &path, &err);

		assert_int_equal(result, cases[i].n == -1 ? -1 : 0);
		assert_int_equal(path.n, cases[i].n);
		for (int s = 0; s < path.n; s++)
			assert_true(str_eqz(path.seg[s], cases[i].seg[s]));
	}
}

static void a_path_has_so_many_parts(void **state)
{
	char path[2 * URL_SEGMENTS_MAX + 2], mem[sizeof(path)];
	struct error err = {0};
	struct url_path got;

	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? 'a' : '/';
	assert_int_equal(url_path_parse(str_make(path, 2 * URL_SEGMENTS_MAX),
	                     mem, &got, &err),
	    0);
	assert_int_equal(got.n, URL_SEGMENTS_MAX);
	assert_int_equal(
	    url_path_parse(
	        str_make(path, 2 * URL_SEGMENTS_MAX + 1), mem, &got, &err),
	    0);
	assert_int_equal(
	    url_path_parse(str_make(path, sizeof(path)), mem, &got, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void encoding_is_undone_by_decoding(void **state)
{
	scoped_buf struct buf out = BUF_INIT(1024);
	char all[256], mem[1024];
	struct error err = {0};
	ssize_t n;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	url_encode(&out, str_make(all, sizeof(all)));
	n = url_decode(buf_str(&out), mem, &err);
	assert_int_equal(n, 256);
	assert_memory_equal(mem, all, 256);
	buf_clear(&out);
	url_encode(&out, STR("a-Z_0.~/ %"));
	assert_string_equal(buf_z(&out), "a-Z_0.~%2F%20%25");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths_are_split_then_decoded),
	    cmocka_unit_test(a_path_has_so_many_parts),
	    cmocka_unit_test(encoding_is_undone_by_decoding),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
