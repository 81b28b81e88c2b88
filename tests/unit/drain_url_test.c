/* drain, logpos: addresses of drains, positions in logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/drain.h"
#include "wire/logpos.h"

static void an_address_is_taken_apart(void **state)
{
	static const struct {
		const char *in;
		enum drain_kind kind;
		const char *host;
		uint16_t port;
		const char *path, *masked;
	} cases[] = {
	    {"syslog://logs.example", DRAIN_SYSLOG, "logs.example", 514, "",
	        "syslog://logs.example"},
	    {"syslog+tls://logs.example", DRAIN_SYSLOG_TLS, "logs.example",
	        6514, "", "syslog+tls://logs.example"},
	    {"SYSLOG+TLS://a:65535/", DRAIN_SYSLOG_TLS, "a", 65535, "/",
	        "syslog+tls://a:65535/"},
	    {"http://1.2.3.4:1", DRAIN_HTTP, "1.2.3.4", 1, "",
	        "http://1.2.3.4:1"},
	    {"https://u:p%40s@[2001:db8::1]:8443/in?x=1", DRAIN_HTTPS,
	        "2001:db8::1", 8443, "/in?x=1",
	        "https://u:***@[2001:db8::1]:8443/in?x=1"},
	    {"https://token@H.example?x", DRAIN_HTTPS, "H.example", 443, "?x",
	        "https://token@H.example?x"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf out = BUF_INIT(4096);
		struct error err = {0};
		struct drain_url u;

		assert_int_equal(drain_parse(str_z(cases[i].in), &u, &err), 0);
		assert_int_equal(u.kind, cases[i].kind);
		assert_true(str_eqz(u.host, cases[i].host));
		assert_int_equal(u.port, cases[i].port);
		assert_true(str_eqz(u.path, cases[i].path));
		drain_masked(&out, &u);
		assert_string_equal(buf_z(&out), cases[i].masked);
	}
}

static void an_address_may_be_written_in_more_than_one_way(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
	    {"syslog+tls://logs.example", "SYSLOG+tls://Logs.Example:6514/", 1},
	    {"https://u:p@a/x", "https://u:p@a:443/x", 1},
	    {"https://a", "https://a/", 1},
	    {"https://u:p@a/x", "https://u:q@a/x", 0},
	    {"https://u:p@a/x", "https://a/x", 0},
	    {"https://a/x", "https://a/X", 0},
	    {"https://a", "http://a:443", 0},
	    {"syslog://a", "syslog://a:6514", 0},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct drain_url a, b;

		assert_int_equal(drain_parse(str_z(cases[i].a), &a, NULL), 0);
		assert_int_equal(drain_parse(str_z(cases[i].b), &b, NULL), 0);
		assert_int_equal(drain_same(&a, &b), cases[i].same);
	}
}

static void what_is_no_address_is_refused_without_its_secrets(void **state)
{
	static const char *const bad[] = {"", "logs.example", "ftp://a",
	    "https://", "https:///x", "https://a:0", "https://a:65536",
	    "https://a:x", "https://a:", "https://-a", "https://a..b",
	    "https://1.2.3", "https://1.2.3.4.5", "https://[::1", "https://[x]",
	    "https://[::1]x", "https://a b", "https://a\n", "https://a#x",
	    "https://s3cret:s3cret%4@a", "https://s3cret%00@a",
	    "syslog://s3cret@a", "syslog://a/s3cret", "https://a@b@c",
	    "https://\xc3\xa4"};

	for (size_t i = 0; i < NELEM(bad); i++) {
		struct error err = {0};
		struct drain_url u;

		assert_int_equal(drain_parse(str_z(bad[i]), &u, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		assert_null(strstr(err.msg, "s3cret"));
	}
}

static void an_address_has_a_longest_length(void **state)
{
	char text[DRAIN_URL_MAX + 2];
	struct error err = {0};
	struct drain_url u;

	memset(text, 'x', sizeof(text));
	memcpy(text, "https://a/", 10);
	assert_int_equal(
	    drain_parse(str_make(text, DRAIN_URL_MAX), &u, &err), 0);
	assert_int_equal(
	    drain_parse(str_make(text, DRAIN_URL_MAX + 1), &u, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void private_addresses_are_known(void **state)
{
	static const struct {
		const char *ip;
		bool private;
	} cases[] = {
	    {"127.0.0.1", true},
	    {"127.255.255.255", true},
	    {"0.0.0.0", true},
	    {"10.0.0.1", true},
	    {"172.16.0.1", true},
	    {"172.31.255.1", true},
	    {"172.32.0.1", false},
	    {"192.168.1.1", true},
	    {"192.169.0.1", false},
	    {"169.254.169.254", true},
	    {"100.64.0.1", true},
	    {"100.127.255.255", true},
	    {"100.128.0.1", false},
	    {"198.18.0.1", true},
	    {"224.0.0.1", true},
	    {"255.255.255.255", true},
	    {"8.8.8.8", false},
	    {"::1", true},
	    {"::", true},
	    {"fe80::1", true},
	    {"fd00::1", true},
	    {"fc00::1", true},
	    {"ff02::1", true},
	    {"::ffff:10.0.0.1", true},
	    {"::ffff:8.8.8.8", false},
	    {"64:ff9b::7f00:1", true},
	    {"64:ff9b::808:808", false},
	    {"2002:7f00:1::", true},
	    {"2001::1", true},
	    {"2606:4700::1", false},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		bool v6 = strchr(cases[i].ip, ':') != NULL;
		unsigned char ip[16];

		assert_int_equal(
		    inet_pton(v6 ? AF_INET6 : AF_INET, cases[i].ip, ip), 1);
		assert_int_equal(drain_ip_private(ip, v6), cases[i].private);
	}
}

static void a_position_is_read_as_it_is_written(void **state)
{
	static const struct {
		const char *in;
		bool good;
	} cases[] = {
	    {"12;", true},
	    {"12;platform.3", true},
	    {"12;router.0,00000000000000ff.12", true},
	    {"", false},
	    {"x;", false},
	    {"12;platform", false},
	    {"12;platform.", false},
	    {"12;platform.3,", true},
	    {"12;,platform.3", false},
	    {"12;other.3", false},
	    {"12;00000000000000FF.1", false},
	    {"12;0ff.1", false},
	    {"12;platform.9223372036854775807", true},
	    {"12;platform.9223372036854775808", false},
	};
	struct logpos place;
	uint64_t time;

	for (size_t i = 0; i < NELEM(cases); i++)
		assert_int_equal(
		    logpos_valid(str_z(cases[i].in)), cases[i].good);
	assert_true(logpos_id(STR("17.00000000000000ff.12"), &time, &place));
	assert_int_equal(time, 17);
	assert_true(str_eqz(place.stream, "00000000000000ff"));
	assert_int_equal(place.seq, 12);
	assert_false(logpos_id(STR("17.web.12"), &time, &place));
	assert_false(logpos_id(STR("-"), &time, &place));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_is_taken_apart),
	    cmocka_unit_test(an_address_may_be_written_in_more_than_one_way),
	    cmocka_unit_test(what_is_no_address_is_refused_without_its_secrets),
	    cmocka_unit_test(an_address_has_a_longest_length),
	    cmocka_unit_test(private_addresses_are_known),
	    cmocka_unit_test(a_position_is_read_as_it_is_written),
	};

	return cmocka_run_group_tests_name("drain_url", tests, NULL, NULL);
}
