#include "wire/http1.h"

#include <stddef.h>

/* --- bytes --------------------------------------------------------------- */

enum { TOKEN = 1, VALUE = 2, TARGET = 4 };

/* Which bytes may stand in a token, in a field's value, in a target. */
static const unsigned char classes[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = TOKEN | VALUE | TARGET,
    ['"'] = VALUE | TARGET,
    ['#'] = TOKEN | VALUE, /* a fragment is never sent */
    ['$' ... '\''] = TOKEN | VALUE | TARGET,
    ['(' ... ')'] = VALUE | TARGET,
    ['*' ... '+'] = TOKEN | VALUE | TARGET,
    [','] = VALUE | TARGET,
    ['-' ... '.'] = TOKEN | VALUE | TARGET,
    ['/'] = VALUE | TARGET,
    ['0' ... '9'] = TOKEN | VALUE | TARGET,
    [':' ... '@'] = VALUE | TARGET,
    ['A' ... 'Z'] = TOKEN | VALUE | TARGET,
    ['[' ... ']'] = VALUE | TARGET,
    ['^' ... 'z'] = TOKEN | VALUE | TARGET,
    ['{'] = VALUE | TARGET,
    ['|'] = TOKEN | VALUE | TARGET,
    ['}'] = VALUE | TARGET,
    ['~'] = TOKEN | VALUE | TARGET,
    [0x80 ... 0xff] = VALUE,
};

static bool is_class(char c, unsigned cls)
{
	return classes[(unsigned char)c] & cls;
}

static bool all_class(struct str s, unsigned cls)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_class(s.p[i], cls))
			return false;
	return true;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* --- the names that count ------------------------------------------------ */

struct known {
	struct str name;
	enum http1_name id;
};

#define KNOWN_LEN_MAX 19
#define KNOWN_SAME_MAX 3 /* names of one length */

/* By length, so that most fields are told by it alone. */
static const struct known known[KNOWN_LEN_MAX + 1][KNOWN_SAME_MAX] = {
    [2] = {{STR("te"), HTTP1_TE}},
    [4] = {{STR("host"), HTTP1_HOST}, {STR("date"), HTTP1_DATE}},
    [5] = {{STR("proxy"), HTTP1_PROXY}},
    [6] = {{STR("accept"), HTTP1_ACCEPT}, {STR("expect"), HTTP1_EXPECT}},
    [7] = {{STR("upgrade"), HTTP1_UPGRADE}, {STR("trailer"), HTTP1_TRAILER}},
    [9] = {{STR("forwarded"), HTTP1_FORWARDED},
        {STR("x-real-ip"), HTTP1_X_FORWARDED}},
    [10] = {{STR("connection"), HTTP1_CONNECTION},
        {STR("keep-alive"), HTTP1_KEEP_ALIVE},
        {STR("set-cookie"), HTTP1_SET_COOKIE}},
    [12] = {{STR("x-request-id"), HTTP1_X_REQUEST_ID}},
    [14] = {{STR("content-length"), HTTP1_CONTENT_LENGTH},
        {STR("http2-settings"), HTTP1_HTTP2_SETTINGS}},
    [15] = {{STR("x-request-start"), HTTP1_X_REQUEST_START}},
    [16] = {{STR("proxy-connection"), HTTP1_PROXY_CONNECTION}},
    [17] = {{STR("transfer-encoding"), HTTP1_TRANSFER_ENCODING}},
    [18] = {{STR("proxy-authenticate"), HTTP1_PROXY_AUTHENTICATE}},
    [19] = {{STR("proxy-authorization"), HTTP1_PROXY_AUTHORIZATION}},
};

/*
 * Does name start with want, case aside? Frameworks that hand fields on as
 * variables read '_' and '-' as the same, so a name with '_' could pass for
 * one of ours: *ret_lookalike.
 */
static bool starts_as(struct str name, struct str want, bool *ret_lookalike)
{
	bool lookalike = false;

	if (name.len < want.len)
		return false;
	for (size_t i = 0; i < want.len; i++) {
		char c = lower(name.p[i]);

		if (c == '_') {
			c = '-';
			lookalike = true;
		}
		if (c != want.p[i])
			return false;
	}
	*ret_lookalike = lookalike;
	return true;
}

