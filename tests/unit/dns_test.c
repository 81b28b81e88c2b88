/* dns: questions, replies, answers; by bytes as resolvers send them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire/dns.h"

#define HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define DB                                                                     \
	"\x02"                                                                 \
	"Db\x08internal\x00"
#define IN "\x00\x01"
#define A "\x00\x01"
#define AAAA "\x00\x1c"
#define OPT(size) "\x00\x00\x29" size "\x00\x00\x00\x00\x00\x00"

static int ask(struct str s, struct dns_question *q, enum dns_code *why)
{
	struct error err = {0};
	int done = dns_question(s, q, why, &err);

	if (done == -1)
		assert_int_not_equal(err.code, ERR_NONE);
	return done;
}

static void a_question_is_read(void **state)
{
	struct dns_question q;
	enum dns_code why;

	assert_int_equal(ask(STR(HEAD DB A IN), &q, &why), 0);
	assert_string_equal(q.name, "db.internal");
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.type, DNS_A);
	assert_true(q.recursion);
	assert_int_equal(q.udp_max, DNS_UDP);
	assert_int_equal(q.end, sizeof(HEAD DB A IN) - 1);
	assert_int_equal(ask(STR(HEAD "\x00" A IN), &q, &why), 0);
	assert_string_equal(q.name, "");
}

static void an_opt_record_says_how_much_fits(void **state)
{
	static const struct {
		struct str s;
		unsigned want;
	} cases[] = {
	    {STR(OPT("\x04\xd0")), 1232},
	    {STR(OPT("\x00\x10")), 512},    /* less than all take */
	    {STR("\x00\x00\x29\x04"), 512}, /* cut */
	    {STR("\x01x\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"), 512},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf s = BUF_INIT(600);
		struct dns_question q;
		enum dns_code why;

		buf_add(&s, STR(HEAD DB A IN));
		s.p[11] = 1;
		buf_add(&s, cases[i].s);
		assert_int_equal(ask(buf_str(&s), &q, &why), 0);
		assert_int_equal(q.udp_max, cases[i].want);
	}
}

