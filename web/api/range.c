#include "api/range.h"

struct range range_parse(struct str field)
{
	struct range r = {.max = RANGE_MAX};
	struct str rest, item, name;
	uint64_t max;

	(void)str_split(&field, ';', &rest);
	rest = field; /* what follows the range itself */
	while (str_split(&rest, ',', &item)) {
		(void)str_split(&item, '=', &name);
		name = str_trim(name);
		item = str_trim(item);
		if (str_ends(item, STR(";")))
			item.len--;
		if (str_eqz(name, "order"))
			r.desc = str_eqz(item, "desc");
		else if (str_eqz(name, "max") &&
		         str_u64(item, UINT64_MAX, &max) && max > 0 &&
		         max < RANGE_MAX)
			r.max = max;
	}
	return r;
}
