/* names: who asks, which names there are for him, what a packet was. */
/* links: runtime/names/who.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../runtime/names/who.h"
#include "wire/packet.h"

static struct endpoint *add(struct who *w, uint64_t id, uint64_t app,
    uint32_t address, const char *type, bool found)
{
	struct ip ip = ip_from4(address);
	struct endpoint *e = who_endpoint(w, id, &ip);

	e->app = app;
	e->found = found;
	str_copy(str_z(type), e->type, sizeof(e->type));
	return e;
}

static void link_to(struct who *w, uint64_t from, uint64_t to, const char *name)
{
	struct who_app *a = who_app_new(from);

	who_app_link(a, to, str_z(name));
	who_app_put(w, a);
}

/* Addresses found, with a space behind each; "-" none such, "?" not ours. */
static const char *find(
    const struct who *w, uint64_t app, const char *name, char out[200])
{
	struct ip ips[8];
	size_t n;

	out[0] = '\0';
	switch (who_find(w, app, str_z(name), ips, 8, &n)) {
	case WHO_OTHERS:
		return "?";
	case WHO_NONE:
		return "-";
	case WHO_FOUND:
		break;
	}
	for (size_t i = 0; i < n; i++) {
		ip_print(&ips[i], out + strlen(out));
		strcat(out, " ");
	}
	return out;
}

static void names_are_there_for_linked_apps_alone(void **state)
{
	struct who w;
	static const struct {
		uint64_t app;
		const char *name, *want;
	} cases[] = {
	    {1, "db.internal", "100.64.0.1 100.64.0.2 "},
	    {1, "worker.db.internal", "100.64.0.3 "},
	    {1, "web.db.internal", "100.64.0.1 100.64.0.2 "},
	    {1, "clock.db.internal", ""},
	    {1, "a.worker.db.internal", "?"},
	    {1, "web.internal", "-"},
	    {1, "internal", "?"},
	    {1, "db.internal.example", "?"},
	    {1, "", "?"},
	    {1, ".internal", "-"},
	    {2, "db.internal", "-"}, /* no way back */
	    {3, "db.internal", "-"},
	    {3, "worker.db.internal", "?"}, /* somebody's own zone, for him */
	    {0, "db.internal", "-"},
	    {0, "host.internal", "169.254.1.1 "},
	    {1, "metadata.google.internal", "?"},
	};
	char out[200];

	who_init(&w);
	link_to(&w, 1, 2, "db");
	(void)add(&w, 11, 2, 0x64400001, "web", true);
	(void)add(&w, 12, 2, 0x64400002, "web", true);
	(void)add(&w, 13, 2, 0x64400003, "Worker", true);
	(void)add(&w, 14, 2, 0x64400004, "web", false); /* not yet */
	(void)add(&w, 15, 3, 0x64400005, "web", true);
	for (size_t i = 0; i < NELEM(cases); i++)
		if (strcmp(find(&w, cases[i].app, cases[i].name, out),
		        cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].name,
			    find(&w, cases[i].app, cases[i].name, out));
	who_release(&w);
}

static void an_address_is_of_the_last_who_had_it(void **state)
{
	struct ip ip = ip_from4(0x64400001);
	struct who w;

	assert_true(who_is_instance(&ip));
	assert_false(who_is_instance(&(struct ip){{0xfd}}));
	ip = ip_from4(0x64800000); /* past 100.64/10 */
	assert_false(who_is_instance(&ip));
	ip = ip_from4(0x64400001);
	who_init(&w);
	assert_null(who_at(&w, &ip));
	(void)add(&w, 1, 7, 0x64400001, "web", true);
	(void)add(&w, 2, 8, 0x64400001, "web", true);
	assert_int_equal(who_at(&w, &ip)->app, 8);
	who_endpoint_drop(&w, 1); /* told late that it is gone */
	assert_int_equal(who_at(&w, &ip)->app, 8);
	who_endpoint_drop(&w, 2);
	assert_null(who_at(&w, &ip));
	who_endpoint_drop(&w, 2);
	who_release(&w);
}

