/* toml: what is taken, what is refused and where, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wire/toml.h"

static struct toml_doc *parsed(const char *text)
{
	struct toml_doc *d = NULL;
	struct error err = {0};

	if (toml_parse(str_z(text), &d, &err) == -1)
		fail_msg("%s: %s", text, err.msg);
	return d;
}

static void strings_of_all_kinds_are_decoded(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
	    {"a = \"x\"", "x"},
	    {"a = ''", ""},
	    {"a = 'c:\\d'", "c:\\d"},
	    {"a = \"\\b\\t\\n\\f\\r\\\"\\\\\"", "\b\t\n\f\r\"\\"},
	    {"a = \"\\u00e9\\U0001F600\"", "\xc3\xa9\xf0\x9f\x98\x80"},
	    {"a = \"\"\"\none\r\ntwo\"\"\"", "one\ntwo"},
	    {"a = \"\"\"one \\\n\n   two\"\"\"", "one two"},
	    {"a = \"\"\"\"\"two quotes\"\"\"\"\"", "\"\"two quotes\"\""},
	    {"a = '''\nraw \\u0000'''", "raw \\u0000"},
	    {"a = \"#\" # comment", "#"},
	    {"\"a\" = 'quoted key'", "quoted key"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_toml struct toml_doc *d = parsed(cases[i].in);
		struct str s = toml_get_str(toml_root(d), "a");

		assert_non_null(s.p);
		assert_true(str_eqz(s, cases[i].want));
	}
}

static void integers_of_every_base_fill_64_bits(void **state)
{
	static const struct {
		const char *in;
		int64_t want;
	} cases[] = {
	    {"a = 0", 0},
	    {"a = -0", 0},
	    {"a = +1_000", 1000},
	    {"a = 9223372036854775807", INT64_MAX},
	    {"a = -9223372036854775808", INT64_MIN},
	    {"a = 0xdead_BEEF", 0xdeadbeef},
	    {"a = 0o755", 0755},
	    {"a = 0b1101", 13},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_toml struct toml_doc *d = parsed(cases[i].in);
		const struct toml *n =
		    toml_get_as(toml_root(d), "a", TOML_INTEGER);

		assert_non_null(n);
		assert_true(n->integer == cases[i].want);
	}
}

static void other_scalars_have_their_type(void **state)
{
	static const struct {
		const char *in;
		enum toml_type want;
	} cases[] = {
	    {"a = 1.5", TOML_FLOAT},
	    {"a = 123e-5", TOML_FLOAT},
	    {"a = -inf", TOML_FLOAT},
	    {"a = nan", TOML_FLOAT},
	    {"a = true", TOML_BOOLEAN},
	    {"a = 1979-05-27T07:32:00Z", TOML_DATETIME},
	    {"a = 1979-05-27 07:32:00.5-07:00", TOML_DATETIME},
	    {"a = 1979-05-27", TOML_DATETIME},
	    {"a = 07:32:00", TOML_DATETIME},
	    {"a = 2024-02-29", TOML_DATETIME},
	    {"a = [1, 'two', [],\n # three\n ]", TOML_ARRAY},
	    {"a = {b = 1, c.d = 2}", TOML_TABLE},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_toml struct toml_doc *d = parsed(cases[i].in);

		assert_int_equal(
		    toml_get(toml_root(d), "a")->type, cases[i].want);
	}
}

static void tables_are_found_however_they_were_written(void **state)
{
	static const char *const cases[] = {
	    "[a.b]\nc = 1",
	    "[a]\nb.c = 1",
	    "a.b.c = 1",
	    "a = {b.c = 1}",
	    "a = {b = {c = 1}}",
	    "[a.b]\nc = 1\n[a]\nd = 2",
	    " [ a . 'b' ]\n\"c\"\t=\t1\r\n",
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_toml struct toml_doc *d = parsed(cases[i]);
		const struct toml *b =
		    toml_get(toml_get(toml_root(d), "a"), "b");

		assert_non_null(toml_get_as(b, "c", TOML_INTEGER));
	}
}

static void arrays_of_tables_keep_their_order(void **state)
{
	scoped_toml struct toml_doc *d = parsed("[[order]]\n"
	                                        "[[order.group]]\n"
	                                        "id = 'one'\n"
	                                        "[[order.group]]\n"
	                                        "id = 'two'\n"
	                                        "optional = true\n"
	                                        "[[order]]\n");
	const struct toml *order = toml_get(toml_root(d), "order");
	const struct toml *group = toml_get(order->first, "group");

	assert_true(str_eqz(toml_get_str(group->first, "id"), "one"));
	assert_null(toml_get_as(group->first, "optional", TOML_BOOLEAN));
	assert_true(
	    toml_get_as(group->last, "optional", TOML_BOOLEAN)->boolean);
	assert_ptr_equal(order->first->next, order->last);
	assert_null(toml_get(order->last, "group"));
}

static void what_is_no_toml_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *in, *line;
	} cases[] = {
	    {"a = 1\na = 2", "line 2"},
	    {"a", "line 1"},
	    {"\n\na = ", "line 3"},
	    {"a = 1 b = 2", "line 1"},
	    {"a = 01", "line 1"},
	    {"a = 1__0", "line 1"},
	    {"a = 1.", "line 1"},
	    {"a = 9223372036854775808", "line 1"},
	    {"a = 2023-02-29", "line 1"},
	    {"a = 24:00:00", "line 1"},
	    {"a = \"\n\"", "line 1"},
	    {"a = \"\\x\"", "line 1"},
	    {"a = \"\\ud800\"", "line 1"},
	    {"a = '''\n\n", "line 3"},
	    {"a = {b = 1,}", "line 1"},
	    {"a = {b = 1\n}", "line 1"},
	    {"a = [1 2]", "line 1"},
	    {"[a]\n[a]", "line 2"},
	    {"[a.b]\n[a]\nb.c = 1", "line 3"},
	    {"a.b = 1\n[a]", "line 2"},
	    {"a = {}\n[a.b]", "line 2"},
	    {"a = []\n[[a]]", "line 2"},
	    {"[[a]]\n[a]", "line 2"},
	    {"# \x01", "line 1"},
	    {"a = '\xff'", "line 1"},
	    {"a = 1\rb = 2", "line 1"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct toml_doc *d;
		struct error err = {0};

		assert_int_equal(toml_parse(str_z(cases[i].in), &d, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		assert_memory_equal(
		    err.msg, cases[i].line, strlen(cases[i].line));
	}
}

/* "a = [[[ ... ]]]" with depth arrays. */
static int nested(int depth)
{
	struct buf text = BUF_INIT(1024);
	struct toml_doc *d = NULL;
	struct error err = {0};
	int done;

	buf_addz(&text, "a = ");
	for (int i = 0; i < depth; i++)
		buf_addc(&text, '[');
	for (int i = 0; i < depth; i++)
		buf_addc(&text, ']');
	done = toml_parse(buf_str(&text), &d, &err);
	if (done == -1)
		assert_int_equal(err.code, ERR_LIMIT);
	toml_free(d);
	buf_release(&text);
	return done;
}

