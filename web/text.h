/*
 * text - what others wrote, made fit to be kept and shown.
 *
 * Pure. Reasons and commands come from builds and apps; JSON takes UTF-8
 * alone, and nobody wants a stranger's control characters on a terminal.
 */
#pragma once
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Append in to out: a byte that is no UTF-8 becomes U+FFFD, a control
 * character a space.
 */
void text_clean(struct str in, struct buf *out);
/* The first line of in, trimmed and clean, cut between characters. */
void text_line(struct str in, char *out, size_t size);