static void a_snapshot_forgets_what_it_does_not_name(void **state)
{
	char out[200];
	struct who w;

	who_init(&w);
	link_to(&w, 1, 2, "db");
	link_to(&w, 5, 2, "db");
	(void)add(&w, 1, 2, 0x64400001, "web", true);
	(void)add(&w, 2, 2, 0x64400002, "web", true);
	who_apps_mark(&w);
	who_endpoints_mark(&w);
	/* In between all are as they were. */
	assert_string_equal(
	    find(&w, 5, "db.internal", out), "100.64.0.1 100.64.0.2 ");
	link_to(&w, 1, 2, "db");
	(void)add(&w, 2, 2, 0x64400002, "web", true);
	who_apps_sweep(&w);
	who_endpoints_sweep(&w);
	assert_string_equal(find(&w, 1, "db.internal", out), "100.64.0.2 ");
	assert_string_equal(find(&w, 5, "db.internal", out), "-");
	who_release(&w);
}

static void ports_of_a_host_are_its_rules(void **state)
{
	struct who_app *a = who_app_new(1), *all = who_app_new(0);
	uint16_t ports[3];
	struct who w;

	who_init(&w);
	who_app_rule(a, STR("db.lan:1"));
	who_app_rule(a, STR("db.lan:2"));
	who_app_rule(a, STR("other.lan:3"));
	who_app_rule(a, STR("10.0.0.0/8")); /* jail's */
	who_app_rule(a, STR("nonsense"));
	who_app_rule(all, STR("db.lan:2"));
	who_app_rule(all, STR("db.lan:4"));
	assert_int_equal(a->nrules, 3);
	who_app_put(&w, a);
	who_app_put(&w, all);
	assert_int_equal(who_ports(&w, 1, "db.lan", ports, 3), 3);
	assert_int_equal(ports[0] + ports[1] + ports[2], 1 + 2 + 4);
	assert_int_equal(who_ports(&w, 1, "db.lan", ports, 2), 2);
	assert_int_equal(who_ports(&w, 2, "db.lan", ports, 3), 2);
	assert_int_equal(who_ports(&w, 1, "lan", ports, 3), 0);
	who_app_put(&w, who_app_new(1)); /* none any more */
	assert_null(who_app(&w, 1));
	who_release(&w);
}

static void a_packet_says_where_it_goes(void **state)
{
	static const char tcp[] =
	    "\x45\x00\x00\x28\x00\x00\x40\x00\x40\x06\x00\x00\x64\x40\x00\x01"
	    "\x0a\x00\x00\x05\x9c\x40\x15\x38";
	static const char six[] =
	    "\x60\x00\x00\x00\x00\x14\x11\x40\xfd\x00\x00\x00\x00\x00\x00\x00"
	    "\x00\x00\x00\x00\x00\x00\x00\x01\xfd\x00\x00\x00\x00\x00\x00\x00"
	    "\x00\x00\x00\x00\x00\x00\x00\x02\x9c\x40\x00\x35";
	char piece[sizeof(tcp)], text[IP_TEXT];
	struct packet p;

	assert_true(packet_parse(str_make(tcp, 24), &p));
	assert_int_equal(p.protocol, PACKET_TCP);
	assert_int_equal(p.port, 5432);
	ip_print(&p.to, text);
	assert_string_equal(text, "10.0.0.5");
	assert_true(packet_parse(str_make(tcp, 23), &p)); /* cut in the ports */
	assert_int_equal(p.port, 0);
	assert_false(packet_parse(str_make(tcp, 19), &p));
	memcpy(piece, tcp, sizeof(tcp));
	piece[7] = 1; /* a later piece has no ports */
	assert_true(packet_parse(str_make(piece, 24), &p));
	assert_int_equal(p.port, 0);
	piece[0] = 0x44; /* a head of 16 bytes */
	assert_false(packet_parse(str_make(piece, 24), &p));
	assert_true(packet_parse(str_make(six, 44), &p));
	assert_int_equal(p.port, 53);
	ip_print(&p.to, text);
	assert_string_equal(text, "fd00::2");
	assert_false(packet_parse(str_make(six, 39), &p));
	assert_false(packet_parse(STR(""), &p));
	assert_false(packet_parse(STR("\x50xxxxxxxxxxxxxxxxxxxxxxxx"), &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_there_for_linked_apps_alone),
	    cmocka_unit_test(an_address_is_of_the_last_who_had_it),
	    cmocka_unit_test(a_snapshot_forgets_what_it_does_not_name),
	    cmocka_unit_test(ports_of_a_host_are_its_rules),
	    cmocka_unit_test(a_packet_says_where_it_goes),
	};

	return cmocka_run_group_tests_name("who", tests, NULL, NULL);
}
