/* check: declared health checks on the wire, and what answers are to them. */
/* links: router/judge.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../router/judge.h"
#include "base/buf.h"

static void a_check_reads_as_it_was_printed(void **state)
{
	scoped_buf struct buf text = BUF_INIT(CHECK_TEXT_MAX);
	struct check c, again;

	check_init(&c);
	c.type = CHECK_LIVENESS;
	c.port = 65535;
	c.grace_s = CHECK_SECONDS_MAX;
	strcpy(c.name, "a name");
	strcpy(c.path, "/x?y=z");
	strcpy(c.headers, "A: b\r\nC: \r\n");
	check_print(&c, &text);
	assert_int_equal(check_parse(buf_str(&text), &again, NULL), 0);
	assert_memory_equal(&c, &again, sizeof(c));
}

static void the_longest_check_fits(void **state)
{
	scoped_buf struct buf text = BUF_INIT(CHECK_TEXT_MAX);
	struct check c, again;

	check_init(&c);
	memset(c.name, 'n', CHECK_NAME_MAX);
	memset(c.path + 1, 'p', CHECK_PATH_MAX - 1);
	memset(c.content, 'c', CHECK_CONTENT_MAX);
	memset(c.headers, 'h', CHECK_HEADERS_MAX);
	memcpy(c.headers + CHECK_HEADERS_MAX - 2, "\r\n", 2);
	check_print(&c, &text);
	assert_false(text.bad);
	assert_int_equal(check_parse(buf_str(&text), &again, NULL), 0);
	assert_memory_equal(&c, &again, sizeof(c));
}

static void a_malformed_check_is_refused(void **state)
{
	static const char *const bad[] = {"type", "type x\n", "means \n",
	    "path x\n", "path \n", "timeout 0\n", "attempts 0\n",
	    "attempts 101\n", "interval 0\n", "interval 3601\n", "port 65536\n",
	    "port -1\n", "port 1x\n", "other 5\n", "header \n",
	    "content a\tb\n", "\n", "type startup\n\n"};
	struct check c;

	for (size_t i = 0; i < NELEM(bad); i++) {
		struct error err = {0};

		if (check_parse(str_z(bad[i]), &c, &err) != -1)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

#define HEAD(status, more) "HTTP/1.1 " status " X\r\n" more "\r\n"

static void answers_pass_fail_or_are_not_yet_known(void **state)
{
	static const struct {
		const char *content, *answer;
		bool over;
		int want;
		const char *why;
	} cases[] = {
	    {"", HEAD("200", "Content-Length: 0\r\n"), false, 1, NULL},
	    {"", HEAD("399", ""), false, 1, NULL},
	    {"", HEAD("301", "Location: /a\r\n"), false, 1, NULL},
	    {"", HEAD("400", ""), false, -1, "answered with 400"},
	    {"", HEAD("199", ""), false, -1, "199"},
	    {"", HEAD("500", ""), false, -1, "500"},
	    {"", "HTTP/1.1 20", false, 0, NULL},
	    {"", "HTTP/1.1 20", true, -1, "nothing"},
	    {"", "", true, -1, "nothing"},
	    {"", "hello\r\n\r\n", false, -1, "no HTTP"},
	    {"ok", HEAD("200", "") "o", false, 0, NULL},
	    {"ok", HEAD("200", "") "so ok", false, 1, NULL},
	    {"ok", HEAD("200", "") "o", true, -1, "does not contain \"ok\""},
	    {"ok", HEAD("200", "Content-Length: 2\r\n") "no", false, -1,
	        "\"ok"},
	    {"ok", HEAD("204", ""), false, -1, "\"ok\""},
	    {"ok", HEAD("302", "LOCATION: https://e/\r\n"), false, -1,
	        "a redirect to https://e/"},
	    {"okay", HEAD("200", "Transfer-Encoding: chunked\r\n") "2\r\nok",
	        false, 0, NULL},
	    {"okay",
	        HEAD("200",
	            "Transfer-Encoding: chunked\r\n") "2\r\nok\r\n2\r\nay\r\n",
	        false, 1, NULL},
	    {"2",
	        HEAD("200", "Transfer-Encoding: chunked\r\n") "2\r\nok\r\n0"
	                                                      "\r\n\r\n",
	        false, -1, "does not contain"},
	};
	static struct http1_head h;

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct check c;
		char why[240] = "";

		check_init(&c);
		strcpy(c.content, cases[i].content);
		if (judge_answer(&c, str_z(cases[i].answer), cases[i].over, &h,
		        why, sizeof(why)) != cases[i].want)
			fail_msg("case %zu: %s", i, why);
		if (cases[i].why && !strstr(why, cases[i].why))
			fail_msg(
			    "case %zu: no \"%s\" in %s", i, cases[i].why, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_check_reads_as_it_was_printed),
	    cmocka_unit_test(the_longest_check_fits),
	    cmocka_unit_test(a_malformed_check_is_refused),
	    cmocka_unit_test(answers_pass_fail_or_are_not_yet_known),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
