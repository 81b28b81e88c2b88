/*
 * cron: a schedule that is taken comes again after any time, later than it, and
 * nothing lies between: asked from a minute before, it says the same.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	uint64_t after = 0, next;
	struct cron c;

	if (size < 4)
		return 0;
	memcpy(&after, data, 4); /* up to the year 10136 */
	if (cron_parse(str_make(data + 4, size - 4), &c, &err) == -1) {
		CHECK(err.msg[0]);
		return 0;
	}
	next = cron_next(&c, after);
	CHECK(next > after && next != UINT64_MAX);
	CHECK(cron_next(&c, next - 1) == next);
	return 0;
}
