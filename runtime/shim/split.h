/*
 * split - turns a stream of bytes into lines, however it is torn.
 *
 * Pure: the caller reads into split_room, says how much, and takes pieces.
 * Every piece but the last of a line is partial. A line of up to
 * LOGREC_TEXT_MAX bytes is one piece, if it does not pause.
 *
 *   bytes  | given out | waiting, no newline so far | to search | free |
 *          0         start                       searched      end   sizeof
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "wire/logrec.h"

#define SPLIT_SMALL 4096 /* bytes whose memory may as well stay */

struct split {
	size_t start, searched, end;
	size_t touched; /* bytes ever used since the last trim */
	char bytes[LOGREC_TEXT_MAX + 1]; /* + 1: a longest line's newline */
};

/* Where the next bytes go; never empty. Pieces taken before are void. */
char *split_room(struct split *s, size_t *ret_size);
void split_added(struct split *s, size_t n);

/* The next line, or LOGREC_TEXT_MAX bytes of a longer one. */
bool split_next(struct split *s, struct str *ret, bool *ret_partial);
/* What waits for its newline; call after split_next said no. */
bool split_rest(struct split *s, struct str *ret);
bool split_waits(const struct split *s);
/* Give back the memory of a long line, when nothing waits. */
void split_trim(struct split *s);
