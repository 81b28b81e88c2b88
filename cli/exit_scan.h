/*
 * exit_scan - find a command's exit code in its output.
 *
 * Pure. `paas run` has the remote shell end with the line that
 * wire/exitmark.h describes.
 */
#pragma once
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "wire/exitmark.h"

struct exit_scan {
	struct buf held; /* what may become the line */
	int code;        /* -1: not seen */
};

#define EXIT_SCAN_INIT                                                         \
	{                                                                      \
		.held = BUF_INIT(64), .code = -1                               \
	}

/* Take output; what is to be shown is appended to out. */
void exit_scan_feed(struct exit_scan *s, struct str bytes, struct buf *out);
/* No more comes: the rest of what is to be shown. */
void exit_scan_end(struct exit_scan *s, struct buf *out);

/* The command with the suffix, in a shell of its own where it must be. */
void exit_wrap(struct buf *out, struct str command);
