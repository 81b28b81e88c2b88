#include "logline.h"

bool logline_parse(struct str line, struct logline *ret)
{
	ssize_t space = str_find(line, ' '), open = str_find(line, '[');
	ssize_t close = str_find_str(line, STR("]: "));

	if (space < 1 || open < space || close < open)
		return false;
	ret->time = str_sub(line, 0, (size_t)space);
	ret->source = str_sub(line, (size_t)space + 1, (size_t)open);
	ret->dyno = str_sub(line, (size_t)open + 1, (size_t)close);
	ret->head = str_sub(line, 0, (size_t)close + 2);
	ret->text = str_sub(line, (size_t)close + 3, line.len);
	return true;
}

void logline_colour(struct buf *out, struct str line)
{
	/* Red is left to what is wrong, and black and white to screens. */
	static const char *const colours[] = {"32", "33", "34", "35", "36"};
	struct logline l;
	unsigned sum = 0;

	if (!logline_parse(line, &l)) {
		buf_add(out, line);
		return;
	}
	for (size_t i = 0; i < l.dyno.len; i++)
		sum = sum * 31 + (unsigned char)l.dyno.p[i];
	buf_addf(out, "\033[%sm" STR_FMT "\033[0m ",
	    str_starts(l.text, STR("at=error")) ||
	            str_starts(l.text, STR("Error "))
	        ? "31"
	        : colours[sum % NELEM(colours)],
	    STR_ARG(l.head));
	buf_add(out, l.text);
}
