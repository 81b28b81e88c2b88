#include "sse.h"

void sse_release(struct sse *s)
{
	buf_release(&s->line);
}

static int whole_line(
    struct str line, int (*data)(void *arg, struct str line), void *arg)
{
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	if (!str_starts(line, STR("data:")))
		return 0;
	line = str_sub(line, 5, line.len);
	if (line.len && line.p[0] == ' ')
		line = str_sub(line, 1, line.len);
	return data(arg, line);
}

int sse_feed(struct sse *s, struct str bytes,
    int (*data)(void *arg, struct str line), void *arg)
{
	struct str part;

	while (str_split(&bytes, '\n', &part)) {
		buf_add(&s->line, part);
		if (s->line.bad)
			return -1;
		if (!bytes.p)
			return 0; /* the last part has no newline yet */
		if (whole_line(buf_str(&s->line), data, arg) == -1)
			return -1;
		buf_clear(&s->line);
	}
	return 0;
}
