/*
 * logrec: prefixes; a record that parses has the head that it would be given;
 * what is written from any bytes is read back.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/logrec.h"

static void check_parse(struct str in)
{
	unsigned char head[LOGREC_HEAD];
	struct error err = {0};
	struct logrec rec, part;
	ssize_t whole = logrec_parse(in, &rec, &err);

	for (size_t n = 0; n < in.len && n < PREFIX_MAX; n++)
		CHECK_PREFIX(
		    logrec_parse(str_sub(in, 0, n), &part, &err), whole);
	if (whole <= 0)
		return;
	CHECK((size_t)whole == LOGREC_HEAD + rec.text.len);
	logrec_head(&rec, head);
	CHECK(memcmp(head, in.p, LOGREC_HEAD) == 0);
}

static void check_write(struct str in)
{
	static unsigned char mem[LOGREC_HEAD + LOGREC_TEXT_MAX];
	struct error err = {0};
	struct logrec rec = {.stream = 1}, got;

	if (in.len < 16)
		return;
	memcpy(&rec.time_us, in.p, 8);
	memcpy(&rec.seq, in.p + 8, 8);
	rec.partial = in.p[0] & 1;
	rec.text = str_sub(in, 16, 16 + LOGREC_TEXT_MAX);
	logrec_head(&rec, mem);
	if (rec.text.len > 0)
		memcpy(mem + LOGREC_HEAD, rec.text.p, rec.text.len);
	CHECK(logrec_parse(str_make(mem, sizeof(mem)), &got, &err) ==
	      (ssize_t)(LOGREC_HEAD + rec.text.len));
	CHECK(got.time_us == rec.time_us && got.seq == rec.seq);
	CHECK(got.partial == rec.partial && str_eq(got.text, rec.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size), name;
	uint64_t instance;
	uint32_t index;

	check_parse(in);
	check_write(in);
	if (logrec_file(in, &name, &instance, &index))
		CHECK(str_find(in, '/') == -1 &&
		      in.len == name.len + 1 + 16 + 1 + 8 + 4);
	return 0;
}
