#include "base/str.h"

#include "base/mem.h"

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool str_eqz(struct str a, const char *z)
{
	return str_eq(a, str_z(z));
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_sub(s, 0, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       str_eq(str_sub(s, s.len - suffix.len, s.len), suffix);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.len > 0 && is_blank(s.p[0]))
		s = str_make(s.p + 1, s.len - 1);
	while (s.len > 0 && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

ssize_t str_find(struct str s, char c)
{
	const char *at = s.len == 0 ? NULL : memchr(s.p, c, s.len);

	return at ? at - s.p : -1;
}

ssize_t str_find_str(struct str s, struct str needle)
{
	for (size_t i = 0; i + needle.len <= s.len; i++)
		if (str_starts(str_sub(s, i, s.len), needle))
			return (ssize_t)i;
	return -1;
}

bool str_split(struct str *rest, char c, struct str *ret_head)
{
	ssize_t at;

	if (!rest->p)
		return false;
	at = str_find(*rest, c);
	if (at == -1) {
		*ret_head = *rest;
		*rest = (struct str){NULL, 0};
		return true;
	}
	*ret_head = str_sub(*rest, 0, (size_t)at);
	*rest = str_sub(*rest, (size_t)at + 1, rest->len);
	return true;
}

bool str_u64(struct str s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)((unsigned char)s.p[i] - '0');

		if (digit > 9 || digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret = n;
	return true;
}

void str_copy(struct str s, char *out, size_t size)
{
	size_t n = s.len < size - 1 ? s.len : size - 1;

	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

char *str_dup(struct str s)
{
	char *z = xmalloc(s.len + 1);

	if (s.len > 0)
		memcpy(z, s.p, s.len);
	z[s.len] = '\0';
	return z;
}

bool str_eq_secret(struct str a, struct str b)
{
	volatile unsigned char differ = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		differ = (unsigned char)(differ | (a.p[i] ^ b.p[i]));
	return differ == 0;
}

int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool str_hex(struct str s, uint64_t *ret)
{
	uint64_t n = 0;

	if (s.len == 0 || s.len > 2 * sizeof(n))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = hex_value(s.p[i]);

		if (digit == -1)
			return false;
		n = n << 4 | (uint64_t)digit;
	}
	*ret = n;
	return true;
}

void hex_encode(const void *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

bool hex_decode(struct str s, size_t n, void *out)
{
	unsigned char *bytes = out;

	if (s.len != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(s.p[2 * i]);
		int low = hex_value(s.p[2 * i + 1]);

		if (high == -1 || low == -1)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}