static enum http1_name name_id(struct str name)
{
	bool lookalike;

	if (lower(name.p[0]) == 'x' &&
	    starts_as(name, STR("x-forwarded-"), &lookalike))
		return HTTP1_X_FORWARDED;
	if (name.len > KNOWN_LEN_MAX)
		return HTTP1_OTHER;
	for (size_t k = 0; k < KNOWN_SAME_MAX; k++) {
		const struct known *want = &known[name.len][k];

		if (want->name.len > 0 &&
		    starts_as(name, want->name, &lookalike))
			return lookalike ? HTTP1_LOOKALIKE : want->id;
	}
	return HTTP1_OTHER;
}

/* Does a list of tokens ("a, b") have this one? Case does not count. */
static bool has_token(struct str list, struct str token)
{
	struct str item;

	while (str_split(&list, ',', &item))
		if (str_eq_nocase(str_trim(item), token))
			return true;
	return false;
}

bool http1_is_named(const struct http1_head *h, struct str name)
{
	for (size_t i = 0; i < h->nfields; i++)
		if (h->fields[i].id == HTTP1_CONNECTION &&
		    has_token(h->fields[i].value, name))
			return true;
	return false;
}

/* --- lines --------------------------------------------------------------- */

/*
 * The line that starts at byte `at` of in, without its CR LF. Returns the
 * byte after it, 0 when it does not end in here yet.
 */
static ssize_t take_line(
    struct str in, size_t at, struct str *ret, struct error *err)
{
	const char *start = in.p + at;
	size_t left = in.len - at;
	const char *lf = left ? memchr(start, '\n', left) : NULL;
	size_t len = lf ? (size_t)(lf - start) + 1 : left;

	if (len > HTTP1_LINE_MAX)
		return error_set(err, ERR_LIMIT, "a line of more than %d bytes",
		    HTTP1_LINE_MAX);
	if (at + len > HTTP1_HEAD_MAX)
		return error_set(err, ERR_LIMIT, "a head of more than %d bytes",
		    HTTP1_HEAD_MAX);
	if (!lf)
		return 0;
	if (len < 2 || lf[-1] != '\r')
		return error_set(err, ERR_INVALID, "a line without CR LF");
	*ret = str_make(start, len - 2);
	return (ssize_t)(at + len);
}

static int parse_version(struct str s, unsigned *ret, struct error *err)
{
	if (str_eqz(s, "HTTP/1.1"))
		*ret = 1;
	else if (str_eqz(s, "HTTP/1.0"))
		*ret = 0;
	else
		return error_set(err, ERR_INVALID, "not HTTP/1.1 or 1.0");
	return 0;
}

static int parse_field(
    struct str line, struct http1_field *ret, struct error *err)
{
	size_t n = 0;

	while (n < line.len && is_class(line.p[n], TOKEN))
		n++;
	if (n == 0 || n == line.len || line.p[n] != ':')
		return error_set(err, ERR_INVALID, "a field's name");
	ret->name = str_sub(line, 0, n);
	ret->value = str_sub(line, n + 1, line.len);
	if (!all_class(ret->value, VALUE))
		return error_set(err, ERR_INVALID, "a control byte in a field");
	ret->value = str_trim(ret->value);
	ret->id = name_id(ret->name);
	return 0;
}

/* --- what fields mean ---------------------------------------------------- */

struct seen {
	unsigned hosts, lengths, codings;
	bool close, keep;
};

static void note_connection(
    struct http1_head *h, struct seen *seen, struct str list)
{
	struct str item;

	while (str_split(&list, ',', &item)) {
		item = str_trim(item);
		if (str_eq_nocase(item, STR("close")))
			seen->close = true;
		else if (str_eq_nocase(item, STR("keep-alive")))
			seen->keep = true;
		else if (str_eq_nocase(item, STR("upgrade")))
			h->upgrade = true;
		else if (item.len > 0)
			h->names_more = true;
	}
}

