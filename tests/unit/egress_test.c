/* egress and ip: rules as people type them, addresses and networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "wire/egress.h"

static void addresses_are_read_and_printed(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: none */
	} cases[] = {
	    {"0.0.0.0", "0.0.0.0"},
	    {"10.255.0.53", "10.255.0.53"},
	    {"255.255.255.255", "255.255.255.255"},
	    {"256.0.0.1", NULL},
	    {"1.2.3", NULL},
	    {"1.2.3.4.", NULL},
	    {"01.2.3.4", NULL},
	    {"0x7f.0.0.1", NULL},
	    {"::1", "::1"},
	    {"FD00:0::00A", "fd00::a"},
	    {"::ffff:10.0.0.1", "10.0.0.1"}, /* one and the same */
	    {"fe80::1%eth0", NULL},
	    {":::", NULL},
	    {"1::2::3", NULL},
	    {"", NULL},
	    {"1111:2222:3333:4444:5555:6666:7777:8888:9999", NULL},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		char text[IP_TEXT];
		struct ip ip;
		bool ok = ip_parse(str_z(cases[i].in), &ip);

		if (ok != (cases[i].out != NULL))
			fail_msg("%s", cases[i].in);
		if (!ok)
			continue;
		ip_print(&ip, text);
		assert_string_equal(text, cases[i].out);
	}
}

static void networks_hold_what_is_in_them(void **state)
{
	static const struct {
		const char *net, *shown, *in, *out;
	} cases[] = {
	    {"10.1.2.3/8", "10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
	    {"10.1.2.3", "10.1.2.3", "10.1.2.3", "10.1.2.4"},
	    {"192.168.4.0/23", "192.168.4.0/23", "192.168.5.255",
	        "192.168.6.0"},
	    {"fd00::1/8", "fd00::/8", "fdff::1", "fe00::1"},
	    {"fd00::/127", "fd00::/127", "fd00::1", "fd00::2"},
	    {"10.0.0.0/8", "10.0.0.0/8", "10.0.0.1", "fd00::1"},
	};
	static const char *const bad[] = {"10.0.0.0/33", "10.0.0.0/",
	    "10.0.0.0/08", "fd00::/129", "/8", "10.0.0.0/8/8", "10.0.0.0/-1"};

	for (size_t i = 0; i < NELEM(cases); i++) {
		char text[IP_NET_TEXT];
		struct ip_net net;
		struct ip in, out;

		assert_true(ip_net_parse(str_z(cases[i].net), &net));
		ip_net_print(&net, text);
		assert_string_equal(text, cases[i].shown);
		assert_true(ip_parse(str_z(cases[i].in), &in));
		assert_true(ip_parse(str_z(cases[i].out), &out));
		assert_true(ip_net_has(&net, &in));
		assert_false(ip_net_has(&net, &out));
	}
	for (size_t i = 0; i < NELEM(bad); i++) {
		struct ip_net net;

		assert_false(ip_net_parse(str_z(bad[i]), &net));
	}
}

static void rules_have_one_form(void **state)
{
	static const struct {
		const char *in, *out;
		enum egress_kind kind;
		unsigned port;
	} cases[] = {
	    {"10.1.2.3:5432", "10.1.2.3:5432", EGRESS_NET, 5432},
	    {"10.1.2.3", "10.1.2.3", EGRESS_NET, 0},
	    {"10.1.2.3/16", "10.1.0.0/16", EGRESS_NET, 0},
	    {"10.1.0.0/16:65535", "10.1.0.0/16:65535", EGRESS_NET, 65535},
	    {"169.254.169.254:80", "169.254.169.254:80", EGRESS_NET, 80},
	    {"10.0.0.0/8", "10.0.0.0/8", EGRESS_NET, 0},
	    {"fc00::/7", "fc00::/7", EGRESS_NET, 0},
	    {"[fd00::5]:443", "[fd00::5]:443", EGRESS_NET, 443},
	    {"[fd00::/8]:443", "[fd00::/8]:443", EGRESS_NET, 443},
	    {"[fd00::/8]", "fd00::/8", EGRESS_NET, 0},
	    {"fd00::5", "fd00::5", EGRESS_NET, 0},
	    {"DB.lan:5432", "db.lan:5432", EGRESS_NAME, 5432},
	    {"db:1", "db:1", EGRESS_NAME, 1},
	    {"Host.Internal:22", "host.internal:22", EGRESS_MACHINE, 22},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		char text[EGRESS_TEXT];
		struct egress e, again;
		struct error err = {0};

		if (egress_parse(str_z(cases[i].in), &e, &err) == -1)
			fail_msg("%s: %s", cases[i].in, err.msg);
		egress_print(&e, text);
		assert_string_equal(text, cases[i].out);
		assert_int_equal(e.kind, cases[i].kind);
		assert_int_equal(e.port, cases[i].port);
		assert_int_equal(egress_parse(str_z(text), &again, &err), 0);
		assert_true(egress_eq(&e, &again));
	}
}

static void what_is_no_rule_is_told_what_to_type(void **state)
{
	static const struct {
		const char *in, *why;
	} cases[] = {
	    {"", "HOST:PORT"},
	    {":5432", "HOST:PORT"},
	    {"db.lan", "Name the port"},
	    {"db.lan:", "from 1 to 65535"},
	    {"db.lan:0", "from 1 to 65535"},
	    {"db.lan:65536", "from 1 to 65535"},
	    {"db.lan:05", "from 1 to 65535"},
	    {"db.lan:http", "from 1 to 65535"},
	    {"db_lan:1", "HOST:PORT"},
	    {"-db:1", "HOST:PORT"},
	    {"10.0.0:80", "HOST:PORT"},
	    {"10.0.0.256:80", "HOST:PORT"},
	    {"10.0.0.0/33", "HOST:PORT"},
	    {"10.0.0.0/7", "too wide"},
	    {"0.0.0.0/0", "loopback"},
	    {"fc00::/6", "too wide"},
	    {"127.0.0.1:5432", "host.internal:PORT"},
	    {"::1", "host.internal:PORT"},
	    {"[::1]:80", "host.internal:PORT"},
	    {"224.0.0.1:80", "multicast"},
	    {"ff02::1", "multicast"},
	    {"fe80::1", "link-local"},
	    {"[fd00::1", "HOST:PORT"},
	    {"[fd00::1]5", "HOST:PORT"},
	    {"fd00::1]:5", "HOST:PORT"},
	    {"db.internal:80", "links:add"},
	    {"internal:80", "links:add"},
	    {"host.internal", "Name the port"},
	    {"http://x:80", "HOST:PORT"},
	    {"a b:80", "HOST:PORT"},
	};
	char name[300];
	struct egress e;
	struct error err = {0};

	for (size_t i = 0; i < NELEM(cases); i++) {
		if (egress_parse(str_z(cases[i].in), &e, &err) != -1)
			fail_msg("%s is taken", cases[i].in);
		if (!strstr(err.msg, cases[i].why))
			fail_msg("%s: %s", cases[i].in, err.msg);
	}
	memset(name, 'x', sizeof(name));
	memcpy(name + 254, ":80", 4);
	assert_int_equal(egress_parse(str_z(name), &e, &err), -1);
	assert_int_equal(egress_parse(str_make("db\0x:80", 7), &e, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_are_read_and_printed),
	    cmocka_unit_test(networks_hold_what_is_in_them),
	    cmocka_unit_test(rules_have_one_form),
	    cmocka_unit_test(what_is_no_rule_is_told_what_to_type),
	};

	return cmocka_run_group_tests_name("egress", tests, NULL, NULL);
}
