/* jail's network, its pure parts: addresses, resolvers, the text of rules. */
/* links: runtime/jail/address.c runtime/jail/resolv.c runtime/jail/rules.c */
/* links: runtime/jail/policy.c */
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

static void an_ipv6_address_follows_from_slot_and_number(void **state)
{
	char text[IP_NET_TEXT];
	struct ip ip = address6_of(63, ADDRESS_LAST);
	struct ip_net net = address6_net(63);

	ip_print(&ip, text);
	assert_string_equal(text, "fd70:6161:733f::fffe");
	assert_true(ip_net_has(&net, &ip));
	ip_net_print(&net, text);
	assert_string_equal(text, "fd70:6161:733f::/48");
	net = address6_net(0);
	assert_false(ip_net_has(&net, &ip));
}

/* --- resolvers ----------------------------------------------------------- */

static void print_resolvers(const struct resolvers *r, struct buf *out)
{
	char text[IP_TEXT];

	for (uint32_t i = 0; i < r->n; i++) {
		ip_print(&r->address[i], text);
		buf_addf(out, "nameserver %s\n", text);
	}
}

static void resolvers_are_those_that_can_be_asked(void **state)
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
	    {"nameserver 127.0.0.53\n", "127.0.0.53\n"},
	    {"nameserver ::1\nnameserver 9.9.9.9\n", "::1\n9.9.9.9\n"},
	    {"nameserver fd00::53\nnameserver fe80::1\n", "fd00::53\n"},
	    {"nameserver 0.0.0.0\nnameserver 224.0.0.251\n", ""},
	    {"nameserver 255.255.255.255\n", ""},
	    {"nameserver 169.254.1.1\n", ""},
	    /* Of a cloud; DNS alone is opened. */
	    {"nameserver 169.254.169.254\n", "169.254.169.254\n"},
	    {"nameserver ::\nnameserver fe80::1%eth0\n", ""},
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
		print_resolvers(&r, &got);
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
	assert_int_equal(ip_v4(&r.address[0]), 0x09090001);
	assert_int_equal(ip_v4(&r.address[2]), 0x09090003);
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

static void print(
    const struct rules *r, const struct policy *p, struct buf *out)
{
	struct policy none;

	policy_init(&none);
	rules_print(r, p ? p : &none, 100, out);
	policy_release(&none);
	assert_false(out->bad);
}

#define TEXT_MAX (1u << 20)

static void rules_are_the_table_anew(void **state)
{
	scoped_buf struct buf text = BUF_INIT(TEXT_MAX);
	struct rules r = {.slot = 12, .flows = 77};

	print(&r, NULL, &text);
	assert_true(str_starts(
	    buf_str(&text), STR("table inet paas12\ndelete table inet paas12\n"
	                        "table inet paas12 {\n")));
	assert_true(str_ends(buf_str(&text), STR("\t}\n}\n")));
	/* Empty sets have no elements, which nft would not take. */
	assert_true(has(&text, "set opened4 {\n\t\ttype ifname\n\t}\n"));
	assert_true(
	    has(&text, "set links {\n\t\ttype devgroup . devgroup\n\t}\n"));
	assert_true(has(&text, "ip saddr 100.76.0.0/16 "));
	assert_true(has(&text, "ip6 saddr fd70:6161:730c::/48 "));
	assert_true(has(&text, "ct count over 77 "));
	assert_false(has(&text, "\"paas12*\"")); /* paas1 is not paas12 */
}

