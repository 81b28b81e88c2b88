#include "clean.h"

#define ESC 0x1b
#define BEL 0x07
#define DEL 0x7f

static enum clean_state next(enum clean_state state, unsigned char c)
{
	switch (state) {
	case CLEAN_TEXT:
		return c == ESC ? CLEAN_ESC : CLEAN_TEXT;
	case CLEAN_ESC:
		if (c == '[')
			return CLEAN_CSI;
		return c == ']' ? CLEAN_OSC : CLEAN_TEXT;
	case CLEAN_CSI:
		return c >= '@' && c <= '~' ? CLEAN_TEXT : CLEAN_CSI;
	case CLEAN_OSC:
		return c == BEL || c == '\n' ? CLEAN_TEXT : CLEAN_OSC;
	}
	return CLEAN_TEXT;
}

void clean_text(enum clean_state *state, struct str in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.p[i];
		bool plain = *state == CLEAN_TEXT;

		*state = next(*state, c);
		if (c == '\n' || c == '\t' || c == '\r')
			buf_addc(out, (char)c);
		else if (plain && c >= ' ' && c != DEL)
			buf_addc(out, (char)c);
	}
}
