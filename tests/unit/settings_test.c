/* settings: defaults, what each kind takes, and reading back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proc/settings.h"

#define K 1024ull
#define M (1024 * K)
#define G (1024 * M)

static void the_defaults_are_the_documented_ones(void **state)
{
	struct settings s;

	settings_init(&s);
	assert_string_equal(s.state, "/var/lib/paas");
	assert_string_equal(s.host, "localhost");
	assert_true(s.app_memory_bytes == 512 * M);
	assert_true(s.app_disk_bytes == 256 * M);
	assert_true(s.build_memory_bytes == 2 * G);
	assert_true(s.build_seconds == 900);
	assert_true(s.boot_seconds == 60);
	assert_true(s.stop_seconds == 30);
	assert_true(s.drain_seconds == 30);
	assert_true(s.push_pack_bytes == 1 * G);
	assert_true(s.push_objects == 2000000);
	assert_true(s.config_value_bytes == 32 * K);
	assert_true(s.config_total_bytes == 64 * K);
	assert_true(s.log_segment_bytes == 2 * M);
	assert_true(s.log_segments == 8);
	assert_int_equal(s.nlisten, 0);
}

static void each_kind_takes_its_own(void **state)
{
	static const struct {
		const char *name, *value;
		bool ok;
	} cases[] = {
	    {"state", "/srv/paas", true},
	    {"state", "srv/paas", false},
	    {"state", "", false},
	    {"state", "/a\tb", false},
	    {"host", "paas.example.com", true},
	    {"host", "Paas.example.com", false},
	    {"host", "a b", false},
	    {"log_level", "debug", true},
	    {"log_level", "loud", false},
	    {"log_level", "", false},
	    {"runtime", "runc", true},
	    {"runtime", "/bin/sh", false},
	    {"app_memory", "4M", true},
	    {"app_memory", "4194303", false},
	    {"app_memory", "1024G", true},
	    {"app_memory", "1025G", false},
	    {"app_memory", "1T", false},
	    {"app_memory", "M", false},
	    {"app_memory", "1.5G", false},
	    {"app_memory", "-1", false},
	    {"app_memory", "99999999999999999999G", false},
	    {"app_memory", "18446744073709551615G", false},
	    {"app_cpu_weight", "1", true},
	    {"app_cpu_weight", "0", false},
	    {"app_cpu_weight", "10000", true},
	    {"app_cpu_weight", "10001", false},
	    {"app_cpu_weight", "10K", false},
	    {"stop_seconds", "0", true},
	    {"stop_seconds", "3600", true},
	    {"stop_seconds", "3601", false},
	    {"stop_seconds", "5s", false},
	    {"listen", "127.0.0.1:8080", true},
	    {"listen", "[::1]:80", true},
	    {"listen", "127.0.0.1", false},
	    {"listen", "127.0.0.1:0", false},
	    {"listen", "127.0.0.1:65535", true},
	    {"listen", "127.0.0.1:65536", false},
	    {"listen", "::1:80", false},
	    {"listen", ":80", false},
	    {"password", "x", false},
	    {"", "x", false},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct settings s;

		settings_init(&s);
		if (settings_set(&s, str_z(cases[i].name),
		        str_z(cases[i].value), &err) != (cases[i].ok ? 0 : -1))
			fail_msg("%s = %s", cases[i].name, cases[i].value);
		if (!cases[i].ok)
			assert_true(err.code != ERR_NONE && err.msg[0]);
	}
}

static void a_bad_value_changes_nothing(void **state)
{
	struct settings s, before;
	struct error err = {0};

	settings_init(&s);
	before = s;
	assert_int_equal(settings_set(&s, STR("app_pids"), STR("7"), &err), -1);
	assert_int_equal(
	    settings_set(&s, STR("listen"), STR("nowhere"), &err), -1);
	assert_int_equal(settings_set(&s, STR("state"), STR("x"), &err), -1);
	assert_memory_equal(&s, &before, sizeof(s));
}

static void texts_have_a_longest_length(void **state)
{
	char path[300];
	struct settings s;
	struct error err = {0};

	settings_init(&s);
	memset(path, '/', sizeof(path));
	assert_int_equal(settings_set(&s, STR("state"),
	                     str_make(path, sizeof(s.state) - 1), &err),
	    0);
	assert_int_equal(strlen(s.state), sizeof(s.state) - 1);
	assert_int_equal(settings_set(&s, STR("state"),
	                     str_make(path, sizeof(s.state)), &err),
	    -1);
	assert_int_equal(err.code, ERR_LIMIT);
	for (int i = 0; i < SETTINGS_LISTEN_MAX; i++)
		assert_int_equal(
		    settings_set(&s, STR("listen"), STR("127.0.0.1:80"), &err),
		    0);
	assert_int_equal(
	    settings_set(&s, STR("listen"), STR("127.0.0.1:80"), &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void a_file_is_read_and_errors_name_the_line(void **state)
{
	struct settings s;
	struct error err = {0};

	settings_init(&s);
	assert_int_equal(settings_parse(&s,
	                     STR("# mine\nhost = a.b\nlisten = 0.0.0.0:80\n"
	                         "listen = [::]:80\napp_memory = 1G\n"),
	                     &err),
	    0);
	assert_string_equal(s.host, "a.b");
	assert_int_equal(s.nlisten, 2);
	assert_string_equal(s.listen[1], "[::]:80");
	assert_true(s.app_memory_bytes == 1 * G);
	assert_int_equal(settings_parse(&s, STR("\n\nhots = a.b\n"), &err), -1);
	assert_non_null(strstr(err.msg, "line 3"));
	assert_int_equal(settings_parse(&s, STR("host a.b\n"), &err), -1);
	assert_non_null(strstr(err.msg, "line 1"));
}

/* As super hands them on: with what only super sets. */
static void what_is_printed_is_read_back(void **state)
{
	scoped_buf struct buf text = BUF_INIT(16384);
	struct settings s, got;
	struct error err = {0};

	settings_init(&s);
	assert_int_equal(settings_parse(&s,
	                     STR("run = /run/paas/0\nlibexec = /x\nslot = 3\n"
	                         "buildpacks = /y\nurl = http://a:8080\n"
	                         "listen = 127.0.0.1:8080\n"
	                         "state = /with space\n"),
	                     &err),
	    0);
	settings_print(&s, &text);
	assert_false(text.bad);
	settings_init(&got);
	assert_int_equal(settings_parse(&got, buf_str(&text), &err), 0);
	assert_memory_equal(&got, &s, sizeof(s));
}