static void rules_deny_all_that_is_not_the_internet(void **state)
{
	static const char *const parts[] = {" 10.0.0.0/8,", " 172.16.0.0/12,",
	    " 192.168.0.0/16,", " 100.64.0.0/10,", " 127.0.0.0/8,",
	    " 169.254.0.0/16,", " 0.0.0.0/8,", " 224.0.0.0/3 }", " fc00::/7,",
	    " fe80::/10,", " ff00::/8 }", " ::/8,", "meta nfproto != ipv4 drop",
	    "fib saddr . iif oif missing drop",
	    "iifname \"paas0-*\" goto at_host", "iifname \"paas0-*\" goto away",
	    "ip daddr @denied4 goto refuse", "ip6 daddr @denied6 goto refuse",
	    "oifname \"paas*\" goto refuse"};
	scoped_buf struct buf text = BUF_INIT(TEXT_MAX);
	struct rules r = {.slot = 0};

	print(&r, NULL, &text);
	for (size_t i = 0; i < NELEM(parts); i++)
		if (!has(&text, parts[i]))
			fail_msg("%s", parts[i]);
}

static void rules_follow_the_settings_and_the_host(void **state)
{
	struct rules r = {.slot = 3,
	    .flows = 1,
	    .dns_udp = 5001,
	    .dns_tcp = 5002,
	    .smtp = true,
	    .ipv6 = true};
	scoped_buf struct buf on = BUF_INIT(TEXT_MAX), off = BUF_INIT(TEXT_MAX);
	char name[UPLINK_NAME];

	for (unsigned i = 0; i < UPLINKS_MAX; i++) {
		snprintf(name, sizeof(name), "fifteen-letter%u", i);
		assert_true(uplinks_add(&r.opened, name));
	}
	print(&r, NULL, &on);
	assert_true(has(&on, "udp dport 53 dnat ip to 169.254.1.1:5001\n"));
	assert_true(has(&on, "tcp dport 5002 accept\n"));
	assert_true(has(
	    &on, "elements = { \"fifteen-letter0\", \"fifteen-letter1\", "));
	assert_false(has(&on, "tcp dport 25"));
	assert_false(has(&on, "meta nfproto != ipv4 drop"));
	assert_true(has(&on, "group 28772 ")); /* of slot 3 */
	print(&(struct rules){.slot = 3}, NULL, &off);
	assert_false(has(&off, "dnat ip to"));
	assert_true(has(&off, "tcp dport 25 goto refuse"));
	assert_true(has(&off, "meta nfproto != ipv4 drop"));
}

/* --- policy -------------------------------------------------------------- */

static struct policy_app *app(uint64_t id, const char *rules, uint64_t link)
{
	struct policy_app *a = policy_app_new(id);
	struct str rest = str_z(rules), rule;

	while (rest.len && str_split(&rest, ' ', &rule))
		assert_true(policy_app_egress(a, rule));
	if (link)
		policy_app_link(a, link);
	return a;
}

static void a_policy_is_printed_for_nft(void **state)
{
	scoped_buf struct buf text = BUF_INIT(TEXT_MAX);
	struct ip ip = ip_from4(0x0a000005), ip6 = {{0xfd, [15] = 9}};
	struct policy p;
	static const char *const parts[] = {
	    "chain app_7 {\n\t\tip daddr 10.0.0.0/8 accept\n"
	    "\t\tip daddr 10.1.2.3 meta l4proto { tcp, udp } th dport 5432 "
	    "accept\n\t\tip6 daddr fd00::/8 meta l4proto { tcp, udp } th dport "
	    "443 accept\n\t}\n",
	    "elements = { 268435463 : jump app_7, ",
	    "elements = { 268435463 . 268435464, ",
	    "elements = { 268435463 . 22, ",
	    "268435463 . 10.0.0.5 . 99 timeout 50s, ",
	    "268435463 . fd00::9 . 99 timeout 50s, ",
	    "chain app_0 {\n\t\tip daddr 192.168.0.0/16 accept\n\t}\n",
	    "chain machine {\n\t\tmeta l4proto { tcp, udp } th dport 53 "
	    "accept\n\t}\n"};

	policy_init(&p);
	assert_true(policy_put(
	    &p, app(7,
	            "10.0.0.0/8 10.1.2.3:5432 [fd00::/8]:443 host.internal:22 "
	            "db.lan:99",
	            8)));
	assert_true(
	    policy_put(&p, app(0, "192.168.0.0/16 host.internal:53", 0)));
	assert_true(policy_open(&p, 7, &ip, 99, 100, 150));
	assert_false(policy_open(&p, 7, &ip, 99, 100, 150));
	assert_true(policy_open(&p, 7, &ip6, 99, 100, 150));
	rules_print(&(struct rules){.slot = 0}, &p, 100, &text);
	for (size_t i = 0; i < NELEM(parts); i++)
		if (!has(&text, parts[i]))
			fail_msg("%s in %s", parts[i], buf_z(&text));
	text.len = 0;
	policy_rules(&p, 150, &text); /* its time is over */
	assert_false(has(&text, "10.0.0.5"));
	policy_release(&p);
}

