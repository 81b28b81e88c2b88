/* Characters, strings, keys, numbers and dates of TOML. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "wire/toml_int.h"

int toml_fail(struct parser *p, const char *what)
{
	return error_set(p->err, ERR_INVALID, "line %u: %s", p->line, what);
}

/* Length of the UTF-8 character at p of at most n bytes, 0 for none. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	static const unsigned char low[] = {
	    [0xe0] = 0xa0, [0xf0] = 0x90, [0xff] = 0};
	size_t len = p[0] < 0x80                    ? 1
	             : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
	             : p[0] >= 0xe0 && p[0] <= 0xef ? 3
	             : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
	                                            : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if (len > 2 && (p[1] < low[p[0]] || (p[0] == 0xed && p[1] > 0x9f) ||
	                   (p[0] == 0xf4 && p[1] > 0x8f)))
		return 0;
	return len;
}

int toml_check_utf8(struct str text, struct error *err)
{
	unsigned line = 1;

	for (size_t i = 0; i < text.len;) {
		size_t n = utf8_length(
		    (const unsigned char *)text.p + i, text.len - i);

		if (n == 0)
			return error_set(
			    err, ERR_INVALID, "line %u: not UTF-8", line);
		line += text.p[i] == '\n';
		i += n;
	}
	return 0;
}

/* --- characters ---------------------------------------------------------- */

int toml_peek(const struct parser *p, size_t ahead)
{
	return p->at + ahead < p->in.len ? (unsigned char)p->in.p[p->at + ahead]
	                                 : -1;
}

bool toml_accept(struct parser *p, char c)
{
	if (toml_peek(p, 0) != c)
		return false;
	p->at++;
	return true;
}

bool toml_looking_at(const struct parser *p, const char *z)
{
	return str_starts(str_sub(p->in, p->at, p->in.len), str_z(z));
}

void toml_skip_blanks(struct parser *p)
{
	while (toml_peek(p, 0) == ' ' || toml_peek(p, 0) == '\t')
		p->at++;
}

bool toml_is_control(int c)
{
	return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
}

/* A newline, if one stands here: LF or CR LF. */
static bool accept_newline(struct parser *p)
{
	size_t n = toml_peek(p, 0) == '\n'                              ? 1
	           : toml_peek(p, 0) == '\r' && toml_peek(p, 1) == '\n' ? 2
	                                                                : 0;

	p->at += n;
	p->line += n != 0;
	return n != 0;
}

static int skip_comment(struct parser *p)
{
	if (!toml_accept(p, '#'))
		return 0;
	while (toml_peek(p, 0) != -1 && toml_peek(p, 0) != '\n' &&
	       !(toml_peek(p, 0) == '\r' && toml_peek(p, 1) == '\n')) {
		if (toml_is_control(toml_peek(p, 0)))
			return toml_fail(p, "control character in a comment");
		p->at++;
	}
	return 0;
}

/* Blanks, comments and newlines, as between the items of an array. */
int toml_skip_lines(struct parser *p)
{
	do {
		toml_skip_blanks(p);
		if (skip_comment(p) == -1)
			return -1;
	} while (accept_newline(p));
	return 0;
}

/* What must follow a header or a value: a comment or not, and the line's end.
 */
int toml_end_of_line(struct parser *p)
{
	toml_skip_blanks(p);
	if (skip_comment(p) == -1)
		return -1;
	if (toml_peek(p, 0) != -1 && !accept_newline(p))
		return toml_fail(p, "the end of the line is expected here");
	return 0;
}

/* --- strings ------------------------------------------------------------- */

/* The decoded string being built at the end of the document's memory. */
static void put(struct parser *p, char c)
{
	struct toml_doc *d = p->doc;

	/* mem_cap is the input's length, and no decoding makes it longer */
	assert(d->mem_len < d->mem_cap);
	d->mem[d->mem_len++] = c;
}

static struct str put_done(struct parser *p, size_t from)
{
	return str_make(p->doc->mem + from, p->doc->mem_len - from);
}

static struct str keep(struct parser *p, struct str s)
{
	size_t from = p->doc->mem_len;

	for (size_t i = 0; i < s.len; i++)
		put(p, s.p[i]);
	return put_done(p, from);
}

