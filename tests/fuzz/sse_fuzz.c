/*
 * sse: the lines do not depend on how the bytes are cut, none has a newline
 * in it, and all of them lie in the input in this order.
 */
/* links: cli/sse.c */
#include <string.h>

#include "../../cli/sse.h"
#include "fuzz.h"

struct lines {
	struct buf all; /* each with a newline behind it */
	struct str input;
};

static int take(void *arg, struct str line)
{
	struct lines *l = arg;
	ssize_t at = str_find_str(l->input, line);

	CHECK(str_find(line, '\n') == -1);
	CHECK(at != -1);
	l->input = str_sub(l->input, (size_t)at + line.len, l->input.len);
	buf_add(&l->all, line);
	buf_addc(&l->all, '\n');
	return 0;
}

static void feed(struct str in, size_t piece, struct lines *l)
{
	struct sse s = SSE_INIT;

	*l = (struct lines){.all = BUF_INIT(1u << 24), .input = in};
	while (in.len) {
		struct str part = str_sub(in, 0, piece);

		CHECK(sse_feed(&s, part, take, l) == 0 || s.line.bad);
		if (s.line.bad)
			break;
		in = str_sub(in, part.len, in.len);
	}
	sse_release(&s);
}

/* The first byte says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	struct lines whole, cut;

	if (size < 2 || size > SSE_LINE_MAX)
		return 0;
	in = str_sub(in, 1, in.len);
	feed(in, in.len, &whole);
	feed(in, 1 + data[0] % 16, &cut);
	CHECK(str_eq(buf_str(&whole.all), buf_str(&cut.all)));
	buf_release(&whole.all);
	buf_release(&cut.all);
	return 0;
}