static void a_policy_is_kept_as_text(void **state)
{
	scoped_buf struct buf text = BUF_INIT(TEXT_MAX),
	                      again = BUF_INIT(TEXT_MAX);
	struct ip ip = ip_from4(0x0a000005);
	struct policy p, q;

	policy_init(&p);
	policy_init(&q);
	(void)policy_put(&p, app(7, "10.0.0.0/8 db.lan:99", 8));
	(void)policy_open(&p, 7, &ip, 99, 1, 3000);
	policy_print(&p, &text);
	assert_string_equal(buf_z(&text),
	    "app 7\negress 10.0.0.0/8\negress db.lan:99\nlink 8\n"
	    "open 10.0.0.5 99 3000\n");
	policy_parse(&q, buf_str(&text));
	policy_print(&q, &again);
	assert_string_equal(buf_z(&text), buf_z(&again));
	/* What another version or an accident left does no harm. */
	policy_release(&q);
	policy_init(&q);
	policy_parse(&q, STR("egress 10.0.0.0/8\napp x\nlink 9\nopen\napp 3\n"
	                     "egress nonsense\nlink 3\nlink -1\nopen x 1 1\n"
	                     "future 1\nlink 4\nlink 4"));
	again.len = 0;
	policy_print(&q, &again);
	assert_string_equal(buf_z(&again), "app 3\nlink 4\n");
	policy_release(&p);
	policy_release(&q);
}

static void what_is_open_by_name_goes_with_its_rule(void **state)
{
	struct ip ip = ip_from4(0x0a000005);
	struct policy p;

	policy_init(&p);
	(void)policy_put(&p, app(7, "db.lan:99 db.lan:98", 0));
	(void)policy_open(&p, 7, &ip, 99, 1, 3000);
	(void)policy_open(&p, 7, &ip, 98, 1, 3000);
	assert_true(policy_put(&p, app(7, "db.lan:98", 0)));
	assert_int_equal(policy_find(&p, 7)->nopen, 1);
	assert_int_equal(policy_find(&p, 7)->open[0].port, 98);
	assert_false(policy_put(&p, app(7, "db.lan:98", 0))); /* the same */
	(void)policy_put(&p, app(0, "db.lan:98", 0));
	assert_true(policy_put(&p, policy_app_new(7)));
	assert_int_equal(policy_find(&p, 7)->nopen, 1); /* by all apps' leave */
	(void)policy_put(&p, policy_app_new(0));
	(void)policy_put(&p, policy_app_new(7));
	assert_null(policy_find(&p, 7));
	policy_release(&p);
}

static void nothing_is_opened_without_a_rule_by_name(void **state)
{
	struct policy p;

	policy_init(&p);
	assert_false(policy_may_open(&p, 7, 99));
	(void)policy_put(&p, app(7, "10.0.0.0/8:97 host.internal:98", 8));
	assert_false(policy_may_open(&p, 7, 97));
	assert_false(policy_may_open(&p, 7, 98));
	(void)policy_put(&p, app(7, "db.lan:99", 0));
	assert_true(policy_may_open(&p, 7, 99));
	assert_false(policy_may_open(&p, 8, 99));
	(void)policy_put(&p, policy_app_new(7));
	assert_false(policy_may_open(&p, 7, 99)); /* it came too late */
	(void)policy_put(&p, app(0, "db.lan:96", 0));
	assert_true(policy_may_open(&p, 7, 96)); /* by all apps' leave */
	policy_release(&p);
}

