#include "head.h"

#include <stdio.h>
#include <time.h>

static void add_field(struct buf *out, struct str name, struct str value)
{
	char *at = buf_reserve(out, name.len + value.len + 4);

	if (!at)
		return;
	memcpy(at, name.p, name.len);
	at += name.len;
	*at++ = ':';
	*at++ = ' ';
	if (value.len > 0)
		memcpy(at, value.p, value.len);
	at += value.len;
	*at++ = '\r';
	*at++ = '\n';
	out->len += name.len + value.len + 4;
}

void head_number(struct buf *out, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	buf_add(out, str_make(digits + at, sizeof(digits) - at));
}

static void add_number(struct buf *out, struct str name, uint64_t n)
{
	buf_add(out, name);
	head_number(out, n);
	buf_add(out, STR("\r\n"));
}

void head_date(int64_t real_s, char out[30])
{
	time_t t = (time_t)real_s;
	struct tm tm;

	/* The names of days and months are the C locale's: never another. */
	(void)strftime(out, 30, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
}

/* --- requests ------------------------------------------------------------- */

bool head_request_id_ok(struct str id)
{
	if (id.len < 20 || id.len > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') && c != '-' && c != '_')
			return false;
	}
	return true;
}

/* Framing and Host can't be named away by Connection. */
static bool is_named_away(const struct http1_head *h, struct str name)
{
	return h->names_more && http1_is_named(h, name);
}

static void add_request_fields(struct buf *out, const struct http1_head *h)
{
	for (size_t i = 0; i < h->nfields; i++) {
		const struct http1_field *f = &h->fields[i];

		switch (f->id) {
		case HTTP1_CONTENT_LENGTH:
			add_number(out, STR("Content-Length: "), h->length);
			break;
		case HTTP1_OTHER:
		case HTTP1_ACCEPT:
		case HTTP1_DATE:
		case HTTP1_EXPECT:
			if (!is_named_away(h, f->name))
				add_field(out, f->name, f->value);
			break;
		default: /* of this hop, or ours to say */
			break;
		}
	}
}

static size_t mark(struct buf *out, struct str s)
{
	size_t at = out->len;

	buf_add(out, s);
	return at;
}

void head_request(struct buf *out, const struct http1_head *h,
    const struct head_added *add, struct head_marks *ret)
{
	ret->method = mark(out, h->method);
	ret->method_len = h->method.len;
	buf_addc(out, ' ');
	ret->target = out->len;
	if (h->target.p[0] == '?')
		buf_addc(out, '/');
	buf_add(out, h->target);
	ret->target_len = out->len - ret->target;
	buf_add(out, STR(" HTTP/1.1\r\nHost: "));
	ret->host = mark(out, h->host);
	ret->host_len = h->host.len;
	buf_add(out, STR("\r\nX-Request-Id: "));
	ret->request_id = mark(out, add->request_id);
	ret->request_id_len = add->request_id.len;
	buf_add(out, STR("\r\nX-Forwarded-For: "));
	ret->client = mark(out, add->client);
	ret->client_len = add->client.len;
	buf_add(out, add->tls ? STR("\r\nX-Forwarded-Proto: https\r\n")
	                      : STR("\r\nX-Forwarded-Proto: http\r\n"));
	add_number(out, STR("X-Forwarded-Port: "), add->port);
	add_number(out, STR("X-Request-Start: "), add->real_ms);
	buf_add(out,
	    h->minor ? STR("Via: 1.1 paas\r\n") : STR("Via: 1.0 paas\r\n"));
	add_request_fields(out, h);
	if (h->framing == HTTP1_CHUNKED)
		buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
	if (add->upgrade) {
		buf_add(out, STR("Connection: Upgrade\r\n"));
		add_field(out, STR("Upgrade"), h->protocol);
	}
	buf_add(out, STR("\r\n"));
}

/* --- answers -------------------------------------------------------------- */

static bool ends_nocase(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       str_eq_nocase(str_sub(s, s.len - suffix.len, s.len), suffix);
}

/* Would a browser send this cookie to all that lives below domain? */
static bool is_for_all(struct str cookie, struct str domain)
{
	struct str item, name;

	(void)str_split(&cookie, ';', &item); /* its own name and value */
	while (str_split(&cookie, ';', &item)) {
		(void)str_split(&item, '=', &name);
		if (!str_eq_nocase(str_trim(name), STR("Domain")))
			continue;
		item = str_trim(item);
		while (item.len > 0 && item.p[0] == '.')
			item = str_sub(item, 1, item.len);
		while (item.len > 0 && item.p[item.len - 1] == '.')
			item.len--;
		if (item.len > 0 && ends_nocase(domain, item) &&
		    (item.len == domain.len ||
		        domain.p[domain.len - item.len - 1] == '.'))
			return true;
	}
	return false;
}

static void add_answer_fields(struct buf *out, const struct http1_head *h,
    struct str apps_domain, bool *ret_dated)
{
	/* RFC 9110 8.6: no length where there can be no body. */
	bool length_ok = h->status >= 200 && h->status != 204;

	for (size_t i = 0; i < h->nfields; i++) {
		const struct http1_field *f = &h->fields[i];

		switch (f->id) {
		case HTTP1_CONTENT_LENGTH:
			if (length_ok)
				add_number(
				    out, STR("Content-Length: "), h->length);
			break;
		case HTTP1_DATE:
			*ret_dated = true;
			add_field(out, f->name, f->value);
			break;
		case HTTP1_SET_COOKIE:
			if (!is_for_all(f->value, apps_domain) &&
			    !is_named_away(h, f->name))
				add_field(out, f->name, f->value);
			break;
		case HTTP1_CONNECTION:
		case HTTP1_KEEP_ALIVE:
		case HTTP1_PROXY_CONNECTION:
		case HTTP1_PROXY_AUTHENTICATE:
		case HTTP1_TE:
		case HTTP1_TRAILER:
		case HTTP1_TRANSFER_ENCODING:
		case HTTP1_UPGRADE:
		case HTTP1_HTTP2_SETTINGS:
			break;
		default:
			if (!is_named_away(h, f->name))
				add_field(out, f->name, f->value);
			break;
		}
	}
}

void head_response(
    struct buf *out, const struct http1_head *h, const struct head_answer *how)
{
	bool dated = h->status < 200;

	buf_add(out, STR("HTTP/1.1 "));
	head_number(out, h->status);
	buf_addc(out, ' ');
	buf_add(out, h->reason);
	buf_add(out, STR("\r\n"));
	add_answer_fields(out, h, how->apps_domain, &dated);
	buf_add(out,
	    h->minor ? STR("Via: 1.1 paas\r\n") : STR("Via: 1.0 paas\r\n"));
	if (!dated)
		add_field(out, STR("Date"), how->date);
	if (how->chunked)
		buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
	if (how->upgrade) {
		buf_add(out, STR("Connection: Upgrade\r\n"));
		add_field(out, STR("Upgrade"), h->protocol);
	} else if (how->close) {
		buf_add(out, STR("Connection: close\r\n"));
	} else if (how->keep) {
		buf_add(out, STR("Connection: keep-alive\r\n"));
	}
	buf_add(out, STR("\r\n"));
}
