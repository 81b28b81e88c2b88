#include "wire/socktab.h"

#include <string.h>

#define WORD_DIGITS 8 /* of 32 bits */
#define PORT_DIGITS 4
#define STATE_DIGITS 2

static bool take_hex(struct str s, size_t digits, uint64_t *ret)
{
	return s.len == digits && str_hex(s, ret);
}

/* Words of 8 digits: one of IPv4, four of IPv6. */
static bool take_address(struct str s, struct socktab_row *row, struct ip *ret)
{
	size_t words = s.len / WORD_DIGITS;
	uint8_t bytes[sizeof(ret->b)];

	if (s.len % WORD_DIGITS != 0 || (words != 1 && words != 4))
		return false;
	for (size_t i = 0; i < words; i++) {
		struct str word = str_sub(s, i * WORD_DIGITS, s.len);
		uint64_t value;
		uint32_t word32;

		word.len = WORD_DIGITS;
		if (!str_hex(word, &value))
			return false;
		word32 = (uint32_t)value;
		memcpy(bytes + 4 * i, &word32, sizeof(word32));
	}
	row->v6 = words == 4;
	if (row->v6)
		memcpy(ret->b, bytes, sizeof(bytes));
	else
		*ret = ip_from4((uint32_t)bytes[0] << 24 |
		                (uint32_t)bytes[1] << 16 |
		                (uint32_t)bytes[2] << 8 | bytes[3]);
	return true;
}

static bool take_end(struct str end, struct socktab_row *row,
    struct ip *ret_address, uint16_t *ret_port)
{
	struct str address;
	uint64_t port;

	if (!str_split(&end, ':', &address) ||
	    !take_hex(end, PORT_DIGITS, &port) ||
	    !take_address(address, row, ret_address))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool next_word(struct str *line, struct str *ret)
{
	*line = str_trim(*line);
	return line->len > 0 && str_split(line, ' ', ret);
}

static bool take_row(struct str line, struct socktab_row *ret)
{
	struct str number, local, peer, state;
	uint64_t value;

	if (!next_word(&line, &number) || !next_word(&line, &local) ||
	    !next_word(&line, &peer) || !next_word(&line, &state) ||
	    !take_end(local, ret, &ret->local, &ret->local_port) ||
	    !take_end(peer, ret, &ret->peer, &ret->peer_port) ||
	    !take_hex(state, STATE_DIGITS, &value))
		return false;
	ret->state = (uint8_t)value;
	return true;
}

bool socktab_next(struct str *table, struct socktab_row *ret)
{
	struct str line;

	while (table->len && str_split(table, '\n', &line))
		if (take_row(line, ret))
			return true;
	return false;
}

bool socktab_leads_outside(struct str table)
{
	struct socktab_row row;

	while (socktab_next(&table, &row))
		if (row.state == SOCKTAB_ESTABLISHED &&
		    !ip_is_loopback(&row.peer))
			return true;
	return false;
}
