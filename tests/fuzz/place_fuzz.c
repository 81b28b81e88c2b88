/*
 * place: what parses is written again as it was; any bytes without the right
 * sum do not parse, and with it they do not break.
 */
/* links: runtime/logd/place.c */
#include <inttypes.h>
#include <string.h>

#include "../../runtime/logd/place.h"
#include "fuzz.h"
#include "wire/crc32c.h"

static void check(struct str in)
{
	scoped_buf struct buf out = BUF_INIT(1u << 24);
	struct place p;

	if (!place_parse(in, &p))
		return;
	place_put(&out, &p);
	CHECK(place_parse(buf_str(&out), &p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_buf struct buf summed = BUF_INIT(1u << 24);
	struct str in = str_make(data, size);

	check(in);
	buf_add(&summed, in);
	buf_addf(&summed, "%08" PRIx32 "\n", crc32c(0, in.p, in.len));
	check(buf_str(&summed));
	return 0;
}
