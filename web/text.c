#include "text.h"

#include <assert.h>

#define CHARACTER_MAX 4
#define REPLACEMENT STR("\xef\xbf\xbd")

/* The bytes of the character that s starts with; 0: it is no UTF-8. */
static size_t character(struct str s)
{
	static const struct {
		unsigned char first, last; /* of the first byte */
		size_t len;
		unsigned char low, high; /* of the second */
	} rows[] = {
	    {0x00, 0x7f, 1, 0, 0},
	    {0xc2, 0xdf, 2, 0x80, 0xbf},
	    {0xe0, 0xe0, 3, 0xa0, 0xbf},
	    {0xe1, 0xec, 3, 0x80, 0xbf},
	    {0xed, 0xed, 3, 0x80, 0x9f},
	    {0xee, 0xef, 3, 0x80, 0xbf},
	    {0xf0, 0xf0, 4, 0x90, 0xbf},
	    {0xf1, 0xf3, 4, 0x80, 0xbf},
	    {0xf4, 0xf4, 4, 0x80, 0x8f},
	};
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < NELEM(rows); i++) {
		if (p[0] < rows[i].first || p[0] > rows[i].last)
			continue;
		if (s.len < rows[i].len ||
		    (rows[i].len > 1 &&
		        (p[1] < rows[i].low || p[1] > rows[i].high)))
			return 0;
		for (size_t n = 2; n < rows[i].len; n++)
			if ((p[n] & 0xc0) != 0x80)
				return 0;
		return rows[i].len;
	}
	return 0;
}

/* C0, DEL and C1. */
static bool is_control(struct str c)
{
	const unsigned char *p = (const unsigned char *)c.p;

	return (c.len == 1 && (p[0] < 0x20 || p[0] == 0x7f)) ||
	       (c.len == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

/* What stands for the front of *in, which is taken off. */
static struct str next(struct str *in)
{
	size_t n = character(*in);
	struct str c = str_sub(*in, 0, n ? n : 1);

	*in = str_sub(*in, c.len, in->len);
	if (!n)
		return REPLACEMENT;
	return is_control(c) ? STR(" ") : c;
}

void text_clean(struct str in, struct buf *out)
{
	while (in.len)
		buf_add(out, next(&in));
}

void text_line(struct str in, char *out, size_t size)
{
	struct str line = {0}, c;
	size_t len = 0;

	assert(size > CHARACTER_MAX);
	(void)str_split(&in, '\n', &line);
	line = str_trim(line);
	while (line.len) {
		c = next(&line);
		if (len + c.len >= size)
			break;
		memcpy(out + len, c.p, c.len);
		len += c.len;
	}
	while (len && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}