static void put_rune(struct parser *p, uint32_t c)
{
	if (c < 0x80) {
		put(p, (char)c);
		return;
	}
	if (c < 0x800) {
		put(p, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		put(p, (char)(0xe0 | c >> 12));
		put(p, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		put(p, (char)(0xf0 | c >> 18));
		put(p, (char)(0x80 | (c >> 12 & 0x3f)));
		put(p, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	put(p, (char)(0x80 | (c & 0x3f)));
}

static int unicode_escape(struct parser *p, int digits)
{
	uint32_t c = 0;

	for (int i = 0; i < digits; i++) {
		int v = toml_peek(p, 0) == -1
		            ? -1
		            : hex_value((char)toml_peek(p, 0));

		if (v == -1)
			return toml_fail(
			    p, "a \\u or \\U escape needs hex digits");
		c = c << 4 | (uint32_t)v;
		p->at++;
	}
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return toml_fail(p, "the escape is no Unicode character");
	put_rune(p, c);
	return 0;
}

static int escape(struct parser *p)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	int c = toml_peek(p, 0);
	const char *found = c > 0 ? strchr(from, c) : NULL;

	if (c == 'u' || c == 'U') {
		p->at++;
		return unicode_escape(p, c == 'u' ? 4 : 8);
	}
	if (!found)
		return toml_fail(p, "unknown escape in a string");
	p->at++;
	put(p, to[found - from]);
	return 0;
}

static int string_line(struct parser *p, char quote, struct str *ret)
{
	size_t from = p->doc->mem_len;

	p->at++;
	while (!toml_accept(p, quote)) {
		int c = toml_peek(p, 0);

		if (c == -1 || c == '\n' || c == '\r')
			return toml_fail(
			    p, "the string is not closed on its line");
		if (toml_is_control(c))
			return toml_fail(p, "control character in a string");
		p->at++;
		if (c != '\\' || quote == '\'')
			put(p, (char)c);
		else if (escape(p) == -1)
			return -1;
	}
	*ret = put_done(p, from);
	return 0;
}

/* After a backslash: blanks, a newline and all white space behind it. */
static bool accept_folded(struct parser *p)
{
	size_t at = p->at;
	int c;

	toml_skip_blanks(p);
	if (!accept_newline(p)) {
		p->at = at;
		return false;
	}
	do {
		toml_skip_blanks(p);
		c = toml_peek(p, 0);
	} while ((c == '\n' || c == '\r') && accept_newline(p));
	return true;
}

/* Three quotes, and up to two more that belong to the text before them. */
static bool accept_close(struct parser *p, char quote)
{
	int n = 0;

	while (n < 5 && toml_peek(p, (size_t)n) == quote)
		n++;
	if (n < 3)
		return false;
	p->at += (size_t)n;
	for (; n > 3; n--)
		put(p, quote);
	return true;
}

static int string_lines(struct parser *p, char quote, struct str *ret)
{
	size_t from = p->doc->mem_len;

	p->at += 3;
	(void)accept_newline(p);
	while (!accept_close(p, quote)) {
		int c = toml_peek(p, 0);

		if (c == -1)
			return toml_fail(p, "the string is never closed");
		if (accept_newline(p)) {
			put(p, '\n');
			continue;
		}
		if (toml_is_control(c))
			return toml_fail(p, "control character in a string");
		p->at++;
		if (c != '\\' || quote == '\'')
			put(p, (char)c);
		else if (!accept_folded(p) && escape(p) == -1)
			return -1;
	}
	*ret = put_done(p, from);
	return 0;
}

int toml_string(struct parser *p, struct str *ret)
{
	char quote = (char)toml_peek(p, 0);

	if (toml_peek(p, 1) == quote && toml_peek(p, 2) == quote)
		return string_lines(p, quote, ret);
	return string_line(p, quote, ret);
}

/* --- keys ---------------------------------------------------------------- */

bool toml_is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

int toml_key(struct parser *p, struct str *ret)
{
	size_t from = p->at;

	if (toml_peek(p, 0) == '"' || toml_peek(p, 0) == '\'')
		return string_line(p, (char)toml_peek(p, 0), ret);
	while (toml_is_bare(toml_peek(p, 0)))
		p->at++;
	if (p->at == from)
		return toml_fail(p, "a key is expected here");
	*ret = keep(p, str_sub(p->in, from, p->at));
	return 0;
}

bool toml_key_goes_on(struct parser *p)
{
	toml_skip_blanks(p);
	if (!toml_accept(p, '.'))
		return false;
	toml_skip_blanks(p);
	return true;
}

/* --- numbers, dates ------------------------------------------------------ */

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/*
 * n digits of s at *at as a number within low..high. For dates and times,
 * which have fixed widths.
 */
static bool fixed(struct str s, size_t *at, int n, int low, int high, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*at)++) {
		if (*at >= s.len || !is_digit(s.p[*at]))
			return false;
		v = v * 10 + (s.p[*at] - '0');
	}
	*ret = v;
	return v >= low && v <= high;
}

static bool literal(struct str s, size_t *at, char c)
{
	if (*at >= s.len || s.p[*at] != c)
		return false;
	(*at)++;
	return true;
}

static bool date(struct str s, size_t *at)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year, month, day;
	bool leap;

	if (!fixed(s, at, 4, 0, 9999, &year) || !literal(s, at, '-') ||
	    !fixed(s, at, 2, 1, 12, &month) || !literal(s, at, '-') ||
	    !fixed(s, at, 2, 1, 31, &day))
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= days[month - 1] + (month == 2 && leap);
}

