/* cli: addresses, event streams, exit codes in output, arguments. */
/* links: cli/ -lcurl -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../cli/cli.h"
#include "../../cli/exit_scan.h"
#include "../../cli/sse.h"
#include "../../cli/url_base.h"

/* --- url_base ------------------------------------------------------------ */

static void one_address_has_one_form(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: refused */
	} cases[] = {
	    {"http://localhost:8080", "http://localhost:8080"},
	    {"http://localhost:8080/", "http://localhost:8080"},
	    {"HTTP://LocalHost:8080/x.git", "http://localhost:8080"},
	    {"https://paas.example.com:443", "https://paas.example.com"},
	    {"http://127.0.0.1:80", "http://127.0.0.1"},
	    {"http://[::1]:8080", "http://[::1]:8080"},
	    {"localhost:8080", "http://localhost:8080"},
	    {"127.0.0.1:8080", "http://127.0.0.1:8080"},
	    {"paas.example.com", "https://paas.example.com"},
	    {"paas.example.com:8443", "https://paas.example.com:8443"},
	    {"http://user:secret@localhost:8080", NULL},
	    {"ftp://localhost", NULL},
	    {"file:///etc/passwd", NULL},
	    {"http://", NULL},
	    {"", NULL},
	    {"http://a b", NULL},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		char out[URL_BASE_MAX] = "";
		int rc = url_base(cases[i].in, out, &err);

		assert_int_equal(rc, cases[i].want ? 0 : -1);
		if (cases[i].want)
			assert_string_equal(out, cases[i].want);
		else
			assert_int_equal(err.code, ERR_INVALID);
	}
}

static void an_app_is_read_from_a_remote(void **state)
{
	static const struct {
		const char *in, *base, *app; /* NULL: no app */
	} cases[] = {
	    {"http://localhost:8080/hello.git", "http://localhost:8080",
	        "hello"},
	    {"https://paas.example.com/hello.git", "https://paas.example.com",
	        "hello"},
	    {"http://localhost:8080/hello", "http://localhost:8080", "hello"},
	    {"https://example.com/group/hello.git", NULL, NULL},
	    {"http://localhost:8080/.git", NULL, NULL},
	    {"http://localhost:8080/", NULL, NULL},
	    {"http://localhost:8080", NULL, NULL},
	    {"git@example.com:hello.git", NULL, NULL},
	    {"/srv/hello.git", NULL, NULL},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		char base[URL_BASE_MAX], app[64];
		bool ok = url_app(cases[i].in, base, app);

		assert_int_equal(ok, cases[i].app != NULL);
		if (!ok)
			continue;
		assert_string_equal(base, cases[i].base);
		assert_string_equal(app, cases[i].app);
	}
}

static void this_machine_is_known(void **state)
{
	static const struct {
		const char *in;
		bool want;
	} cases[] = {
	    {"http://localhost:8080", true},
	    {"http://hello.localhost", true},
	    {"http://127.0.0.1:1", true},
	    {"http://[::1]:8080/attach/x", true},
	    {"http://localhost.example.com", false},
	    {"http://example.com/localhost", false},
	    {"http://10.0.0.1", false},
	    {"http://127.example.com", false},
	    {"http://127.0.0.1.example.com", false},
	    {"http://127.1.2.3:8080/x", true},
	    {"localhost", false},
	};

	for (size_t i = 0; i < NELEM(cases); i++)
		assert_int_equal(url_loopback(cases[i].in), cases[i].want);
}

/* --- sse ----------------------------------------------------------------- */

static int gather(void *arg, struct str line)
{
	buf_add(arg, line);
	buf_addc(arg, '|');
	return str_eqz(line, "stop") ? -1 : 0;
}

static void data_lines_come_whole_however_they_are_cut(void **state)
{
	static const char in[] = "retry: 1\n\n: hb\nid: 1\ndata: one\n\n"
	                         "data:two\r\n\r\ndata:  three\n\ndata: half";

	for (size_t cut = 0; cut < sizeof(in) - 1; cut++) {
		scoped_buf struct buf out = BUF_INIT(1000);
		struct sse s = SSE_INIT;

		assert_int_equal(
		    sse_feed(&s, str_make(in, cut), gather, &out), 0);
		assert_int_equal(
		    sse_feed(&s, str_make(in + cut, sizeof(in) - 1 - cut),
		        gather, &out),
		    0);
		assert_string_equal(buf_z(&out), "one|two| three|");
		sse_release(&s);
	}
}

