/*
 * drain: what parses, printed without its password, parses again to the same
 * parts; no part is outside of the text; host_private agrees with itself.
 */
#include "fuzz.h"
#include "wire/drain.h"

static void check_inside(struct str all, struct str part)
{
	CHECK(!part.len ||
	      (part.p >= all.p && part.p + part.len <= all.p + all.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_buf struct buf out = BUF_INIT(2 * DRAIN_URL_MAX);
	struct str in = str_make(data, size);
	struct drain_url u, again;
	struct error err = {0};

	if (drain_parse(in, &u, &err) == -1) {
		CHECK(err.code != ERR_NONE && err.msg[0]);
		return 0;
	}
	CHECK(u.port != 0 && u.host.len > 0);
	check_inside(in, u.user);
	check_inside(in, u.password);
	check_inside(in, u.host);
	check_inside(in, u.path);
	drain_masked(&out, &u);
	CHECK(drain_parse(buf_str(&out), &again, &err) == 0 ||
	      err.code == ERR_LIMIT);
	if (err.code == ERR_LIMIT)
		return 0;
	CHECK(again.kind == u.kind && again.port == u.port);
	CHECK(str_eq(again.host, u.host) && str_eq(again.path, u.path));
	CHECK(again.has_user == u.has_user && str_eq(again.user, u.user));
	CHECK(drain_host_private(&u) == drain_host_private(&again));
	return 0;
}