static bool clock_time(struct str s, size_t *at)
{
	int unused;

	if (!fixed(s, at, 2, 0, 23, &unused) || !literal(s, at, ':') ||
	    !fixed(s, at, 2, 0, 59, &unused) || !literal(s, at, ':') ||
	    !fixed(s, at, 2, 0, 60, &unused))
		return false;
	if (!literal(s, at, '.'))
		return true;
	if (!fixed(s, at, 1, 0, 9, &unused))
		return false;
	while (*at < s.len && is_digit(s.p[*at]))
		(*at)++;
	return true;
}

static bool zone(struct str s, size_t *at)
{
	int unused;

	if (*at == s.len || literal(s, at, 'Z') || literal(s, at, 'z'))
		return true;
	return (literal(s, at, '+') || literal(s, at, '-')) &&
	       fixed(s, at, 2, 0, 23, &unused) && literal(s, at, ':') &&
	       fixed(s, at, 2, 0, 59, &unused);
}

static bool is_datetime(struct str s)
{
	size_t at = 0;

	if (s.len > 2 && s.p[2] == ':')
		return clock_time(s, &at) && at == s.len;
	if (!date(s, &at))
		return false;
	if (at == s.len)
		return true;
	if (!literal(s, &at, 'T') && !literal(s, &at, 't') &&
	    !literal(s, &at, ' '))
		return false;
	return clock_time(s, &at) && zone(s, &at) && at == s.len;
}

/* Copy digits without underscores; each of those stands between two digits. */
static bool digits(
    struct str s, size_t *at, bool (*is)(int c), char *out, size_t *n)
{
	size_t from = *at;

	while (*at < s.len && (is(s.p[*at]) || s.p[*at] == '_')) {
		char c = s.p[*at];

		if (c == '_' && (*at == from || s.p[*at - 1] == '_' ||
		                    *at + 1 == s.len || !is(s.p[*at + 1])))
			return false;
		if (c != '_')
			out[(*n)++] = c;
		(*at)++;
	}
	return *at > from;
}

static bool is_hex(int c)
{
	return hex_value((char)c) != -1;
}

static bool is_octal(int c)
{
	return c >= '0' && c <= '7';
}

static bool is_binary(int c)
{
	return c == '0' || c == '1';
}

/* Digits of this base as a magnitude of at most max. */
static bool magnitude(
    const char *d, size_t n, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned)hex_value(d[i]);

		if (v > (max - digit) / base)
			return false;
		v = v * base + digit;
	}
	*ret = v;
	return true;
}

/* 0x, 0o and 0b integers. */
static int based(struct parser *p, struct str s, struct toml *n)
{
	unsigned base = s.p[1] == 'x' ? 16 : s.p[1] == 'o' ? 8 : 2;
	char d[256];
	size_t at = 2, len = 0;
	uint64_t v;

	if (s.len >= sizeof(d) ||
	    !digits(s, &at,
	        base == 16  ? is_hex
	        : base == 8 ? is_octal
	                    : is_binary,
	        d, &len) ||
	    at != s.len)
		return toml_fail(p, "malformed number");
	if (!magnitude(d, len, base, INT64_MAX, &v))
		return toml_fail(p, "the integer does not fit 64 bits");
	n->type = TOML_INTEGER;
	n->integer = (int64_t)v;
	return 0;
}

