/*
 * report - the bytes that go back to a pusher.
 *
 * Pure. What the client asked for (struct caps) decides the form: progress
 * is band 2 and silent without side-bands, the report is band 1 or plain.
 */
#pragma once
#include "base/buf.h"
#include "caps.h"
#include "command.h"

/* A line, or part of a line, for the person who pushes. */
void report_say(struct buf *out, const struct caps *caps, struct str text);
/* The last words to a client whose refs are not known: band 3. */
void report_fatal(struct buf *out, const char *text);
/* The five bytes that keep a waiting connection alive. */
void report_keepalive(struct buf *out, const struct caps *caps);
/*
 * The end: what became of the pack (NULL is "ok", else the reason) and of
 * each command.
 */
void report_end(struct buf *out, const struct caps *caps, const char *unpack,
    const struct commands *cmds);
