#include "listens.h"

#define LISTEN "0A" /* TCP_LISTEN */
#define V4_DIGITS 8
#define V6_DIGITS 32

static bool take_hex(struct str s, uint64_t *ret)
{
	*ret = 0;
	if (s.len == 0 || s.len > 8)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = hex_value(s.p[i]);

		if (digit == -1)
			return false;
		*ret = *ret << 4 | (uint64_t)digit;
	}
	return true;
}

static bool where_of(struct str address, enum listens_where *ret)
{
	uint64_t v4;

	if (address.len == V6_DIGITS) {
		*ret = LISTENS_V6;
		return true;
	}
	if (address.len != V4_DIGITS || !take_hex(address, &v4))
		return false;
	/* In the host's byte order: 127.0.0.1 is 0100007F on little ones. */
	*ret = v4 == 0 || (v4 & 0xff) == 127 || v4 >> 24 == 127
	           ? LISTENS_V4
	           : LISTENS_V4_ONE;
	return true;
}

static bool next_word(struct str *line, struct str *ret)
{
	while (line->len && *line->p == ' ')
		*line = str_sub(*line, 1, line->len);
	return line->len && str_split(line, ' ', ret);
}

static void add(struct listens *l, uint64_t port, enum listens_where where)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->of[i].port == port && l->of[i].where == where)
			return;
	if (l->n == LISTENS_MAX)
		return;
	l->of[l->n].port = port;
	l->of[l->n++].where = where;
}

static void take_line(struct listens *l, struct str line)
{
	struct str number, local, peer, state, address;
	enum listens_where where;
	uint64_t port;

	if (next_word(&line, &number) && next_word(&line, &local) &&
	    next_word(&line, &peer) && next_word(&line, &state) &&
	    str_eqz(state, LISTEN) && str_split(&local, ':', &address) &&
	    local.p && local.len == 4 && take_hex(local, &port) &&
	    where_of(address, &where))
		add(l, port, where);
}

void listens_add(struct listens *l, struct str table)
{
	struct str line;

	while (table.len && str_split(&table, '\n', &line))
		take_line(l, line);
}