static void a_shorter_value_leaves_nothing_of_the_longer(void **state)
{
	struct settings once, twice;
	struct error err = {0};

	settings_init(&once);
	settings_init(&twice);
	assert_int_equal(
	    settings_parse(&twice, STR("host = long.name\nhost = a\n"), &err),
	    0);
	assert_int_equal(settings_parse(&once, STR("host = a\n"), &err), 0);
	assert_memory_equal(&once, &twice, sizeof(once));
}

static void the_sample_is_the_defaults(void **state)
{
	scoped_buf struct buf text = BUF_INIT(65536), plain = BUF_INIT(65536);
	struct settings s, defaults;
	struct error err = {0};
	struct str rest, line;

	settings_sample(&text);
	assert_false(text.bad);
	settings_init(&defaults);
	settings_init(&s);
	assert_int_equal(settings_parse(&s, buf_str(&text), &err), 0);
	assert_memory_equal(&s, &defaults, sizeof(s));
	/* Its settings taken out of their comments are the defaults, too. */
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line))
		if (str_starts(line, STR("# ")) &&
		    str_find_str(line, STR(" = ")) != -1 &&
		    !str_ends(line, STR("= ")))
			buf_addf(&plain, STR_FMT "\n",
			    STR_ARG(str_sub(line, 2, line.len)));
	assert_int_equal(settings_parse(&s, buf_str(&plain), &err), 0);
	assert_memory_equal(&s, &defaults, sizeof(s));
	assert_true(plain.len > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_defaults_are_the_documented_ones),
	    cmocka_unit_test(each_kind_takes_its_own),
	    cmocka_unit_test(a_bad_value_changes_nothing),
	    cmocka_unit_test(texts_have_a_longest_length),
	    cmocka_unit_test(a_file_is_read_and_errors_name_the_line),
	    cmocka_unit_test(what_is_printed_is_read_back),
	    cmocka_unit_test(a_shorter_value_leaves_nothing_of_the_longer),
	    cmocka_unit_test(the_sample_is_the_defaults),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
