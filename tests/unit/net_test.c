/* jail's network, its pure parts: addresses, resolvers, the text of rules. */
/* links: runtime/jail/address.c runtime/jail/resolv.c runtime/jail/rules.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../runtime/jail/address.h"
#include "../../runtime/jail/resolv.h"
#include "../../runtime/jail/rules.h"

/* --- addresses ----------------------------------------------------------- */

static void an_address_follows_from_slot_and_number(void **state)
{
	static const struct {
		uint64_t slot;
		uint32_t number;
		const char *address, *veth;
	} cases[] = {
	    {0, 1, "100.64.0.1", "paas0-1"},
	    {0, 256, "100.64.1.0", "paas0-256"},
	    {7, 511, "100.71.1.255", "paas7-511"},
	    {63, ADDRESS_LAST, "100.127.255.254", "paas63-65534"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		uint32_t address = address_of(cases[i].slot, cases[i].number);
		char text[ADDRESS_TEXT], veth[VETH_NAME];

		address_print(address, text);
		assert_string_equal(text, cases[i].address);
		veth_name(cases[i].slot, cases[i].number, veth);
		assert_string_equal(veth, cases[i].veth);
	}
}

static void an_address_is_four_numbers_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint32_t address;
	} cases[] = {
	    {"0.0.0.0", true, 0},
	    {"10.255.0.53", true, 0x0aff0035},
	    {"255.255.255.255", true, UINT32_MAX},
	    {"256.0.0.1", false, 0},
	    {"1.2.3", false, 0},
	    {"1.2.3.", false, 0},
	    {"1.2.3.4.5", false, 0},
	    {"1.2.3.4.", false, 0},
	    {"01.2.3.4", false, 0}, /* octal, to some */
	    {"1..2.3", false, 0},
	    {"-1.2.3.4", false, 0},
	    {"1.2.3.4%eth0", false, 0},
	    {"0x7f.0.0.1", false, 0},
	    {"::1", false, 0},
	    {"", false, 0},
	    {"1.2.3.99999999999999999999", false, 0},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		uint32_t address = 0;

		if (address_parse(str_z(cases[i].text), &address) !=
		        cases[i].ok ||
		    address != cases[i].address)
			fail_msg("%s", cases[i].text);
	}
}

/* --- resolvers ----------------------------------------------------------- */