static void limits_hold(void **state)
{
	char *big = xmalloc(TOML_BYTES_MAX + 2);
	struct toml_doc *d = NULL;
	struct error err = {0};

	assert_int_equal(nested(TOML_DEPTH_MAX), 0);
	assert_int_equal(nested(TOML_DEPTH_MAX + 1), -1);
	memset(big, '\n', TOML_BYTES_MAX + 1);
	assert_int_equal(
	    toml_parse(str_make(big, TOML_BYTES_MAX), &d, &err), 0);
	toml_free(d);
	assert_int_equal(
	    toml_parse(str_make(big, TOML_BYTES_MAX + 1), &d, &err), -1);
	/* root, the array, and one item too many */
	memset(big, ' ', TOML_BYTES_MAX);
	memcpy(big, "a=[", 3);
	for (size_t i = 0; i < TOML_NODES_MAX - 2; i++)
		memcpy(big + 3 + 2 * i, "1,", 2);
	big[3 + 2 * (TOML_NODES_MAX - 2)] = ']';
	assert_int_equal(
	    toml_parse(str_make(big, TOML_BYTES_MAX), &d, &err), 0);
	toml_free(d);
	memcpy(big + 3 + 2 * (TOML_NODES_MAX - 2), "1]", 2);
	assert_int_equal(
	    toml_parse(str_make(big, TOML_BYTES_MAX), &d, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	free(big);
}

static void what_is_written_is_read_back(void **state)
{
	static const struct str cases[] = {{"", 0}, {"plain", 5},
	    {"a\0b\"\\\n\t\x7f\x1f", 9}, {"caf\xc3\xa9", 5},
	    {"with space", 10}};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf text = BUF_INIT(1024);
		struct toml_doc *d = NULL;
		struct error err = {0};

		toml_add_key(&text, cases[i]);
		buf_addz(&text, " = ");
		toml_add_string(&text, cases[i]);
		assert_int_equal(toml_parse(buf_str(&text), &d, &err), 0);
		assert_true(str_eq(toml_root(d)->first->key, cases[i]));
		assert_true(str_eq(toml_root(d)->first->text, cases[i]));
		toml_free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings_of_all_kinds_are_decoded),
	    cmocka_unit_test(integers_of_every_base_fill_64_bits),
	    cmocka_unit_test(other_scalars_have_their_type),
	    cmocka_unit_test(tables_are_found_however_they_were_written),
	    cmocka_unit_test(arrays_of_tables_keep_their_order),
	    cmocka_unit_test(what_is_no_toml_is_refused_with_its_line),
	    cmocka_unit_test(limits_hold),
	    cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
