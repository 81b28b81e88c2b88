/*
 * line - one log line as people see it, and which lines a follower asked for.
 *
 * Pure. An app's own output comes as records of the shim; what the platform
 * and the router say about the app is stored with its origin in front of the
 * text, "SOURCE[PROC]: ", so that one segment can hold many origins.
 * Shown: "2026-01-31T12:00:00.123456+00:00 app[web.1]: text\n".
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define LINE_TEXT_MAX 10000 /* bytes of one platform line; more is split */

struct origin {
	struct str source; /* "app", "heroku" */
	struct str proc;   /* "web.1", "router" */
};

/* What a follower wants to see; an empty part lets everything through. */
struct filter {
	char source[64];
	char proc[129];    /* "web.1" one dyno, "web" all of the type */
	uint64_t instance; /* what this one wrote; see reader.c */
};

bool filter_passes(const struct filter *f, struct origin o);

/* Append "SOURCE[PROC]: ". */
void origin_put(struct buf *out, struct origin o);
/* Take it off the front of *text again. False when there is none. */
bool origin_take(struct str *text, struct origin *ret);

#define LINE_CUT " [...]" /* ends a piece of a line that was too long */

/* Append text with U+FFFD for what is no UTF-8 and for NUL. */
void line_utf8(struct buf *out, struct str text);

/*
 * Append the line. Text is made safe for a terminal: invalid UTF-8 becomes
 * U+FFFD, terminal sequences are left out, other controls are escaped.
 */
void line_render(struct buf *out, uint64_t time_us, struct origin o,
    struct str text, bool cut);
/* Append "2026-01-31T12:00:00.123456+00:00". */
void line_time(struct buf *out, uint64_t time_us);
/* The most bytes that line_render makes of text of this length. */
size_t line_room(size_t text_len);
