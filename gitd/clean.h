/*
 * clean - make the output of a build fit for somebody's terminal.
 *
 * Pure. Line breaks, tabs and carriage returns stay; other control bytes and
 * terminal sequences (ESC [ ... letter, ESC ] ... BEL) go, also when they are
 * cut between two calls.
 */
#pragma once
#include "base/buf.h"
#include "base/str.h"

enum clean_state { CLEAN_TEXT, CLEAN_ESC, CLEAN_CSI, CLEAN_OSC };

/* Append the clean part of in to out. *state is CLEAN_TEXT at the start. */
void clean_text(enum clean_state *state, struct str in, struct buf *out);