static void resolvers_are_those_an_instance_can_reach(void **state)
{
	static const struct {
		const char *text, *want; /* as printed, without names */
	} cases[] = {
	    {"", ""},
	    {"nameserver 10.0.0.2\n", "10.0.0.2\n"},
	    {"nameserver 10.0.0.2", "10.0.0.2\n"},
	    {"  nameserver\t 10.0.0.2 \t# mine\r\n", "10.0.0.2\n"},
	    {"nameserver 10.0.0.2\r\n", "10.0.0.2\n"},
	    {"# nameserver 10.0.0.2\n;nameserver 10.0.0.3\n", ""},
	    {"search a.b\nnameserver 8.8.8.8\noptions edns0\n", "8.8.8.8\n"},
	    {"nameserver 127.0.0.53\n", ""},
	    {"nameserver 127.0.0.1\nnameserver 9.9.9.9\n", "9.9.9.9\n"},
	    {"nameserver 0.0.0.0\nnameserver 224.0.0.251\n", ""},
	    {"nameserver 255.255.255.255\n", ""},
	    {"nameserver 169.254.1.1\n", ""},
	    /* Of a cloud; DNS alone is opened. */
	    {"nameserver 169.254.169.254\n", "169.254.169.254\n"},
	    {"nameserver ::1\nnameserver fe80::1%eth0\n", ""},
	    {"nameserver2 10.0.0.2\nnameserver10.0.0.2\n", ""},
	    {"nameserver 10.0.0.2; flush ruleset\n", ""},
	    {"nameserver 10.0.0.2 } accept {\n", "10.0.0.2\n"},
	    {"nameserver 1.1.1.1\nnameserver 1.1.1.1\n", "1.1.1.1\n"},
	    {"nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\n"
	     "nameserver 1.1.1.4\n",
	        "1.1.1.1\n1.1.1.2\n1.1.1.3\n"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf want = BUF_INIT(512), got = BUF_INIT(512);
		struct str rest = str_z(cases[i].want), line;
		struct resolvers r;

		while (str_split(&rest, '\n', &line))
			if (line.len > 0)
				buf_addf(&want, "nameserver " STR_FMT "\n",
				    STR_ARG(line));
		resolv_parse(str_z(cases[i].text), &r);
		resolv_print(&r, &got);
		if (!str_eq(buf_str(&want), buf_str(&got)))
			fail_msg("%s gives %s", cases[i].text, buf_z(&got));
	}
}

static void a_hostile_file_costs_no_more_than_its_length(void **state)
{
	scoped_buf struct buf text = BUF_INIT(RESOLV_FILE_MAX);
	struct resolvers r;

	/* NULs, one endless line, and then more servers than fit. */
	buf_add(&text, STR("nameserver 1.2.3.4\0\nnameserver \0 1.2.3.4\n"));
	memset(buf_reserve(&text, 30000), 'n', 30000);
	text.len += 30000;
	for (unsigned i = 0; i < 1000; i++)
		buf_addf(&text, "\nnameserver 9.9.%u.%u", i / 250, 1 + i % 250);
	assert_false(text.bad);
	resolv_parse(buf_str(&text), &r);
	assert_int_equal(r.n, RESOLVERS_MAX);
	assert_int_equal(r.address[0], 0x09090001);
	assert_int_equal(r.address[2], 0x09090003);
}

/* --- rules --------------------------------------------------------------- */

static void uplinks_are_names_that_the_text_can_hold(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {
	    {"eth0", true},
	    {"eth0", false}, /* there already */
	    {"br-0a.100_x", true},
	    {"fifteen-letters", true},
	    {"sixteen--letters", false},
	    {"", false},
	    {"a*", false},
	    {"a\" } x", false},
	    {"a\n", false},
	    {"w\xc3\xa9", false},
	};
	struct uplinks u = {0};
	char name[8];

	for (size_t i = 0; i < NELEM(cases); i++)
		if (uplinks_add(&u, cases[i].name) != cases[i].ok)
			fail_msg("%s", cases[i].name);
	assert_int_equal(u.n, 3);
	for (unsigned i = 3; i < UPLINKS_MAX; i++) {
		snprintf(name, sizeof(name), "x%u", i);
		assert_true(uplinks_add(&u, name));
	}
	assert_false(uplinks_add(&u, "one-more"));
	assert_int_equal(u.n, UPLINKS_MAX);
}

static bool has(struct buf *text, const char *part)
{
	return strstr(buf_z(text), part) != NULL;
}

static void rules_are_the_table_anew(void **state)
{
	scoped_buf struct buf text = BUF_INIT(RULES_MAX);
	struct rules r = {.slot = 12};

	rules_print(&r, &text);
	assert_false(text.bad);
	assert_true(str_starts(
	    buf_str(&text), STR("table inet paas12\ndelete table inet paas12\n"
	                        "table inet paas12 {\n")));
	assert_true(str_ends(buf_str(&text), STR("\t}\n}\n")));
	/* Empty sets have no elements, which nft would not take. */
	assert_true(has(&text, "set resolvers {\n\t\ttype ipv4_addr\n\t}\n"));
	assert_true(has(&text, "set opened {\n\t\ttype ifname\n\t}\n"));
	assert_true(has(&text, "ip saddr 100.76.0.0/16 "));
	assert_false(has(&text, "\"paas12*\"")); /* paas1 is not paas12 */
}

static void rules_deny_all_that_is_not_the_internet(void **state)
{
	static const char *const parts[] = {" 10.0.0.0/8,", " 172.16.0.0/12,",
	    " 192.168.0.0/16,", " 100.64.0.0/10,", " 127.0.0.0/8,",
	    " 169.254.0.0/16,", " 0.0.0.0/8,", " 224.0.0.0/3 }",
	    "iifname \"paas0-*\" meta nfproto != ipv4 drop",
	    "iifname \"paas0-*\" fib saddr . iif oif missing drop",
	    "iifname \"paas0-*\" goto refuse", "iifname \"paas0-*\" goto from_",
	    "ip daddr @denied goto refuse", "oifname \"paas*\" goto refuse"};
	scoped_buf struct buf text = BUF_INIT(RULES_MAX);
	struct rules r = {.slot = 0};

	rules_print(&r, &text);
	for (size_t i = 0; i < NELEM(parts); i++)
		if (!has(&text, parts[i]))
			fail_msg("%s", parts[i]);
}

static void rules_name_resolvers_and_uplinks(void **state)
{
	scoped_buf struct buf text = BUF_INIT(RULES_MAX);
	struct rules r = {.slot = 63};
	char name[UPLINK_NAME];

	resolv_parse(
	    STR("nameserver 10.0.0.1\nnameserver 10.0.0.2\n"), &r.resolvers);
	for (unsigned i = 0; i < UPLINKS_MAX; i++) {
		snprintf(name, sizeof(name), "fifteen-letter%u", i);
		assert_true(uplinks_add(&r.opened, name));
	}
	rules_print(&r, &text);
	assert_false(text.bad); /* at the most */
	assert_true(has(&text, "elements = { 10.0.0.1, 10.0.0.2 }"));
	assert_true(has(
	    &text, "elements = { \"fifteen-letter0\", \"fifteen-letter1\", "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_follows_from_slot_and_number),
	    cmocka_unit_test(an_address_is_four_numbers_and_nothing_else),
	    cmocka_unit_test(resolvers_are_those_an_instance_can_reach),
	    cmocka_unit_test(a_hostile_file_costs_no_more_than_its_length),
	    cmocka_unit_test(uplinks_are_names_that_the_text_can_hold),
	    cmocka_unit_test(rules_are_the_table_anew),
	    cmocka_unit_test(rules_deny_all_that_is_not_the_internet),
	    cmocka_unit_test(rules_name_resolvers_and_uplinks),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