static int note_field(struct http1_head *h, struct seen *seen,
    const struct http1_field *f, struct error *err)
{
	switch (f->id) {
	case HTTP1_HOST:
		h->host = f->value;
		if (++seen->hosts > 1)
			return error_set(err, ERR_INVALID, "a second Host");
		break;
	case HTTP1_CONTENT_LENGTH:
		if (++seen->lengths > 1 ||
		    !str_u64(f->value, INT64_MAX, &h->length))
			return error_set(err, ERR_INVALID, "Content-Length");
		h->has_length = true;
		break;
	case HTTP1_TRANSFER_ENCODING:
		if (++seen->codings > 1 ||
		    !str_eq_nocase(f->value, STR("chunked")))
			return error_set(err, ERR_INVALID, "Transfer-Encoding");
		break;
	case HTTP1_CONNECTION:
		note_connection(h, seen, f->value);
		break;
	case HTTP1_UPGRADE:
		h->protocol = f->value;
		break;
	case HTTP1_EXPECT:
		h->expect = true;
		if (!str_eq_nocase(f->value, STR("100-continue")))
			return error_set(err, ERR_INVALID, "Expect");
		break;
	case HTTP1_X_REQUEST_ID:
		h->x_request_id = f->value;
		break;
	default:
		break;
	}
	return 0;
}

static int note_framing(
    struct http1_head *h, const struct seen *seen, struct error *err)
{
	if (seen->codings && (seen->lengths || h->minor == 0))
		return error_set(err, ERR_INVALID,
		    "Transfer-Encoding with Content-Length or HTTP/1.0");
	h->framing = seen->codings   ? HTTP1_CHUNKED
	             : h->has_length ? HTTP1_LENGTH
	                             : HTTP1_NO_BODY;
	h->keep_alive = !seen->close && (h->minor == 1 || seen->keep);
	return 0;
}

/* The lines of fields from `at` on, and the empty one behind them. */
static ssize_t parse_fields(struct str in, size_t at, struct http1_head *h,
    struct seen *seen, struct error *err)
{
	struct str line;
	ssize_t next;

	for (;; at = (size_t)next) {
		struct http1_field *f = &h->fields[h->nfields];

		next = take_line(in, at, &line, err);
		if (next <= 0 || line.len == 0)
			return next;
		if (h->nfields == HTTP1_FIELDS_MAX)
			return error_set(err, ERR_LIMIT, "more than %d fields",
			    HTTP1_FIELDS_MAX);
		if (parse_field(line, f, err) == -1 ||
		    note_field(h, seen, f, err) == -1)
			return -1;
		h->nfields++;
	}
}

/* Everything before the fields, so that a long head is not cleared. */
static void clear_head(struct http1_head *h)
{
	memset(h, 0, offsetof(struct http1_head, fields));
}

/* --- requests ------------------------------------------------------------ */

static bool is_port(struct str s)
{
	uint64_t port;

	return s.len == 0 || str_u64(s, 65535, &port);
}

/* reg-name without percent or sub-delims, IPv4, or "[IPv6]"; ":PORT". */
static bool is_authority(struct str s)
{
	size_t n = 0;

	if (s.len > 0 && s.p[0] == '[') {
		for (n = 1; n < s.len && s.p[n] != ']'; n++)
			if (hex_value(s.p[n]) == -1 && s.p[n] != ':' &&
			    s.p[n] != '.')
				return false;
		if (n == 1 || n >= s.len)
			return false;
		n++;
	} else {
		while (n < s.len && is_class(s.p[n], TOKEN) &&
		       !memchr("!#$%&'*+^`|~", s.p[n], 12))
			n++;
	}
	if (n == 0)
		return false;
	return n == s.len ||
	       (s.p[n] == ':' && is_port(str_sub(s, n + 1, s.len)));
}

/* "http://HOST/PATH": the authority is the Host, RFC 9112 3.2.2. */
static int parse_absolute(
    struct http1_head *h, struct str *ret_authority, struct error *err)
{
	ssize_t scheme = str_find_str(h->target, STR("://"));
	struct str rest;
	size_t n = 0;

