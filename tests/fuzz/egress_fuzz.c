/* egress: what is taken has one form, which is taken as the same rule. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/egress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct egress e, again;
	struct error err = {0};
	char text[EGRESS_TEXT], same[EGRESS_TEXT];

	if (egress_parse(str_make(data, size), &e, &err) == -1) {
		if (err.code == ERR_NONE || !err.msg[0])
			abort();
		return 0;
	}
	egress_print(&e, text);
	if (egress_parse(str_z(text), &again, &err) == -1 ||
	    !egress_eq(&e, &again))
		abort();
	egress_print(&again, same);
	if (strcmp(text, same) != 0)
		abort();
	return 0;
}
