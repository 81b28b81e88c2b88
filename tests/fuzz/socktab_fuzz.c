/*
 * socktab: what leads outside has a row that says so, and a table is its rows.
 */
#include "fuzz.h"
#include "wire/socktab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_make(data, size), rest = all;
	struct socktab_row row;
	bool outside = false;
	size_t left = all.len;

	while (socktab_next(&rest, &row)) {
		CHECK(rest.len < left);
		left = rest.len;
		outside |= row.state == SOCKTAB_ESTABLISHED &&
		           !ip_is_loopback(&row.peer);
	}
	CHECK(rest.len == 0);
	CHECK(outside == socktab_leads_outside(all));
	return 0;
}