static void what_is_no_question_is_told_why(void **state)
{
	static const struct {
		struct str s;
		enum dns_code why;
	} cases[] = {
	    {STR(""), DNS_NOERROR},
	    {STR("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00"), DNS_NOERROR},
	    {STR("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00" DB A IN),
	        DNS_NOERROR}, /* a reply */
	    {STR("\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00" DB A IN),
	        DNS_NOTIMP}, /* an update */
	    {STR("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
	        DNS_FORMERR},
	    {STR("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" DB A IN DB A
	             IN),
	        DNS_FORMERR},
	    {STR("\x12\x34\x01\x00\x00\x01\x00\x01\x00\x00\x00\x00" DB A IN),
	        DNS_FORMERR},
	    {STR(HEAD), DNS_FORMERR}, {STR(HEAD DB A "\x00"), DNS_FORMERR},
	    {STR(HEAD "\x02"
	              "d"),
	        DNS_FORMERR},
	    {STR(HEAD "\xc0\x0c" A IN), DNS_FORMERR}, /* points to itself */
	    {STR(HEAD "\x01x\xc0\x0c" A IN), DNS_FORMERR},
	    {STR(HEAD "\x40xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	              "xxxxxxxxxxxxx\x00" A IN),
	        DNS_FORMERR}, /* a label of 64 */
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct dns_question q;
		enum dns_code why = DNS_REFUSED;

		assert_int_equal(ask(cases[i].s, &q, &why), -1);
		assert_int_equal(why, cases[i].why);
	}
}

/* A name of n bytes as dotted text, in labels of at most 63. */
static void put_name(struct buf *s, size_t n)
{
	while (n > 0) {
		size_t label = n > 63 ? 63 : n;

		buf_addc(s, (char)label);
		for (size_t i = 0; i < label; i++)
			buf_addc(s, 'x');
		n -= label;
		n -= n > 0;
	}
	buf_addc(s, '\0');
}

static void a_name_has_at_most_253_bytes(void **state)
{
	for (size_t n = 253; n <= 254; n++) {
		scoped_buf struct buf s = BUF_INIT(600);
		struct dns_question q;
		enum dns_code why;

		buf_add(&s, STR(HEAD));
		put_name(&s, n);
		buf_add(&s, STR(A IN));
		assert_int_equal(ask(buf_str(&s), &q, &why), n == 253 ? 0 : -1);
		if (n == 253)
			assert_int_equal(strlen(q.name), 253);
	}
}

static void strange_bytes_match_no_name(void **state)
{
	struct dns_question q;
	enum dns_code why;

	assert_int_equal(ask(STR(HEAD "\x0b"
	                              "db.internal\x00" A IN),
	                     &q, &why),
	    0);
	assert_string_equal(q.name, "db?internal");
	assert_int_equal(ask(STR(HEAD "\x03"
	                              "d\x00"
	                              "b\x00" A IN),
	                     &q, &why),
	    0);
	assert_string_equal(q.name, "d?b");
}

static void a_reply_counts_when_id_and_question_match(void **state)
{
	static const struct str asked = STR(HEAD DB A IN);
	static const struct {
		struct str s;
		bool want;
	} cases[] = {
	    {STR("\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" DB A IN),
	        true},
	    {STR("\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00"
	         "\x02"
	         "dB\x08INTERNAL\x00" A IN),
	        true},
	    {STR("\x12\x35\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" DB A IN),
	        false},
	    {STR("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" DB A IN),
	        false},
	    {STR("\x12\x34\x81\x80\x00\x00\x00\x00\x00\x00\x00\x00"), false},
	    {STR("\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" DB AAAA IN),
	        false},
	    {STR("\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00"
	         "\x02"
	         "dc\x08internal\x00" A IN),
	        false},
	    {STR("\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" DB A),
	        false},
	    {STR("\x12\x34"), false},
	};

	for (size_t i = 0; i < NELEM(cases); i++)
		if (dns_replies(cases[i].s, asked, 0x1234) != cases[i].want)
			fail_msg("case %zu", i);
}

struct seen {
	char text[200];
};

static void see(void *arg, const struct ip *ip)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	ip_print(ip, s->text + at);
	strcat(s->text, " ");
}

static void addresses_stand_in_the_answers(void **state)
{
	static const struct str reply = STR(
	    "\x12\x34\x81\x80\x00\x01\x00\x03\x00\x01\x00\x00" DB A IN
	    "\xc0\x0c\x00\x05" IN "\x00\x00\x00\x3c\x00\x04\x01x\xc0\x0f"
	    "\x01x\xc0\x0f" A IN "\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x05"
	    "\x01x\xc0\x0f" AAAA IN "\x00\x00\x00\x3c\x00\x10\xfd\x00\x00\x00"
	    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"
	    "\xc0\x0c" A IN "\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04");
	struct seen s = {""};

	assert_int_equal(dns_addresses(reply, see, &s), 0);
	assert_string_equal(s.text, "10.0.0.5 fd00::9 ");
	for (size_t n = 0; n < reply.len - 16; n++) {
		s.text[0] = '\0';
		assert_int_equal(
		    dns_addresses(str_sub(reply, 0, n), see, &s), -1);
	}
}

static void our_answers_are_of_the_family_asked_for(void **state)
{
	struct ip ips[2] = {ip_from4(0x64400001), {{0xfd, [15] = 1}}};
	static const struct {
		struct str asked;
		const char *want;
	} cases[] = {
	    {STR(HEAD DB A IN), "100.64.0.1 "},
	    {STR(HEAD DB AAAA IN), "fd00::1 "},
	    {STR(HEAD DB "\x00\xff" IN), "100.64.0.1 fd00::1 "},
	    {STR(HEAD DB "\x00\x0f" IN), ""}, /* MX: there, but empty */
	    {STR(HEAD DB A "\x00\x03"), ""},  /* CHAOS */
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf out = BUF_INIT(DNS_MAX);
		struct seen s = {""};
		struct dns_question q;
		enum dns_code why;

		assert_int_equal(ask(cases[i].asked, &q, &why), 0);
		dns_answer(
		    cases[i].asked, &q, DNS_NOERROR, ips, 2, 5, 512, &out);
		assert_true(dns_replies(buf_str(&out), cases[i].asked, 0x1234));
		assert_int_equal(dns_rcode(buf_str(&out)), DNS_NOERROR);
		assert_int_equal(dns_addresses(buf_str(&out), see, &s), 0);
		assert_string_equal(s.text, cases[i].want);
	}
}

static void an_answer_that_does_not_fit_is_marked(void **state)
{
	struct str asked = STR(HEAD DB A IN);
	struct ip ips[40];
	struct dns_question q;
	enum dns_code why;

	for (uint32_t i = 0; i < 40; i++)
		ips[i] = ip_from4(i);
	assert_int_equal(ask(asked, &q, &why), 0);
	for (size_t n = 30; n <= 31; n++) {
		scoped_buf struct buf out = BUF_INIT(DNS_MAX);

		dns_answer(asked, &q, DNS_NOERROR, ips, n, 5, 512, &out);
		assert_int_equal(out.len, q.end + 16 * 30);
		assert_int_equal(dns_truncated(buf_str(&out)), n == 31);
	}
}

static void an_error_needs_no_question(void **state)
{
	scoped_buf struct buf out = BUF_INIT(DNS_MAX);
	struct dns_question q = {.id = 7};

	dns_answer((struct str){0}, &q, DNS_FORMERR, NULL, 0, 0, 512, &out);
	assert_int_equal(out.len, DNS_HEAD);
	assert_int_equal(dns_rcode(buf_str(&out)), DNS_FORMERR);
	assert_int_equal(dns_id(buf_str(&out)), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_question_is_read),
	    cmocka_unit_test(an_opt_record_says_how_much_fits),
	    cmocka_unit_test(what_is_no_question_is_told_why),
	    cmocka_unit_test(a_name_has_at_most_253_bytes),
	    cmocka_unit_test(strange_bytes_match_no_name),
	    cmocka_unit_test(a_reply_counts_when_id_and_question_match),
	    cmocka_unit_test(addresses_stand_in_the_answers),
	    cmocka_unit_test(our_answers_are_of_the_family_asked_for),
	    cmocka_unit_test(an_answer_that_does_not_fit_is_marked),
	    cmocka_unit_test(an_error_needs_no_question),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