static void a_stream_ends_when_told_or_too_long(void **state)
{
	scoped_buf struct buf out = BUF_INIT(1000);
	struct sse s = SSE_INIT;
	char mem[4096];
	int rc = 0;

	assert_int_equal(
	    sse_feed(&s, STR("data: stop\ndata: x\n"), gather, &out), -1);
	assert_string_equal(buf_z(&out), "stop|");
	sse_release(&s);
	memset(mem, 'x', sizeof(mem));
	s = (struct sse)SSE_INIT;
	for (size_t i = 0; i <= SSE_LINE_MAX / sizeof(mem) && rc == 0; i++)
		rc = sse_feed(&s, str_make(mem, sizeof(mem)), gather, &out);
	assert_int_equal(rc, -1);
	sse_release(&s);
}

/* --- exit_scan ----------------------------------------------------------- */

#define MARK "\xef\xbf\xbf heroku-command-exit-status: "

static void the_exit_code_is_taken_out_of_the_output(void **state)
{
	static const struct {
		const char *in, *want;
		int code;
	} cases[] = {
	    {"", "", -1},
	    {"out\n", "out\n", -1},
	    {"out\n" MARK "0\n", "out\n", 0},
	    {"out\r\n" MARK "5\r\n", "out\r\n", 5},
	    {"no newline" MARK "255\n", "no newline", 255},
	    {MARK "256\n", MARK "256\n", -1},
	    {MARK "1x\n", MARK "1x\n", -1},
	    {MARK "\n", MARK "\n", -1},
	    {MARK "7", "", 7},
	    {MARK, MARK, -1},
	    {"\xef\xbf\xbd replaced", "\xef\xbf\xbd replaced", -1},
	    {"\xef\xef" MARK "3\n", "\xef\xef", 3},
	    {"\xef\xbf\xbf her" MARK "3\n", "\xef\xbf\xbf her", 3},
	    {MARK "1\n" MARK "2\n", "", 2},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		size_t len = strlen(cases[i].in);

		for (size_t cut = 0; cut <= len; cut++) {
			scoped_buf struct buf out = BUF_INIT(1000);
			struct exit_scan s = EXIT_SCAN_INIT;

			exit_scan_feed(&s, str_make(cases[i].in, cut), &out);
			exit_scan_feed(
			    &s, str_make(cases[i].in + cut, len - cut), &out);
			exit_scan_end(&s, &out);
			assert_string_equal(buf_z(&out), cases[i].want);
			assert_int_equal(s.code, cases[i].code);
		}
	}
}

static void a_command_that_may_leave_gets_a_shell_of_its_own(void **state)
{
	static const struct {
		const char *in;
		bool own;
	} cases[] = {
	    {"bash", false},
	    {"npm run build", false},
	    {"node server.js --port=1", false},
	    {"exit 7", true},
	    {"exec node x.js", true},
	    {"sleep 9 &", true},
	    {"echo hi # comment", true},
	    {"set -e", true},
	    {"a; b", true},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf out = BUF_INIT(1000);
		char want[200];

		exit_wrap(&out, str_z(cases[i].in));
		snprintf(want, sizeof(want),
		    cases[i].own ? "(%s\n)" EXIT_SUFFIX : "%s" EXIT_SUFFIX,
		    cases[i].in);
		assert_string_equal(buf_z(&out), want);
	}
}

/* --- args, help ---------------------------------------------------------- */

static int nothing(struct cli *c, struct error *err)
{
	return 0;
}

static const struct command some[] = {
    {"config:set", "config:set KEY=VALUE...", "set", nothing, CMD_APP, 1, -1,
        {{'n', "num", "N", "number"}, {0, "json", NULL, "json"}}, NULL},
    {"run", "run COMMAND...", "run", nothing, CMD_APP | CMD_REST, 1, -1, {{0}},
        NULL},
    {"server", "server", "serve", nothing, CMD_RAW, 0, -1, {{0}}, NULL},
    {"ps", "ps", "list", nothing, CMD_HIDDEN, 0, 0, {{0}}, NULL},
    {0},
};
const struct command_group command_groups[] = {{"Some", some}, {0}};

