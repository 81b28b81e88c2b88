/* http1: heads that are taken, heads that are refused, chunked bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/http1.h"

static struct http1_head h;

/* What a parser says of text and of all its prefixes. */
static ssize_t request(const char *text)
{
	static struct http1_head other;
	struct str in = str_z(text);
	struct error err = {0};
	ssize_t whole = http1_request(in, &h, &err);

	for (size_t n = 0; n < in.len; n++) {
		ssize_t part = http1_request(str_sub(in, 0, n), &other, &err);

		assert_true(part == 0 || part == whole);
	}
	return whole;
}

static ssize_t answer(const char *text, bool to_head)
{
	struct error err = {0};

	return http1_response(str_z(text), to_head, &h, &err);
}

#define HOST "Host: a.b\r\n"

static void requests_are_taken_apart(void **state)
{
	static const char text[] = "POST /x?y=z HTTP/1.1\r\nHost: a.b:8080\r\n"
	                           "content-LENGTH: 5\r\nX-Empty:\r\n"
	                           "X-Request-ID: \t7 8\t \r\n\r\nhello";

	assert_int_equal(request(text), sizeof(text) - 1 - 5);
	assert_true(str_eqz(h.method, "POST"));
	assert_true(str_eqz(h.target, "/x?y=z"));
	assert_true(str_eqz(h.host, "a.b:8080"));
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.framing, HTTP1_LENGTH);
	assert_int_equal(h.length, 5);
	assert_true(h.keep_alive);
	assert_true(str_eqz(h.x_request_id, "7 8"));
	assert_int_equal(h.nfields, 4);
	assert_int_equal(h.fields[1].id, HTTP1_CONTENT_LENGTH);
	assert_int_equal(h.fields[2].value.len, 0);
}

static void well_formed_requests_are_taken(void **state)
{
	static const struct {
		const char *text, *target, *host;
	} cases[] = {
	    {"GET / HTTP/1.1\r\n" HOST "\r\n", "/", "a.b"},
	    {"GET / HTTP/1.0\r\n\r\n", "/", ""},
	    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "/", "a.b"},
	    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "*", "a.b"},
	    {"GET http://c.d/x HTTP/1.1\r\n" HOST "\r\n", "/x", "c.d"},
	    {"GET http://c.d HTTP/1.1\r\n" HOST "\r\n", "/", "c.d"},
	    {"OPTIONS http://c.d HTTP/1.1\r\n" HOST "\r\n", "*", "c.d"},
	    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "/", "[::1]:80"},
	    {"BREW /%zz HTTP/1.1\r\n" HOST "\r\n", "/%zz", "a.b"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		if (request(cases[i].text) <= 0)
			fail_msg("refused: %s", cases[i].text);
		assert_true(str_eqz(h.target, cases[i].target));
		assert_true(str_eqz(h.host, cases[i].host));
	}
}

static void what_two_readers_could_see_differently_is_refused(void **state)
{
	static const char *const bad[] = {
	    "GET / HTTP/1.1\n" HOST "\r\n",
	    "GET / HTTP/1.1\r\nHost: a\n\r\n",
	    "GET / HTTP/1.1\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: \r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
	    "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "X: 1\r\n 2\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "X\xc3: 1\r\n\r\n",
	    "GET  / HTTP/1.1\r\n" HOST "\r\n",
	    "GET / HTTP/1.1 \r\n" HOST "\r\n",
	    "GET / HTTP/1.2\r\n" HOST "\r\n",
	    "GET / HTTP/2.0\r\n" HOST "\r\n",
	    "GET / http/1.1\r\n" HOST "\r\n",
	    "GET /\r\n" HOST "\r\n",
	    "GET x HTTP/1.1\r\n" HOST "\r\n",
	    "GET * HTTP/1.1\r\n" HOST "\r\n",
	    "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n",
	    "GET http:///x HTTP/1.1\r\n" HOST "\r\n",
	    "G(T / HTTP/1.1\r\n" HOST "\r\n",
	    "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
	    "\x16\x03\x01",
	    " GET / HTTP/1.1\r\n" HOST "\r\n",
	};

	for (size_t i = 0; i < NELEM(bad); i++)
		if (request(bad[i]) != -1)
			fail_msg("taken: %s", bad[i]);
}

