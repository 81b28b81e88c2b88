#include "wire/conf.h"

#include "base/name.h"

static int parse_line(
    struct str line, unsigned number, struct conf_line *ret, struct error *err)
{
	ssize_t equals = str_find(line, '=');
	struct str name, value;

	if (equals == -1)
		return error_set(err, ERR_INVALID,
		    "line %u: write it as `name = value`", number);
	name = str_trim(str_sub(line, 0, (size_t)equals));
	value = str_trim(str_sub(line, (size_t)equals + 1, line.len));
	if (!name_layer(name))
		return error_set(err, ERR_INVALID,
		    "line %u: a name is made of letters, digits, . _ and -",
		    number);
	for (size_t i = 0; i < value.len; i++)
		if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') ||
		    value.p[i] == 0x7f)
			return error_set(err, ERR_INVALID,
			    "line %u: a control character in the value",
			    number);
	*ret = (struct conf_line){name, value, number};
	return 1;
}

int conf_next(
    struct str *rest, unsigned *line, struct conf_line *ret, struct error *err)
{
	struct str text;

	while (str_split(rest, '\n', &text)) {
		++*line;
		if (str_ends(text, STR("\r")))
			text.len--;
		text = str_trim(text);
		if (text.len > 0 && text.p[0] != '#')
			return parse_line(text, *line, ret, err);
	}
	return 0;
}
