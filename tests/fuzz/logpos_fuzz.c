/*
 * logpos: what is valid gives the same items when it is joined again; an id
 * that parses is a valid position in its other form.
 */
#include <inttypes.h>

#include "base/buf.h"
#include "fuzz.h"
#include "wire/logpos.h"

static void check_position(struct str in)
{
	scoped_buf struct buf out = BUF_INIT(2 * LOGPOS_MAX);
	struct str rest = in;
	struct logpos place;
	uint64_t time;

	if (!logpos_valid(in))
		return;
	CHECK(logpos_time(&rest, &time));
	buf_addf(&out, "%" PRIu64 ";", time);
	while (logpos_next(&rest, &place) == 1)
		buf_addf(&out, STR_FMT ".%" PRIu64 ",", STR_ARG(place.stream),
		    place.seq);
	CHECK(logpos_valid(buf_str(&out)) || out.len > LOGPOS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	struct logpos place;
	uint64_t time;

	check_position(in);
	if (logpos_id(in, &time, &place)) {
		scoped_buf struct buf out = BUF_INIT(2 * LOGPOS_ID_MAX);

		buf_addf(&out, "%" PRIu64 ";" STR_FMT ".%" PRIu64, time,
		    STR_ARG(place.stream), place.seq);
		CHECK(logpos_valid(buf_str(&out)));
	}
	return 0;
}
