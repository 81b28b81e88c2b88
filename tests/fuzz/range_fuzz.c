/*
 * range: whatever the field says, the answer is bounded, and what one writes
 * from the answer reads back as the same.
 */
/* links: web/api/range.c */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/range.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range r = range_parse(str_make(data, size)), again;
	char text[64];

	CHECK(r.max > 0 && r.max <= RANGE_MAX);
	snprintf(text, sizeof(text), "id ..; max=%" PRIu64 ", order=%s", r.max,
	    r.desc ? "desc" : "asc");
	again = range_parse(str_z(text));
	CHECK(again.max == r.max && again.desc == r.desc);
	return 0;
}
