#include "sse.h"

void sse_release(struct sse *s)
{
	buf_release(&s->line);
}

/* Take a field's name off; what follows its colon and a space is left. */
static bool take_field(struct str *line, struct str name)
{
	if (!str_starts(*line, name))
		return false;
	*line = str_sub(*line, name.len, line->len);
	if (line->len && line->p[0] == ' ')
		*line = str_sub(*line, 1, line->len);
	return true;
}

static void keep(struct str value, char *out, size_t size)
{
	str_copy(value.len < size ? value : (struct str){0}, out, size);
}

static int whole_line(struct sse *s, struct str line,
    int (*data)(void *arg, struct str line), void *arg)
{
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	if (take_field(&line, STR("data:")))
		return data(arg, line);
	if (take_field(&line, STR("id:")))
		keep(line, s->id, sizeof(s->id));
	else if (take_field(&line, STR(": from")))
		keep(line, s->from, sizeof(s->from));
	return 0;
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
		if (whole_line(s, buf_str(&s->line), data, arg) == -1)
			return -1;
		buf_clear(&s->line);
	}
	return 0;
}
