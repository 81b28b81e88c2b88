/*
 * source: prefixes; an entry that parses has the head that it would be given,
 * and a path that stays in its folder.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size), rest, part;
	unsigned char head[SOURCE_HEAD];
	struct error err = {0};
	struct source_entry e, other;
	ssize_t whole = source_parse(in, &e, &err);

	for (size_t n = 0; n < size && n < PREFIX_MAX; n++)
		CHECK_PREFIX(
		    source_parse(str_sub(in, 0, n), &other, &err), whole);
	if (whole <= 0)
		return 0;
	CHECK((size_t)whole == SOURCE_HEAD + e.path.len);
	source_head(&e, head);
	CHECK(memcmp(head, in.p, SOURCE_HEAD) == 0);
	CHECK(e.type == 'e' || e.path.p[0] != '/');
	rest = e.path;
	while (e.type != 'e' && str_split(&rest, '/', &part))
		CHECK(!str_eqz(part, "..") && !str_eqz(part, ".") && part.len);
	return 0;
}
