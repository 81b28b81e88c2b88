#include "wire/pkt.h"

#define HEAD 4
#define BAND_MAX (PKT_MAX - HEAD - 1) /* bytes in one side-band line */

ssize_t pkt_parse(struct str in, struct pkt *ret, struct error *err)
{
	unsigned len = 0;

	for (size_t i = 0; i < HEAD; i++) {
		int digit;

		if (i == in.len)
			return 0;
		digit = hex_value(in.p[i]);
		if (digit == -1)
			return error_set(err, ERR_INVALID, "pkt-line length");
		len = len << 4 | (unsigned)digit;
	}
	if (len == 0) {
		*ret = (struct pkt){.type = PKT_FLUSH};
		return HEAD;
	}
	if (len < HEAD || len > PKT_MAX)
		return error_set(err, ERR_INVALID, "pkt-line of %u bytes", len);
	if (in.len < len)
		return 0;
	*ret = (struct pkt){.type = PKT_DATA, .data = str_sub(in, HEAD, len)};
	return (ssize_t)len;
}

static void add_head(struct buf *out, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (int shift = 12; shift >= 0; shift -= 4)
		buf_addc(out, digits[len >> shift & 15]);
}

void pkt_add(struct buf *out, struct str data)
{
	if (data.len > PKT_MAX - HEAD || !buf_reserve(out, HEAD + data.len)) {
		out->bad = true;
		return;
	}
	add_head(out, HEAD + data.len);
	buf_add(out, data);
}

void pkt_add_flush(struct buf *out)
{
	buf_add(out, STR("0000"));
}

void pkt_add_band(struct buf *out, char band, struct str data)
{
	do {
		struct str part = str_sub(data, 0, BAND_MAX);

		if (!buf_reserve(out, HEAD + 1 + part.len))
			return;
		add_head(out, HEAD + 1 + part.len);
		buf_addc(out, band);
		buf_add(out, part);
		data = str_sub(data, part.len, data.len);
	} while (data.len > 0);
}
