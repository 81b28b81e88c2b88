/*
 * text: what comes out is UTF-8 without control characters, and stays as it
 * is when it goes through once more.
 */
/* links: web/text.c -ljansson */
#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "text.h"

static void check(struct str text)
{
	scoped_buf struct buf again = BUF_INIT(1u << 24);
	json_t *json = json_stringn(text.p ? text.p : "", text.len);

	CHECK(json != NULL); /* it takes UTF-8 alone */
	json_decref(json);
	for (size_t i = 0; i < text.len; i++)
		CHECK((unsigned char)text.p[i] >= 0x20 && text.p[i] != 0x7f);
	text_clean(text, &again);
	CHECK(str_eq(buf_str(&again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_buf struct buf out = BUF_INIT(1u << 24);
	struct str in = str_make(data, size);
	char line[24];

	if (size > 1u << 20)
		return 0;
	text_clean(in, &out);
	CHECK(!out.bad);
	check(buf_str(&out));
	text_line(in, line, sizeof(line));
	check(str_z(line));
	return 0;
}
