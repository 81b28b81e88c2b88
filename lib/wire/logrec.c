#include "wire/logrec.h"

#include "base/name.h"
#include "wire/crc32c.h"

/* Where each part stands in the head. */
enum { AT_CRC = 4, AT_TIME = 8, AT_SEQ = 16, AT_STREAM = 24, AT_FLAGS = 25 };
#define FLAG_PARTIAL 1

static uint64_t get_le(const unsigned char *p, size_t n)
{
	uint64_t value = 0;

	while (n-- > 0)
		value = value << 8 | p[n];
	return value;
}

static void put_le(unsigned char *p, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++, value >>= 8)
		p[i] = (unsigned char)value;
}

ssize_t logrec_parse(struct str in, struct logrec *ret, struct error *err)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t len;

	if (in.len < 4)
		return 0;
	len = get_le(p, 4);
	if (len < LOGREC_HEAD || len > LOGREC_HEAD + LOGREC_TEXT_MAX)
		return error_set(
		    err, ERR_INVALID, "a log record of %zu bytes", len);
	if (in.len < len)
		return 0;
	if (crc32c(0, p + AT_TIME, len - AT_TIME) != get_le(p + AT_CRC, 4))
		return error_set(
		    err, ERR_INVALID, "a log record with a wrong checksum");
	if (p[AT_STREAM] < 1 || p[AT_STREAM] > 2 || p[AT_FLAGS] > FLAG_PARTIAL)
		return error_set(err, ERR_INVALID,
		    "a log record of stream %u, flags %u", p[AT_STREAM],
		    p[AT_FLAGS]);
	*ret = (struct logrec){.time_us = get_le(p + AT_TIME, 8),
	    .seq = get_le(p + AT_SEQ, 8),
	    .stream = p[AT_STREAM],
	    .partial = p[AT_FLAGS] == FLAG_PARTIAL,
	    .text = str_sub(in, LOGREC_HEAD, len)};
	return (ssize_t)len;
}

void logrec_head(const struct logrec *rec, unsigned char out[LOGREC_HEAD])
{
	uint32_t crc;

	put_le(out, 4, LOGREC_HEAD + rec->text.len);
	put_le(out + AT_TIME, 8, rec->time_us);
	put_le(out + AT_SEQ, 8, rec->seq);
	out[AT_STREAM] = rec->stream;
	out[AT_FLAGS] = rec->partial ? FLAG_PARTIAL : 0;
	crc = crc32c(0, out + AT_TIME, LOGREC_HEAD - AT_TIME);
	put_le(out + AT_CRC, 4, crc32c(crc, rec->text.p, rec->text.len));
}

/* "-" and n lower-case hex digits off the end of *s. */
static bool take_hex(struct str *s, size_t n, uint64_t *ret)
{
	uint64_t value = 0;

	if (s->len < n + 1 || s->p[s->len - n - 1] != '-')
		return false;
	for (size_t i = s->len - n; i < s->len; i++) {
		int digit = hex_value(s->p[i]);

		if (digit == -1 || (s->p[i] >= 'A' && s->p[i] <= 'F'))
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	s->len -= n + 1;
	*ret = value;
	return true;
}

bool logrec_file(struct str file, struct str *ret_name, uint64_t *ret_instance,
    uint32_t *ret_index)
{
	uint64_t instance, index;

	if (!str_ends(file, STR(".log")))
		return false;
	file.len -= 4;
	if (!take_hex(&file, 8, &index) || !take_hex(&file, 16, &instance) ||
	    !name_layer(file))
		return false;
	*ret_name = file;
	*ret_instance = instance;
	*ret_index = (uint32_t)index;
	return true;
}