static void options_and_arguments_are_told_apart(void **state)
{
	struct error err = {0};
	struct cli c = {.cmd = &some[0]};
	char one[] = "A=1", two[] = "-a", three[] = "hello", four[] = "--num=5",
	     five[] = "B=-2", six[] = "--json", dashes[] = "--", minus[] = "-x";
	char *words[] = {one, two, three, four, five, six, dashes, minus};

	assert_int_equal(args_parse(&c, NELEM(words), words, &err), 0);
	assert_int_equal(c.argc, 3);
	assert_string_equal(c.argv[0], "A=1");
	assert_string_equal(c.argv[1], "B=-2");
	assert_string_equal(c.argv[2], "-x");
	assert_string_equal(c.app, "hello");
	assert_string_equal(cli_option(&c, "num"), "5");
	assert_string_equal(cli_option(&c, "json"), "");
	assert_null(cli_option(&c, "other"));
}

static void a_commands_own_options_are_left_to_it(void **state)
{
	struct error err = {0};
	struct cli c = {.cmd = &some[1]};
	char a[] = "-ahello", ls[] = "ls", l[] = "-l", app[] = "--app";
	char *words[] = {a, ls, l, app};

	assert_int_equal(args_parse(&c, 4, words, &err), 0);
	assert_string_equal(c.app, "hello");
	assert_int_equal(c.argc, 3);
	assert_string_equal(c.argv[2], "--app");
	c = (struct cli){.cmd = &some[2]};
	assert_int_equal(args_parse(&c, 2, words, &err), 0);
	assert_int_equal(c.raw_argc, 2);
}

static void what_makes_no_sense_is_a_usage_error(void **state)
{
	static const struct {
		size_t cmd;
		const char *words[3];
		const char *says;
	} cases[] = {
	    {0, {NULL}, "something is missing"},
	    {0, {"A=1", "--wrong"}, "no option --wrong"},
	    {0, {"A=1", "-n"}, "-n needs a value"},
	    {0, {"A=1", "--json=yes"}, "no option --json=yes"},
	    {0, {"A=1", "--nu", "5"}, "no option --nu"},
	    {3, {"x"}, "one argument too many"},
	    {3, {"-a", "x"}, "no option -a"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct cli c = {.cmd = &some[cases[i].cmd]};
		char *words[3];
		int n = 0;

		for (; n < 3 && cases[i].words[n]; n++)
			words[n] = (char *)cases[i].words[n];
		assert_int_equal(args_parse(&c, n, words, &err), -1);
		assert_int_equal(c.exit_code, EXIT_USAGE);
		assert_non_null(strstr(err.msg, cases[i].says));
	}
}

static void a_misspelt_command_is_recognised(void **state)
{
	assert_string_equal(command_suggest("confg:set"), "config:set");
	assert_string_equal(command_suggest("cofnig:set"), "config:set");
	assert_string_equal(command_suggest("rn"), "run");
	assert_null(command_suggest("frobnicate"));
	assert_null(command_suggest(
	    "a-word-that-is-far-too-long-for-any-command-there-is"));
	assert_string_equal(command_find("ps")->name, "ps");
	assert_null(command_find("nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_address_has_one_form),
	    cmocka_unit_test(an_app_is_read_from_a_remote),
	    cmocka_unit_test(this_machine_is_known),
	    cmocka_unit_test(data_lines_come_whole_however_they_are_cut),
	    cmocka_unit_test(a_stream_ends_when_told_or_too_long),
	    cmocka_unit_test(the_exit_code_is_taken_out_of_the_output),
	    cmocka_unit_test(a_command_that_may_leave_gets_a_shell_of_its_own),
	    cmocka_unit_test(options_and_arguments_are_told_apart),
	    cmocka_unit_test(a_commands_own_options_are_left_to_it),
	    cmocka_unit_test(what_makes_no_sense_is_a_usage_error),
	    cmocka_unit_test(a_misspelt_command_is_recognised),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
