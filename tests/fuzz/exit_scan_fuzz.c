/*
 * exit_scan: what is shown and the code do not depend on how the output is
 * cut; without a code all of it is shown.
 */
/* links: cli/exit_scan.c */
#include <string.h>

#include "../../cli/exit_scan.h"
#include "fuzz.h"

static int scan(struct str in, size_t piece, struct buf *out)
{
	struct exit_scan s = EXIT_SCAN_INIT;

	while (in.len) {
		struct str part = str_sub(in, 0, piece);

		exit_scan_feed(&s, part, out);
		in = str_sub(in, part.len, in.len);
	}
	exit_scan_end(&s, out);
	return s.code;
}

/* The first byte says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_buf struct buf whole = BUF_INIT(1u << 24);
	scoped_buf struct buf cut = BUF_INIT(1u << 24);
	struct str in = str_make(data, size);
	int code;

	if (size < 2 || size > 1u << 20)
		return 0;
	in = str_sub(in, 1, in.len);
	code = scan(in, in.len, &whole);
	CHECK(scan(in, 1 + data[0] % 16, &cut) == code);
	CHECK(code >= -1 && code <= 255);
	CHECK(str_eq(buf_str(&whole), buf_str(&cut)));
	CHECK(whole.len <= in.len && !whole.bad);
	CHECK(code != -1 || str_eq(buf_str(&whole), in));
	return 0;
}
