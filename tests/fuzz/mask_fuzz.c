/*
 * mask: how the stream is cut into pieces makes no difference, and a value
 * that is in it is not in what comes out. Up to the first 0x01 the input is
 * a value, then the stream.
 */
/* links: builder/mask.c */
#include <string.h>

#include "../../builder/mask.h"
#include "fuzz.h"

#define IN_MAX 4096 /* quadratic in the test alone */

static void run(struct str config, struct str in, size_t piece, struct buf *out)
{
	struct mask *m = mask_new(config);

	for (size_t at = 0; at < in.len; at += piece)
		mask_feed(m, str_sub(in, at, at + piece), out);
	mask_end(m, out);
	mask_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_buf struct buf config = BUF_INIT(2 * IN_MAX);
	scoped_buf struct buf whole = BUF_INIT(4 * IN_MAX);
	scoped_buf struct buf cut = BUF_INIT(4 * IN_MAX);
	struct str in = str_make(data, size < IN_MAX ? size : IN_MAX), value;

	if (size == 0)
		return 0;
	(void)str_split(&in, '\1', &value);
	if (!in.p)
		in = value;
	buf_addz(&config, "KEY=");
	buf_add(&config, value);
	run(buf_str(&config), in, IN_MAX, &whole);
	for (size_t piece = 1; piece < 20; piece += 6) {
		buf_clear(&cut);
		run(buf_str(&config), in, piece, &cut);
		CHECK(str_eq(buf_str(&whole), buf_str(&cut)));
	}
	/* of one line, short enough to be one piece, and not of the word */
	if (value.len < MASK_LEAST || value.len > 100 ||
	    str_find(value, '\n') != -1 || str_find(value, '\0') != -1 ||
	    str_trim(value).len != value.len || str_ends(value, STR("\r")) ||
	    str_eqz(value, "production") || str_eqz(value, "development") ||
	    str_eqz(value, "localhost") || str_eqz(value, "127.0.0.1") ||
	    str_eqz(value, "disabled") || str_find(value, '[') != -1 ||
	    str_find(value, ']') != -1)
		return 0;
	CHECK(str_find_str(buf_str(&whole), value) == -1 ||
	      str_find_str(STR(MASK_WORD), value) != -1);
	return 0;
}
