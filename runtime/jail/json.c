#include "json.h"

/* Bytes that follow lead, and the lowest code point of that length. */
static int utf8_tail(unsigned char lead, unsigned *ret_point, unsigned *ret_min)
{
	static const struct {
		unsigned char mask, mark;
		int tail;
		unsigned min;
	} forms[] = {
	    {0x80, 0x00, 0, 0},
	    {0xe0, 0xc0, 1, 0x80},
	    {0xf0, 0xe0, 2, 0x800},
	    {0xf8, 0xf0, 3, 0x10000},
	};

	for (size_t i = 0; i < NELEM(forms); i++) {
		if ((lead & forms[i].mask) != forms[i].mark)
			continue;
		*ret_point = lead & (unsigned char)~forms[i].mask;
		*ret_min = forms[i].min;
		return forms[i].tail;
	}
	return -1;
}

bool json_utf8(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned point, min;
		int tail = utf8_tail((unsigned char)s.p[i], &point, &min);

		if (tail < 0 || s.len - i <= (size_t)tail)
			return false;
		for (; tail > 0; tail--) {
			unsigned char c = (unsigned char)s.p[++i];

			if ((c & 0xc0) != 0x80)
				return false;
			point = point << 6 | (c & 0x3f);
		}
		if (point < min || point > 0x10ffff ||
		    (point >= 0xd800 && point <= 0xdfff))
			return false;
	}
	return true;
}

void json_str(struct buf *out, struct str s)
{
	if (!json_utf8(s)) {
		out->bad = true;
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\u%04x", c);
		else
			buf_addc(out, (char)c);
	}
	buf_addc(out, '"');
}

void json_strz(struct buf *out, const char *z)
{
	json_str(out, str_z(z));
}
