#include "line.h"

#include <inttypes.h>
#include <time.h>

#define FRAME_ROOM 256 /* time, source, proc and what stands between them */

/* Is proc the dyno `want`, or a dyno of the type `want`? */
static bool proc_is(struct str proc, struct str want)
{
	return str_starts(proc, want) &&
	       (proc.len == want.len || proc.p[want.len] == '.');
}

bool filter_passes(const struct filter *f, struct origin o)
{
	if (f->source[0] && !str_eqz(o.source, f->source))
		return false;
	return !f->proc[0] || proc_is(o.proc, str_z(f->proc));
}

void origin_put(struct buf *out, struct origin o)
{
	buf_add(out, o.source);
	buf_addc(out, '[');
	buf_add(out, o.proc);
	buf_add(out, STR("]: "));
}

bool origin_take(struct str *text, struct origin *ret)
{
	ssize_t open = str_find(*text, '[');
	ssize_t close = str_find_str(*text, STR("]: "));

	if (open == -1 || close < open)
		return false;
	ret->source = str_sub(*text, 0, (size_t)open);
	ret->proc = str_sub(*text, (size_t)open + 1, (size_t)close);
	*text = str_sub(*text, (size_t)close + 3, text->len);
	return true;
}

/* The bytes that the sequence after this lead byte must have; 0: no lead. */
static unsigned utf8_len(unsigned char lead)
{
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* May c be the second byte after lead? Keeps out overlong and surrogates. */
static bool utf8_second(unsigned char lead, unsigned char c)
{
	unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

	return c >= low && c <= high;
}

/*
 * Decode the character at the start of in, which is no ASCII. Returns the
 * bytes taken; *ret is U+FFFD when they are not a character.
 */
static size_t utf8_take(struct str in, uint32_t *ret)
{
	unsigned char lead = (unsigned char)in.p[0];
	unsigned need = utf8_len(lead);
	uint32_t c;
	size_t n = 1;

	*ret = 0xfffd;
	if (!need)
		return 1;
	c = lead & (0xffu >> (need + 1));
	for (; n < need && n < in.len; n++) {
		unsigned char b = (unsigned char)in.p[n];

		if (n == 1 ? !utf8_second(lead, b) : (b & 0xc0) != 0x80)
			return n;
		c = c << 6 | (b & 0x3fu);
	}
	if (n == need)
		*ret = c;
	return n;
}

/* Characters that move text about on a screen: C1 controls, bidi, marks. */
static bool is_hidden(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0xfeff;
}

/* The length of the terminal sequence (ESC [ ... letter) at in, or 0. */
static size_t csi_len(struct str in)
{
	size_t i = 2;

	if (in.len < 3 || in.p[0] != 0x1b || in.p[1] != '[')
		return 0;
	while (i < in.len && in.p[i] >= 0x20 && in.p[i] <= 0x3f)
		i++;
	return i < in.len && in.p[i] >= 0x40 && in.p[i] <= 0x7e ? i + 1 : 0;
}

/* Append one character or sequence off the front of in; the bytes taken. */
static size_t put_char(struct buf *out, struct str in)
{
	unsigned char c = (unsigned char)in.p[0];
	uint32_t wide;
	size_t n;

	if (c >= 0x80) {
		n = utf8_take(in, &wide);
		if (wide == 0xfffd)
			buf_add(out, STR("\xef\xbf\xbd"));
		else if (is_hidden(wide))
			buf_addf(out, "\\u%04" PRIx32, wide);
		else
			buf_add(out, str_sub(in, 0, n));
		return n;
	}
	n = csi_len(in);
	if (n > 0)
		return n;
	if (c == '\t' || (c >= 0x20 && c != 0x7f))
		buf_addc(out, (char)c);
	else
		buf_addf(out, "\\x%02x", c);
	return 1;
}

static void put_text(struct buf *out, struct str text)
{
	while (text.len && text.p[text.len - 1] == '\r')
		text.len--;
	while (text.len) {
		size_t plain = 0;

		while (plain < text.len && text.p[plain] >= 0x20 &&
		       text.p[plain] < 0x7f)
			plain++;
		buf_add(out, str_sub(text, 0, plain));
		text = str_sub(text, plain, text.len);
		if (text.len)
			text = str_sub(text, put_char(out, text), text.len);
	}
}

void line_utf8(struct buf *out, struct str text)
{
	while (text.len) {
		size_t plain = 0, n;
		uint32_t wide;

		while (plain < text.len && (signed char)text.p[plain] > 0)
			plain++;
		buf_add(out, str_sub(text, 0, plain));
		text = str_sub(text, plain, text.len);
		if (!text.len)
			return;
		wide = 0xfffd;
		n = text.p[0] ? utf8_take(text, &wide) : 1;
		buf_add(out,
		    wide == 0xfffd ? STR("\xef\xbf\xbd") : str_sub(text, 0, n));
		text = str_sub(text, n, text.len);
	}
}

void line_time(struct buf *out, uint64_t time_us)
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm tm = {0};
	char when[32];

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_addf(out, "%s.%06u+00:00", when, (unsigned)(time_us % 1000000));
}

void line_render(struct buf *out, uint64_t time_us, struct origin o,
    struct str text, bool cut)
{
	line_time(out, time_us);
	buf_addc(out, ' ');
	origin_put(out, o);
	put_text(out, text);
	if (cut)
		buf_addz(out, LINE_CUT);
	buf_addc(out, '\n');
}

size_t line_room(size_t text_len)
{
	return FRAME_ROOM + 4 * text_len;
}
