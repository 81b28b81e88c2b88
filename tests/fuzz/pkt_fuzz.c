/*
 * pkt: prefixes; a line that parses is, written again, as long and has the
 * same bytes behind its length.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/pkt.h"

static void check_line(struct str in)
{
	scoped_buf struct buf again = BUF_INIT(PKT_MAX);
	struct error err = {0};
	struct pkt pkt, other;
	ssize_t whole = pkt_parse(in, &pkt, &err);

	for (size_t n = 0; n < in.len && n < PREFIX_MAX; n++)
		CHECK_PREFIX(pkt_parse(str_sub(in, 0, n), &other, &err), whole);
	if (whole <= 0)
		return;
	if (pkt.type == PKT_FLUSH)
		pkt_add_flush(&again);
	else
		pkt_add(&again, pkt.data);
	CHECK(!again.bad && again.len == (size_t)whole);
	/* The digits may have been in upper case. */
	CHECK(str_eq_nocase(str_sub(buf_str(&again), 0, 4), str_sub(in, 0, 4)));
	CHECK(memcmp(again.p + 4, in.p + 4, again.len - 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size);
	struct error err = {0};
	struct pkt pkt;
	ssize_t n;

	for (int i = 0; i < 16; i++) {
		check_line(rest);
		n = pkt_parse(rest, &pkt, &err);
		if (n <= 0)
			break;
		rest = str_sub(rest, (size_t)n, rest.len);
	}
	return 0;
}
