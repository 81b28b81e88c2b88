#include "wire/url.h"

ssize_t url_decode(struct str in, char *mem, struct error *err)
{
	size_t len = 0;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.p[i];

		if (c == '%') {
			unsigned char byte;

			if (!hex_decode(str_sub(in, i + 1, i + 3), 1, &byte))
				return error_set(err, ERR_INVALID,
				    "a %% in the URL without two hex digits");
			c = (char)byte;
			i += 2;
		}
		mem[len++] = c;
	}
	return (ssize_t)len;
}

static int segment_parse(
    struct str in, char *mem, struct str *ret, struct error *err)
{
	ssize_t len = url_decode(in, mem, err);

	if (len == -1)
		return -1;
	*ret = str_make(mem, (size_t)len);
	if (len == 0)
		return error_set(err, ERR_INVALID, "an empty part in the path");
	if (str_eqz(*ret, ".") || str_eqz(*ret, ".."))
		return error_set(err, ERR_INVALID, "a dot part in the path");
	if (str_find(*ret, '\0') != -1)
		return error_set(err, ERR_INVALID, "a NUL in the path");
	return 0;
}

int url_path_parse(
    struct str path, char *mem, struct url_path *ret, struct error *err)
{
	struct url_path made = {0};
	struct str in;

	if (!str_starts(path, STR("/")))
		return error_set(err, ERR_INVALID, "a path without its /");
	path = str_sub(path, 1, path.len);
	while (str_split(&path, '/', &in)) {
		if (in.len == 0 && !path.p)
			break;
		if (made.n == URL_SEGMENTS_MAX)
			return error_set(err, ERR_LIMIT,
			    "a path of more than %d parts", URL_SEGMENTS_MAX);
		if (segment_parse(in, mem, &made.seg[made.n], err) == -1)
			return -1;
		mem += made.seg[made.n++].len;
	}
	*ret = made;
	return 0;
}

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

void url_encode(struct buf *out, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (unreserved(s.p[i])) {
			buf_addc(out, s.p[i]);
			continue;
		}
		buf_addc(out, '%');
		buf_addc(out, digits[c >> 4]);
		buf_addc(out, digits[c & 15]);
	}
}
