/*
 * head: what the router makes of a head is, to our own strict parser, the
 * same message: nothing behind it, nothing split, the same body. And a body
 * that passes through as chunks carries the same bytes.
 *
 * links: router/head.c router/body.c
 *
 * The first byte chooses: a request, an answer, a body.
 */
#include <string.h>

#include "../../router/body.h"
#include "../../router/head.h"
#include "base/mem.h"
#include "fuzz.h"

#define CLIENT STR("192.0.2.7")
#define ID STR("0123456789abcdef0123")
#define DOMAIN STR("apps.test")

enum what { REQUEST, ANSWER, BODY, WHAT_N };

/* --- heads ---------------------------------------------------------------- */

/* Each field that was there is one of before's, in its order. */
static void check_kept(
    const struct http1_head *after, const struct http1_head *before)
{
	size_t at = 0;

	for (size_t i = 0; i < after->nfields; i++) {
		const struct http1_field *f = &after->fields[i];

		if (f->id != HTTP1_OTHER || str_eqz(f->name, "Via"))
			continue;
		while (at < before->nfields &&
		       !(str_eq(before->fields[at].name, f->name) &&
		           str_eq(before->fields[at].value, f->value)))
			at++;
		if (at == before->nfields)
			CHECK(false);
		CHECK(!http1_is_named(before, f->name));
		at++;
	}
}

static void check_vouched(const struct http1_head *h, bool upgrade)
{
	unsigned forwarded = 0, ids = 0;

	for (size_t i = 0; i < h->nfields; i++) {
		const struct http1_field *f = &h->fields[i];

		CHECK(f->id != HTTP1_LOOKALIKE && f->id != HTTP1_FORWARDED);
		CHECK(f->id != HTTP1_PROXY && f->id != HTTP1_TE);
		forwarded += f->id == HTTP1_X_FORWARDED;
		ids += f->id == HTTP1_X_REQUEST_ID;
	}
	CHECK(forwarded == 3 && ids == 1 && str_eq(h->x_request_id, ID));
	CHECK(h->upgrade == upgrade && !h->names_more && h->keep_alive);
}

static void check_request(struct str in)
{
	static struct http1_head before, after;
	scoped_buf struct buf out = BUF_INIT(HEAD_OUT_MAX);
	struct head_added add = {.request_id = ID, .client = CLIENT, .port = 1};
	struct head_marks m;
	struct error err = {0};

	if (http1_request(in, &before, &err) <= 0 || before.connect)
		return;
	add.upgrade = before.upgrade && before.framing == HTTP1_NO_BODY &&
	              str_eq_nocase(before.protocol, STR("websocket"));
	head_request(&out, &before, &add, &m);
	CHECK(!out.bad);
	if (before.host.len == 0)
		return; /* HTTP/1.0: no route leads anywhere without one */
	CHECK(http1_request(buf_str(&out), &after, &err) == (ssize_t)out.len);
	CHECK(str_eq(after.method, before.method));
	CHECK(str_eq(after.host, before.host));
	if (before.target.p[0] == '?')
		after.target = str_sub(after.target, 1, after.target.len);
	CHECK(str_eq(after.target, before.target));
	CHECK(after.framing == before.framing && after.minor == 1);
	CHECK(after.length == before.length);
	CHECK(str_eq(str_make(out.p + m.client, m.client_len), CLIENT));
	CHECK(str_eq(str_make(out.p + m.host, m.host_len), before.host));
	check_vouched(&after, add.upgrade);
	check_kept(&after, &before);
}

/* A browser must not take it for all apps; the loose way to look for it. */
static void check_cookie(struct str value)
{
	struct str item, name;

	(void)str_split(&value, ';', &item);
	while (str_split(&value, ';', &item)) {
		(void)str_split(&item, '=', &name);
		CHECK(!str_eq_nocase(str_trim(name), STR("domain")) ||
		      !str_eq_nocase(str_trim(item), DOMAIN));
	}
}

static void check_answer(struct str in)
{
	static struct http1_head before, after;
	scoped_buf struct buf out = BUF_INIT(HEAD_OUT_MAX);
	struct head_answer how = {.date = STR("Sat, 31 Jan 2026 12:00:00 GMT"),
	    .apps_domain = DOMAIN};
	struct error err = {0};

	if (http1_response(in, false, &before, &err) <= 0 ||
	    before.status == 101)
		return;
	how.chunked =
	    before.framing == HTTP1_CHUNKED || before.framing == HTTP1_TO_END;
	how.close = before.status % 2;
	head_response(&out, &before, &how);
	CHECK(!out.bad);
	CHECK(http1_response(buf_str(&out), false, &after, &err) ==
	      (ssize_t)out.len);
	CHECK(after.status == before.status && after.minor == 1);
	CHECK(str_eq(after.reason, before.reason));
	CHECK(after.framing == (how.chunked ? HTTP1_CHUNKED : before.framing));
	CHECK(before.framing != HTTP1_LENGTH || after.length == before.length);
	CHECK(after.keep_alive == !how.close && !after.upgrade);
	for (size_t i = 0; i < after.nfields; i++)
		if (after.fields[i].id == HTTP1_SET_COOKIE)
			check_cookie(after.fields[i].value);
	check_kept(&after, &before);
}

/* --- bodies --------------------------------------------------------------- */

/*
 * Decode in pieces; the payload as it came to payload, and as the chunks
 * that the router makes of it to chunks. False when malformed.
 */
static bool pass(struct str in, size_t piece, struct body *b,
    struct buf *payload, struct buf *chunks)
{
	scoped_free char *mem = str_dup(in);

	for (size_t at = 0; at < in.len && !b->done;) {
		size_t n = in.len - at < piece ? in.len - at : piece, got = 0;
		struct iovec parts[BODY_PARTS];
		struct body_size size;
		struct error err = {0};
		ssize_t took = body_take(b, mem + at, n, &got, &err);
		int nparts;

		if (took == -1)
			return false;
		nparts = body_parts(
		    str_make(mem + at, got), true, b->done, &size, parts);
		CHECK(nparts <= BODY_PARTS);
		for (int i = 0; i < nparts; i++)
			buf_add(chunks,
			    str_make(parts[i].iov_base, parts[i].iov_len));
		buf_add(payload, str_make(mem + at, got));
		at += (size_t)took;
	}
	return true;
}

static void check_body(struct str in)
{
	scoped_buf struct buf payload = BUF_INIT(1 << 20),
	                      chunks = BUF_INIT(1 << 24),
	                      again = BUF_INIT(1 << 20),
	                      unused = BUF_INIT(1 << 24);
	size_t piece = in.len > 0 ? (unsigned char)in.p[0] % 64u + 1 : 1;
	struct body first, second;

	in = str_sub(in, 1, in.len);
	body_begin(&first, HTTP1_CHUNKED, 0);
	if (!pass(in, piece, &first, &payload, &chunks))
		return;
	body_begin(&second, HTTP1_CHUNKED, 0);
	CHECK(pass(buf_str(&chunks), chunks.len + 1, &second, &again, &unused));
	CHECK(str_eq(buf_str(&payload), buf_str(&again)));
	CHECK(second.done == first.done && second.bytes == first.bytes);
	CHECK(first.bytes == payload.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum what what = size > 0 ? data[0] % WHAT_N : REQUEST;
	struct str in = str_sub(str_make(data, size), 1, size);

	if (what == REQUEST)
		check_request(in);
	else if (what == ANSWER)
		check_answer(in);
	else
		check_body(in);
	return 0;
}