	if (scheme == -1)
		return error_set(err, ERR_INVALID, "the request's target");
	rest = str_sub(h->target, 0, (size_t)scheme);
	if (!str_eq_nocase(rest, STR("http")) &&
	    !str_eq_nocase(rest, STR("https")))
		return error_set(err, ERR_INVALID, "the target's scheme");
	rest = str_sub(h->target, (size_t)scheme + 3, h->target.len);
	while (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	*ret_authority = str_sub(rest, 0, n);
	h->target = str_sub(rest, n, rest.len);
	if (h->target.len == 0)
		h->target = str_eqz(h->method, "OPTIONS") ? STR("*") : STR("/");
	if (!is_authority(*ret_authority))
		return error_set(err, ERR_INVALID, "the target's host");
	return 0;
}

static int parse_request_line(struct http1_head *h, struct str line,
    struct str *ret_authority, struct error *err)
{
	struct str rest = line;

	if (!str_split(&rest, ' ', &h->method) || !rest.p ||
	    !str_split(&rest, ' ', &h->target) || !rest.p)
		return error_set(err, ERR_INVALID, "the request line");
	if (h->method.len == 0 || !all_class(h->method, TOKEN))
		return error_set(err, ERR_INVALID, "the method");
	if (h->target.len == 0 || !all_class(h->target, TARGET))
		return error_set(err, ERR_INVALID, "the request's target");
	if (parse_version(rest, &h->minor, err) == -1)
		return -1;
	h->connect = str_eqz(h->method, "CONNECT");
	if (h->connect) {
		*ret_authority = h->target;
		if (!is_authority(h->target))
			return error_set(err, ERR_INVALID, "CONNECT's host");
		return 0;
	}
	if (h->target.p[0] == '/')
		return 0;
	if (str_eqz(h->target, "*") && str_eqz(h->method, "OPTIONS"))
		return 0;
	return parse_absolute(h, ret_authority, err);
}

/* At the first byte already: what speaks TLS here must not wait for us. */
static int check_first(struct str in, struct error *err)
{
	if (in.len > 0 && !is_class(in.p[0], TOKEN) && in.p[0] != '\r')
		return error_set(err, ERR_INVALID, "not an HTTP request");
	if (in.len > 1 && in.p[0] == '\r' && in.p[1] != '\n')
		return error_set(err, ERR_INVALID, "not an HTTP request");
	return 0;
}

ssize_t http1_request(struct str in, struct http1_head *ret, struct error *err)
{
	struct seen seen = {0};
	struct str line, authority = {0};
	ssize_t at;

	clear_head(ret);
	if (check_first(in, err) == -1)
		return -1;
	at = take_line(in, 0, &line, err);
	/* Old clients send an empty line after a body; one is forgiven. */
	if (at > 0 && line.len == 0)
		at = take_line(in, (size_t)at, &line, err);
	if (at <= 0)
		return at;
	if (parse_request_line(ret, line, &authority, err) == -1)
		return -1;
	at = parse_fields(in, (size_t)at, ret, &seen, err);
	if (at <= 0)
		return at;
	if (seen.hosts == 0 && ret->minor == 1)
		return error_set(err, ERR_INVALID, "no Host");
	if (seen.hosts && !is_authority(ret->host))
		return error_set(err, ERR_INVALID, "Host");
	if (authority.len > 0)
		ret->host = authority;
	return note_framing(ret, &seen, err) == -1 ? -1 : at;
}

/* --- answers ------------------------------------------------------------- */

/* "HTTP/1.1 200 OK"; some servers leave out the space before no reason. */
static int parse_status_line(
    struct http1_head *h, struct str line, struct error *err)
{
	struct str version, code = {NULL, 0};
	uint64_t status;

	(void)str_split(&line, ' ', &version);
	if (parse_version(version, &h->minor, err) == -1)
		return -1;
	(void)str_split(&line, ' ', &code);
	if (code.len != 3 || !str_u64(code, 999, &status) || status < 100)
		return error_set(err, ERR_INVALID, "the status");
	h->status = (unsigned)status;
	h->reason = line;
	if (!all_class(h->reason, VALUE))
		return error_set(
		    err, ERR_INVALID, "a control byte in a reason");
	return 0;
}

ssize_t http1_response(
    struct str in, bool to_head, struct http1_head *ret, struct error *err)
{
	struct seen seen = {0};
	struct str line;
	ssize_t at;