static void no_name_opens_more_than_so_many_addresses(void **state)
{
	struct policy p;

	policy_init(&p);
	(void)policy_put(&p, app(7, "db.lan:99", 0));
	for (uint32_t i = 0; i <= POLICY_OPEN_MAX; i++) {
		struct ip ip = ip_from4(0x0a000000 + i);

		assert_true(policy_open(&p, 7, &ip, 99, 1, 1000 + i));
	}
	assert_int_equal(policy_find(&p, 7)->nopen, POLICY_OPEN_MAX);
	/* The one that would have ended first made room. */
	for (size_t i = 0; i < POLICY_OPEN_MAX; i++)
		assert_true(policy_find(&p, 7)->open[i].until > 1000);
	policy_release(&p);
}

static void a_change_is_a_few_commands(void **state)
{
	scoped_buf struct buf text = BUF_INIT(TEXT_MAX);
	struct policy_app *old = app(7, "10.0.0.0/8 host.internal:1", 8);
	struct policy_app *new = app(7, "10.1.0.0/16", 9);

	policy_change("paas0", NULL, old, &text);
	assert_string_equal(buf_z(&text),
	    "add chain inet paas0 app_7\nflush chain inet paas0 app_7\n"
	    "add rule inet paas0 app_7 ip daddr 10.0.0.0/8 accept\n"
	    "add element inet paas0 apps { 268435463 : jump app_7, }\n"
	    "add element inet paas0 links { 268435463 . 268435464, }\n"
	    "add element inet paas0 ports { 268435463 . 1, }\n");
	text.len = 0;
	policy_change("paas0", old, new, &text);
	assert_true(str_starts(buf_str(&text),
	    STR("delete element inet paas0 links { 268435463 . 268435464, }\n"
	        "delete element inet paas0 ports { 268435463 . 1, }\n")));
	text.len = 0;
	policy_change("paas0", new, NULL, &text);
	assert_string_equal(buf_z(&text),
	    "delete element inet paas0 links { 268435463 . 268435465, }\n"
	    "delete element inet paas0 apps { 268435463 : jump app_7, }\n"
	    "delete chain inet paas0 app_7\n");
	policy_app_free(old);
	policy_app_free(new);
}

static void an_app_without_a_group_has_no_rules(void **state)
{
	scoped_buf struct buf text = BUF_INIT(TEXT_MAX);
	struct policy p;

	policy_init(&p);
	assert_int_equal(policy_group(0x0fffffff), 0x1fffffff);
	assert_int_equal(policy_group(0x10000000), POLICY_GROUP);
	(void)policy_put(&p, app(0x10000000, "10.0.0.0/8", 1));
	policy_rules(&p, 0, &text);
	assert_false(has(&text, "10.0.0.0/8"));
	assert_false(has(&text, "elements"));
	policy_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_follows_from_slot_and_number),
	    cmocka_unit_test(an_ipv6_address_follows_from_slot_and_number),
	    cmocka_unit_test(resolvers_are_those_that_can_be_asked),
	    cmocka_unit_test(a_hostile_file_costs_no_more_than_its_length),
	    cmocka_unit_test(uplinks_are_names_that_the_text_can_hold),
	    cmocka_unit_test(rules_are_the_table_anew),
	    cmocka_unit_test(rules_deny_all_that_is_not_the_internet),
	    cmocka_unit_test(rules_follow_the_settings_and_the_host),
	    cmocka_unit_test(a_policy_is_printed_for_nft),
	    cmocka_unit_test(a_policy_is_kept_as_text),
	    cmocka_unit_test(what_is_open_by_name_goes_with_its_rule),
	    cmocka_unit_test(nothing_is_opened_without_a_rule_by_name),
	    cmocka_unit_test(no_name_opens_more_than_so_many_addresses),
	    cmocka_unit_test(a_change_is_a_few_commands),
	    cmocka_unit_test(an_app_without_a_group_has_no_rules),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
