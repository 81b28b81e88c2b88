/*
 * caps - the capabilities of receive-pack: ours in text, the client's read.
 *
 * Pure. Unknown words are passed over, as the protocol wants it.
 */
#pragma once
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct caps {
	bool report;   /* report-status or report-status-v2 */
	bool sideband; /* side-band-64k */
	bool atomic;
	bool other_hash; /* an object-format that is not sha1 */
};

void caps_parse(struct str text, struct caps *ret);
/* Append what we can do. */
void caps_advertise(struct buf *out);