	clear_head(ret);
	at = take_line(in, 0, &line, err);
	if (at <= 0)
		return at;
	if (parse_status_line(ret, line, err) == -1)
		return -1;
	at = parse_fields(in, (size_t)at, ret, &seen, err);
	if (at <= 0)
		return at;
	if (note_framing(ret, &seen, err) == -1)
		return -1;
	if (to_head || ret->status < 200 || ret->status == 204 ||
	    ret->status == 304)
		ret->framing = HTTP1_NO_BODY;
	else if (ret->framing == HTTP1_NO_BODY)
		ret->framing = HTTP1_TO_END;
	if (ret->framing == HTTP1_TO_END)
		ret->keep_alive = false;
	return at;
}

/* --- chunks -------------------------------------------------------------- */

#define EXTENSION_MAX 256   /* bytes of one chunk's; nobody uses them */
#define CHUNK_DIGITS_MAX 15 /* so that no size overflows */

enum chunk_state {
	CHUNK_FIRST, /* a digit must come */
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_START,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	LAST_LF
};

static int bad_chunk(struct error *err)
{
	return error_set(err, ERR_INVALID, "a chunked body");
}

static int size_digit(struct http1_chunks *c, char byte)
{
	int digit = hex_value(byte);

	if (digit == -1 || ++c->count > CHUNK_DIGITS_MAX)
		return -1;
	c->left = c->left * 16 + (uint64_t)digit;
	return CHUNK_SIZE;
}

static int trailer_byte(struct http1_chunks *c, char byte)
{
	if (++c->count > HTTP1_HEAD_MAX)
		return -1;
	switch ((enum chunk_state)c->state) {
	case TRAILER_START:
		if (byte == '\r')
			return LAST_LF;
		return is_class(byte, TOKEN) ? TRAILER_NAME : -1;
	case TRAILER_NAME:
		if (byte == ':')
			return TRAILER_VALUE;
		return is_class(byte, TOKEN) ? TRAILER_NAME : -1;
	case TRAILER_VALUE:
		if (byte == '\r')
			return TRAILER_LF;
		return is_class(byte, VALUE) ? TRAILER_VALUE : -1;
	case TRAILER_LF:
		return byte == '\n' ? TRAILER_START : -1;
	default:
		c->done = byte == '\n';
		return c->done ? LAST_LF : -1;
	}
}

/* The state after one byte that is not payload, -1 when it can't be there. */
static int chunk_byte(struct http1_chunks *c, char byte)
{
	switch ((enum chunk_state)c->state) {
	case CHUNK_FIRST:
		c->left = 0;
		c->count = 0;
		return size_digit(c, byte);
	case CHUNK_SIZE:
		if (byte == '\r')
			return CHUNK_SIZE_LF;
		return byte == ';' ? CHUNK_EXTENSION : size_digit(c, byte);
	case CHUNK_EXTENSION:
		if (byte == '\r')
			return CHUNK_SIZE_LF;
		if (++c->count > EXTENSION_MAX || !is_class(byte, VALUE))
			return -1;
		return CHUNK_EXTENSION;
	case CHUNK_SIZE_LF:
		if (byte != '\n')
			return -1;
		c->count = 0;
		return c->left > 0 ? CHUNK_DATA : TRAILER_START;
	case CHUNK_DATA_CR:
		return byte == '\r' ? CHUNK_DATA_LF : -1;
	case CHUNK_DATA_LF:
		return byte == '\n' ? CHUNK_FIRST : -1;
	default:
		return trailer_byte(c, byte);
	}
}

ssize_t http1_dechunk(struct http1_chunks *c, char *p, size_t n,
    size_t *ret_payload, struct error *err)
{
	size_t i = 0, payload = 0;

	while (i < n && !c->done) {
		size_t part;
		int next;

		if (c->state != CHUNK_DATA) {
			next = chunk_byte(c, p[i++]);
			if (next == -1)
				return bad_chunk(err);
			c->state = (unsigned char)next;
			continue;
		}
		part = n - i < c->left ? n - i : (size_t)c->left;
		if (payload != i)
			memmove(p + payload, p + i, part);
		payload += part;
		i += part;
		c->left -= part;
		if (c->left == 0)
			c->state = CHUNK_DATA_CR;
	}
	*ret_payload = payload;
	return (ssize_t)i;
}
