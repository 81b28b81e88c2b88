/*
 * json - text of JSON values, appended to a buf.
 *
 * Pure. Used for config.json only. A string that is not UTF-8 marks the buf
 * bad, since JSON has no way to say it and the OCI runtimes refuse it.
 */
#pragma once
#include "base/buf.h"
#include "base/str.h"

/* Is s well-formed UTF-8 (no surrogates, no overlong forms)? */
bool json_utf8(struct str s);
/* Append s as a quoted JSON string. */
void json_str(struct buf *out, struct str s);
void json_strz(struct buf *out, const char *z);
