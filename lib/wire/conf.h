/*
 * conf - lines of "name = value": blank lines and # comments are skipped.
 *
 * Pure. Called by settings and by the fuzzer.
 * A value runs to the end of the line, spaces at its ends do not count.
 */
#pragma once
#include "base/error.h"
#include "base/str.h"

struct conf_line {
	struct str name, value; /* borrowed */
	unsigned number;        /* of the line, from 1 */
};

/*
 * Take lines off the front of *rest until one has a setting. Returns 1 with
 * ret set, 0 at the end, -1 with err naming the line.
 */
int conf_next(
    struct str *rest, unsigned *line, struct conf_line *ret, struct error *err);
