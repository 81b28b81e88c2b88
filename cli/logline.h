/*
 * logline - a line of an app's log taken apart, for colours and JSON.
 *
 * Pure. "TIME SOURCE[DYNO]: TEXT" as the server gives it.
 */
#pragma once
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct logline {
	struct str time, source, dyno, text;
	struct str head; /* all before the text */
};

bool logline_parse(struct str line, struct logline *ret);
/* Append it with its head in a colour that is the dyno's own. */
void logline_colour(struct buf *out, struct str line);