static void a_body_has_one_length(void **state)
{
	static const struct {
		const char *fields;
		int want; /* enum http1_framing, -1: refused */
	} cases[] = {
	    {"", HTTP1_NO_BODY},
	    {"Content-Length: 0\r\n", HTTP1_LENGTH},
	    {"Content-Length: 9223372036854775807\r\n", HTTP1_LENGTH},
	    {"Content-Length: 9223372036854775808\r\n", -1},
	    {"Content-Length: +1\r\n", -1},
	    {"Content-Length: -1\r\n", -1},
	    {"Content-Length: 0x1\r\n", -1},
	    {"Content-Length: 1 1\r\n", -1},
	    {"Content-Length: 1, 1\r\n", -1},
	    {"Content-Length:\r\n", -1},
	    {"Content-Length: 1\r\nContent-Length: 1\r\n", -1},
	    {"Transfer-Encoding: chunked\r\n", HTTP1_CHUNKED},
	    {"Transfer-Encoding: CHUNKED\r\n", HTTP1_CHUNKED},
	    {"Transfer-Encoding: gzip, chunked\r\n", -1},
	    {"Transfer-Encoding: identity\r\n", -1},
	    {"Transfer-Encoding: xchunked\r\n", -1},
	    {"Transfer-Encoding: \x0b"
	     "chunked\r\n",
	        -1},
	    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	        -1},
	    {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", -1},
	    {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", -1},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_free char *text = xasprintf(
		    "POST / HTTP/1.1\r\n" HOST "%s\r\n", cases[i].fields);
		ssize_t n = request(text);

		assert_int_equal(n == -1, cases[i].want == -1);
		if (n != -1)
			assert_int_equal(h.framing, cases[i].want);
	}
	assert_int_equal(request("POST / HTTP/1.0\r\n" HOST
	                         "Transfer-Encoding: chunked\r\n\r\n"),
	    -1);
}

static void connections_are_kept_or_not(void **state)
{
	static const struct {
		const char *text;
		bool keep, upgrade, more;
	} cases[] = {
	    {"1.1\r\n" HOST, true, false, false},
	    {"1.1\r\n" HOST "Connection: close\r\n", false, false, false},
	    {"1.1\r\n" HOST "Connection: keep-alive, Upgrade\r\n", true, true,
	        false},
	    {"1.1\r\n" HOST "Connection: X-Mine\r\n", true, false, true},
	    {"1.0\r\n", false, false, false},
	    {"1.0\r\nConnection: Keep-Alive\r\n", true, false, false},
	    {"1.0\r\nConnection: keep-alive\r\nConnection: close\r\n", false,
	        false, false},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_free char *text =
		    xasprintf("GET / HTTP/%s\r\n", cases[i].text);

		assert_true(request(text) > 0);
		assert_int_equal(h.keep_alive, cases[i].keep);
		assert_int_equal(h.upgrade, cases[i].upgrade);
		assert_int_equal(h.names_more, cases[i].more);
	}
	assert_true(request("GET / HTTP/1.1\r\n" HOST
	                    "Connection: a , X-Mine\r\n\r\n") > 0);
	assert_true(http1_is_named(&h, STR("x-mine")));
	assert_false(http1_is_named(&h, STR("mine")));
}

static void names_that_pass_for_ours_are_told(void **state)
{
	static const enum http1_name want[] = {HTTP1_HOST, HTTP1_X_FORWARDED,
	    HTTP1_X_FORWARDED, HTTP1_X_FORWARDED, HTTP1_X_FORWARDED,
	    HTTP1_LOOKALIKE, HTTP1_OTHER, HTTP1_OTHER};

	assert_true(request("GET / HTTP/1.1\r\n" HOST "x_forwarded_for: 1\r\n"
	                    "X-Forwarded_Proto: 1\r\nX-Forwarded-Host: 2\r\n"
	                    "X-Real-IP: 2\r\ncontent_length: 3\r\n"
	                    "X_Other: 4\r\nX-Forwarded: 5\r\n\r\n") > 0);
	for (size_t i = 0; i < NELEM(want); i++)
		assert_int_equal(h.fields[i].id, want[i]);
	assert_int_equal(h.framing, HTTP1_NO_BODY);
}

/* A request with a field of so many bytes, its CR LF included. */
static ssize_t with_line(size_t len, int times, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(1 << 20);

	buf_addz(&text, "GET / HTTP/1.1\r\n" HOST);
	for (int i = 0; i < times; i++) {
		buf_addz(&text, "X:");
		for (size_t n = 4; n < len; n++)
			buf_addc(&text, 'x');
		buf_addz(&text, "\r\n");
	}
	buf_addz(&text, "\r\n");
	return http1_request(buf_str(&text), &h, err);
}

