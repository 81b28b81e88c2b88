/*
 * pkt - git pkt-lines: take one off the front of a stream, write one.
 *
 * Owns nothing and does no I/O: a parsed line borrows the caller's bytes.
 * Called by gitd, receive, the unit tests and the fuzzer.
 * On the wire: 4 hex digits of total length, then that many bytes less 4.
 * "0000" is a flush. A client that sends "0001" to "0003" is not pushing.
 */
#pragma once
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define PKT_MAX 65520 /* longest line, its 4 digits included */

enum pkt_type { PKT_DATA, PKT_FLUSH };
struct pkt {
	enum pkt_type type;
	struct str data; /* borrowed from the input */
};

/*
 * Parse the line at the start of in. Returns the bytes it took, 0 when in
 * ends before the line does, -1 when it is malformed. Sets ret on > 0 only.
 */
ssize_t pkt_parse(struct str in, struct pkt *ret, struct error *err);

/* Append data as one line; data of more than PKT_MAX - 4 marks out bad. */
void pkt_add(struct buf *out, struct str data);
void pkt_add_flush(struct buf *out);
/* Append data as side-band lines of this band (1, 2 or 3). */
void pkt_add_band(struct buf *out, char band, struct str data);
