/*
 * http1: prefixes of heads; fields that lie in the head, in order, without
 * line ends; a chunked body gives the same payload in one piece as byte by
 * byte. The first byte chooses: request, answer, answer to HEAD, body.
 */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "wire/http1.h"

enum what { REQUEST, ANSWER, ANSWER_TO_HEAD, BODY, WHAT_N };

static ssize_t parse(enum what what, struct str in, struct http1_head *h)
{
	struct error err = {0};
	ssize_t n = what == REQUEST
	                ? http1_request(in, h, &err)
	                : http1_response(in, what == ANSWER_TO_HEAD, h, &err);

	CHECK(n != -1 || err.code == ERR_INVALID || err.code == ERR_LIMIT);
	return n;
}

static void check_field(struct str head, const struct http1_field *f)
{
	CHECK(f->name.len > 0 && f->name.p >= head.p);
	CHECK(f->name.p + f->name.len <= head.p + head.len);
	CHECK(str_find(f->name, ':') == -1 && str_find(f->name, ' ') == -1);
	for (size_t i = 0; i < f->value.len; i++)
		CHECK(f->value.p[i] != '\r' && f->value.p[i] != '\n' &&
		      f->value.p[i] != '\0');
	CHECK(f->value.len == str_trim(f->value).len);
}

static void check_head(enum what what, struct str in)
{
	static struct http1_head h, other;
	ssize_t whole = parse(what, in, &h);

	for (size_t n = 0; n < in.len && n < PREFIX_MAX; n++)
		CHECK_PREFIX(parse(what, str_sub(in, 0, n), &other), whole);
	if (whole <= 0)
		return;
	CHECK((size_t)whole <= in.len && whole <= HTTP1_HEAD_MAX);
	CHECK(str_ends(str_sub(in, 0, (size_t)whole), STR("\r\n\r\n")));
	CHECK(h.minor <= 1 && h.nfields <= HTTP1_FIELDS_MAX);
	CHECK(what == REQUEST ? h.method.len > 0 && h.target.len > 0
	                      : h.status >= 100 && h.status <= 999);
	CHECK(what != ANSWER_TO_HEAD || h.framing == HTTP1_NO_BODY);
	CHECK(what != REQUEST || h.framing != HTTP1_TO_END);
	for (size_t i = 0; i < h.nfields; i++)
		check_field(str_sub(in, 0, (size_t)whole), &h.fields[i]);
}

/* Decode in pieces of so many bytes: the bytes taken or -1. */
static ssize_t dechunk(struct str in, size_t piece, struct buf *payload)
{
	scoped_free char *mem = str_dup(in);
	struct http1_chunks c = {0};
	struct error err = {0};
	size_t at = 0;

	while (at < in.len && !c.done) {
		size_t n = in.len - at < piece ? in.len - at : piece, got = 0;
		ssize_t took = http1_dechunk(&c, mem + at, n, &got, &err);

		if (took == -1)
			return -1;
		CHECK((size_t)took <= n && got <= (size_t)took);
		CHECK(c.done || (size_t)took == n);
		buf_add(payload, str_make(mem + at, got));
		at += (size_t)took;
	}
	return (ssize_t)at;
}

static void check_body(struct str in)
{
	scoped_buf struct buf one = BUF_INIT(1 << 20), many = BUF_INIT(1 << 20);
	ssize_t whole = dechunk(in, in.len + 1, &one);

	CHECK(dechunk(in, 1, &many) == whole);
	if (whole != -1)
		CHECK(str_eq(buf_str(&one), buf_str(&many)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum what what = size > 0 ? data[0] % WHAT_N : REQUEST;
	struct str in = str_sub(str_make(data, size), 1, size);

	if (what == BODY)
		check_body(in);
	else
		check_head(what, in);
	return 0;
}