static void heads_have_their_limits(void **state)
{
	size_t rest = sizeof("GET / HTTP/1.1\r\n" HOST "\r\n") - 1;
	struct error err = {0};

	assert_true(with_line(HTTP1_LINE_MAX, 1, &err) > 0);
	assert_int_equal(with_line(HTTP1_LINE_MAX + 1, 1, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_true(with_line(4, HTTP1_FIELDS_MAX - 1, &err) > 0);
	assert_int_equal(with_line(4, HTTP1_FIELDS_MAX, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_true(with_line((HTTP1_HEAD_MAX - rest) / 16, 16, &err) > 0);
	assert_int_equal(with_line(HTTP1_HEAD_MAX / 16, 16, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void answers_are_taken_apart(void **state)
{
	static const struct {
		const char *text;
		bool to_head;
		unsigned status; /* 0: refused */
		enum http1_framing framing;
	} cases[] = {
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, 200,
	        HTTP1_LENGTH},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, 200,
	        HTTP1_NO_BODY},
	    {"HTTP/1.1 200 \r\n\r\n", false, 200, HTTP1_TO_END},
	    {"HTTP/1.1 200\r\n\r\n", false, 200, HTTP1_TO_END},
	    {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, HTTP1_NO_BODY},
	    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", false,
	        304, HTTP1_NO_BODY},
	    {"HTTP/1.1 100 Continue\r\n\r\n", false, 100, HTTP1_NO_BODY},
	    {"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n", false, 500,
	        HTTP1_CHUNKED},
	    {"HTTP/1.1 99 X\r\n\r\n", false, 0, 0},
	    {"HTTP/1.1 1000 X\r\n\r\n", false, 0, 0},
	    {"HTTP/1.1 099 X\r\n\r\n", false, 0, 0},
	    {"HTTP/1.1  200 X\r\n\r\n", false, 0, 0},
	    {"HTTP/1.1\r\n\r\n", false, 0, 0},
	    {"HTTP/1.1 \r\n\r\n", false, 0, 0},
	    {"HTTP/3 200 X\r\n\r\n", false, 0, 0},
	    {"ICY 200 OK\r\n\r\n", false, 0, 0},
	    {"\r\nHTTP/1.1 200 OK\r\n\r\n", false, 0, 0},
	    {"HTTP/1.1 200 \x01\r\n\r\n", false, 0, 0},
	    {"hello\r\n\r\n", false, 0, 0},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		ssize_t n = answer(cases[i].text, cases[i].to_head);

		assert_int_equal(n > 0, cases[i].status != 0);
		if (n <= 0)
			continue;
		assert_int_equal(h.status, cases[i].status);
		assert_int_equal(h.framing, cases[i].framing);
	}
}

/* Decode text in pieces of so many bytes. */
static ssize_t dechunk(const char *text, size_t piece, struct buf *payload)
{
	scoped_free char *mem = xstrdup(text);
	struct http1_chunks c = {0};
	struct error err = {0};
	size_t at = 0, len = strlen(text);

	while (at < len && !c.done) {
		size_t n = len - at < piece ? len - at : piece, got;
		ssize_t took = http1_dechunk(&c, mem + at, n, &got, &err);

		if (took == -1)
			return -1;
		buf_add(payload, str_make(mem + at, got));
		at += (size_t)took;
	}
	return c.done ? (ssize_t)at : 0;
}

static void chunked_bodies_are_decoded_in_any_pieces(void **state)
{
	static const struct {
		const char *text, *payload; /* NULL: refused */
		size_t left;                /* behind the body */
	} cases[] = {
	    {"0\r\n\r\n", "", 0},
	    {"5\r\nhello\r\n0\r\n\r\nGET", "hello", 3},
	    {"5\r\nhello\r\n00006\r\n world\r\n0\r\n\r\n", "hello world", 0},
	    {"A;x=\"y\"\r\n0123456789\r\n0;z\r\nT: v\r\nU:\r\n\r\n",
	        "0123456789", 0},
	    {"\r\n", NULL, 0},
	    {" 5\r\nhello\r\n0\r\n\r\n", NULL, 0},
	    {"5 \r\nhello\r\n0\r\n\r\n", NULL, 0},
	    {"5\nhello\r\n0\r\n\r\n", NULL, 0},
	    {"5\r\nhelloo\r\n0\r\n\r\n", NULL, 0},
	    {"5\r\nhello\n0\r\n\r\n", NULL, 0},
	    {"-1\r\n", NULL, 0},
	    {"0x5\r\nhello\r\n0\r\n\r\n", NULL, 0},
	    {"fffffffffffffffff\r\n", NULL, 0},
	    {"0\r\n\n", NULL, 0},
	    {"0\r\nbad field: x\r\n\r\n", NULL, 0},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		size_t len = strlen(cases[i].text);

		for (size_t piece = 1; piece <= len; piece++) {
			scoped_buf struct buf payload = BUF_INIT(1000);
			ssize_t n = dechunk(cases[i].text, piece, &payload);

			if (!cases[i].payload) {
				assert_int_equal(n, -1);
				continue;
			}
			assert_int_equal(n, len - cases[i].left);
			assert_string_equal(buf_z(&payload), cases[i].payload);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_are_taken_apart),
	    cmocka_unit_test(well_formed_requests_are_taken),
	    cmocka_unit_test(what_two_readers_could_see_differently_is_refused),
	    cmocka_unit_test(a_body_has_one_length),
	    cmocka_unit_test(connections_are_kept_or_not),
	    cmocka_unit_test(names_that_pass_for_ours_are_told),
	    cmocka_unit_test(heads_have_their_limits),
	    cmocka_unit_test(answers_are_taken_apart),
	    cmocka_unit_test(chunked_bodies_are_decoded_in_any_pieces),
	};

	return cmocka_run_group_tests_name("http1", tests, NULL, NULL);
}