static int real(struct parser *p, const char *text, struct toml *n)
{
	n->type = TOML_FLOAT;
	n->real = strtod(text, NULL); /* its form has been checked */
	return 0;
}

/* inf, nan, with a sign or not. */
static bool special(struct str s, struct toml *n)
{
	struct str word = s;
	bool minus = s.len && s.p[0] == '-';

	if (s.len && (s.p[0] == '-' || s.p[0] == '+'))
		word = str_sub(s, 1, s.len);
	if (!str_eqz(word, "inf") && !str_eqz(word, "nan"))
		return false;
	n->type = TOML_FLOAT;
	n->real = word.p[0] == 'i' ? INFINITY : NAN;
	if (minus)
		n->real = -n->real;
	return true;
}

/* The part of a float behind its integer digits; false when malformed. */
static bool fraction(struct str s, size_t *at, char *d, size_t *len)
{
	if (literal(s, at, '.')) {
		d[(*len)++] = '.';
		if (!digits(s, at, is_digit, d, len))
			return false;
	}
	if (literal(s, at, 'e') || literal(s, at, 'E')) {
		d[(*len)++] = 'e';
		if (*at < s.len && (s.p[*at] == '+' || s.p[*at] == '-'))
			d[(*len)++] = s.p[(*at)++];
		if (!digits(s, at, is_digit, d, len))
			return false;
	}
	d[*len] = '\0';
	return *at == s.len;
}

static int decimal(struct parser *p, struct str s, struct toml *n)
{
	char d[1024];
	size_t at = 0, len = 0, first;
	uint64_t v;
	bool minus;

	if (s.len >= sizeof(d) - 1)
		return toml_fail(p, "malformed number");
	if (literal(s, &at, '-') || literal(s, &at, '+'))
		d[len++] = s.p[0];
	first = len;
	minus = str_starts(s, STR("-"));
	if (!digits(s, &at, is_digit, d, &len))
		return toml_fail(p, "a value is expected here");
	if (d[first] == '0' && len - first > 1)
		return toml_fail(p, "a number may not start with 0");
	if (at != s.len)
		return fraction(s, &at, d, &len)
		           ? real(p, d, n)
		           : toml_fail(p, "malformed number");
	if (!magnitude(
	        d + first, len - first, 10, (uint64_t)INT64_MAX + minus, &v))
		return toml_fail(p, "the integer does not fit 64 bits");
	n->type = TOML_INTEGER;
	n->integer = (int64_t)(minus ? 0 - v : v);
	return 0;
}

/* The bytes of a number, a date or a word: up to what ends a value. */
static struct str scalar_text(const struct parser *p)
{
	size_t end = p->at;

	while (end < p->in.len && !strchr(" \t\r\n,]}#", p->in.p[end]))
		end++;
	/* one blank may stand between a date and a time */
	if (end - p->at == 10 && p->in.p[p->at + 4] == '-' &&
	    end + 1 < p->in.len && p->in.p[end] == ' ' &&
	    is_digit(p->in.p[end + 1]))
		do
			end++;
		while (end < p->in.len && !strchr(" \t\r\n,]}#", p->in.p[end]));
	return str_sub(p->in, p->at, end);
}

static bool like_datetime(struct str s)
{
	return s.len > 4 && is_digit(s.p[0]) && is_digit(s.p[1]) &&
	       (s.p[2] == ':' ||
	           (is_digit(s.p[2]) && is_digit(s.p[3]) && s.p[4] == '-'));
}

int toml_scalar(struct parser *p, struct toml *n)
{
	struct str s = scalar_text(p);
	int done;

	p->at += s.len;
	n->text = keep(p, s);
	if (str_eqz(s, "true") || str_eqz(s, "false")) {
		n->type = TOML_BOOLEAN;
		n->boolean = s.p[0] == 't';
		return 0;
	}
	if (special(s, n))
		return 0;
	if (s.len > 2 && s.p[0] == '0' && strchr("xob", s.p[1]))
		done = based(p, s, n);
	else if (!like_datetime(s))
		done = decimal(p, s, n);
	else
		done =
		    is_datetime(s) ? 0 : toml_fail(p, "malformed date or time");
	if (like_datetime(s))
		n->type = TOML_DATETIME;
	return done;
}
