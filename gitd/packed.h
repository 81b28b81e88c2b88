/*
 * packed - the text of the file packed-refs: all refs of a repository.
 *
 * Pure. One line a ref, "ID NAME"; lines of '#' and '^' (what an annotated
 * tag leads to) are passed over when reading and not written: git looks that
 * up in the tag itself.
 */
#pragma once
#include "base/buf.h"
#include "base/error.h"
#include "reflist.h"

/* Add the refs in text to ret, sorted. ERR_INVALID names the line. */
int packed_parse(struct str text, struct reflist *ret, struct error *err);
/* Append refs, which are in order. */
void packed_print(struct buf *out, const struct reflist *refs);
