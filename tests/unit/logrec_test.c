/* logrec and crc32c: records, torn ones, names of segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "wire/crc32c.h"
#include "wire/logrec.h"

static void the_checksum_is_that_of_rfc_3720(void **state)
{
	unsigned char bytes[32];

	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	memset(bytes, 0, 32);
	assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		bytes[i] = (unsigned char)i;
	assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
	assert_int_equal(crc32c(0, NULL, 0), 0);
}

/* A record of text in mem; its length. */
static size_t record(unsigned char *mem, const struct logrec *rec)
{
	logrec_head(rec, mem);
	if (rec->text.len > 0)
		memcpy(mem + LOGREC_HEAD, rec->text.p, rec->text.len);
	return LOGREC_HEAD + rec->text.len;
}

static void a_record_is_read_back(void **state)
{
	static char text[LOGREC_TEXT_MAX];
	static unsigned char mem[LOGREC_HEAD + LOGREC_TEXT_MAX + 8];
	static const size_t lengths[] = {0, 1, 100, LOGREC_TEXT_MAX};

	memset(text, 't', sizeof(text));
	for (size_t i = 0; i < NELEM(lengths); i++) {
		struct logrec rec = {.time_us = UINT64_MAX - i,
		                  .seq = i,
		                  .stream = (uint8_t)(1 + i % 2),
		                  .partial = i % 2 == 0,
		                  .text = str_make(text, lengths[i])},
		              got;
		size_t n = record(mem, &rec);
		struct error err = {0};

		for (size_t cut = 0; cut < n; cut += cut < 64 ? 1 : 997)
			assert_int_equal(
			    logrec_parse(str_make(mem, cut), &got, &err), 0);
		assert_int_equal(
		    logrec_parse(str_make(mem, n + 8), &got, &err), n);
		assert_true(got.time_us == rec.time_us && got.seq == rec.seq);
		assert_int_equal(got.stream, rec.stream);
		assert_int_equal(got.partial, rec.partial);
		assert_true(str_eq(got.text, rec.text));
	}
}

static void a_flipped_bit_is_noticed(void **state)
{
	struct logrec rec = {.time_us = 1, .stream = 1, .text = STR("hello")};
	unsigned char mem[64];
	size_t n = record(mem, &rec);

	for (size_t bit = 0; bit < n * 8; bit++) {
		struct error err = {0};
		struct logrec got;

		mem[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_true(logrec_parse(str_make(mem, n), &got, &err) <= 0);
		mem[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
}

static void what_breaks_a_rule_is_torn(void **state)
{
	static const struct {
		uint8_t stream;
		uint32_t length;
	} cases[] = {
	    {0, LOGREC_HEAD},
	    {3, LOGREC_HEAD},
	    {1, LOGREC_HEAD - 1},
	    {1, 0},
	    {1, LOGREC_HEAD + LOGREC_TEXT_MAX + 1},
	    {1, UINT32_MAX},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct logrec rec = {.stream = cases[i].stream}, got;
		unsigned char mem[LOGREC_HEAD];
		struct error err = {0};

		record(mem, &rec);
		memcpy(mem, &cases[i].length, 4);
		assert_int_equal(
		    logrec_parse(str_make(mem, sizeof(mem)), &got, &err), -1);
	}
}

static void segments_have_their_names(void **state)
{
	static const struct {
		const char *file, *name;
		uint64_t instance;
		uint32_t index;
	} cases[] = {
	    {"web.1-0123456789abcdef-0000000a.log", "web.1", 0x0123456789abcdef,
	        10},
	    {"a-b-c-ffffffffffffffff-ffffffff.log", "a-b-c", UINT64_MAX,
	        UINT32_MAX},
	    {"web.1-0123456789abcdef-0000000a.lo", NULL, 0, 0},
	    {"web.1-0123456789abcdef-0000000A.log", NULL, 0, 0},
	    {"web.1-0123456789abcdef-000000a.log", NULL, 0, 0},
	    {"web.1-123456789abcdef-0000000a.log", NULL, 0, 0},
	    {"web.1.0123456789abcdef-0000000a.log", NULL, 0, 0},
	    {"-0123456789abcdef-0000000a.log", NULL, 0, 0},
	    {"..-0123456789abcdef-0000000a.log", NULL, 0, 0},
	    {"a/b-0123456789abcdef-0000000a.log", NULL, 0, 0},
	    {".log", NULL, 0, 0},
	    {"", NULL, 0, 0},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct str name;
		uint64_t instance;
		uint32_t index;

		assert_int_equal(
		    logrec_file(str_z(cases[i].file), &name, &instance, &index),
		    cases[i].name != NULL);
		if (!cases[i].name)
			continue;
		assert_true(str_eqz(name, cases[i].name));
		assert_true(instance == cases[i].instance);
		assert_int_equal(index, cases[i].index);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_checksum_is_that_of_rfc_3720),
	    cmocka_unit_test(a_record_is_read_back),
	    cmocka_unit_test(a_flipped_bit_is_noticed),
	    cmocka_unit_test(what_breaks_a_rule_is_torn),
	    cmocka_unit_test(segments_have_their_names),
	};

	return cmocka_run_group_tests_name("logrec", tests, NULL, NULL);
}
