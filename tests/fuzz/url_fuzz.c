/*
 * url: the parts of a path, encoded and joined again, give the same parts; no
 * part is a dot or has a NUL; what is encoded decodes to itself.
 */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "wire/url.h"

static void check_path(struct str in)
{
	scoped_free char *mem = xmalloc(in.len), *again_mem = NULL;
	scoped_buf struct buf text = BUF_INIT(1 << 22);
	struct url_path path, again;
	struct error err = {0};

	if (url_path_parse(in, mem, &path, &err) == -1) {
		CHECK(err.code != ERR_NONE && err.msg[0]);
		return;
	}
	for (int i = 0; i < path.n; i++) {
		CHECK(path.seg[i].len > 0 && !str_eqz(path.seg[i], ".."));
		CHECK(str_find(path.seg[i], '\0') == -1);
		buf_addc(&text, '/');
		url_encode(&text, path.seg[i]);
	}
	if (path.n == 0)
		buf_addc(&text, '/');
	again_mem = xmalloc(text.len);
	CHECK(url_path_parse(buf_str(&text), again_mem, &again, &err) == 0);
	CHECK(again.n == path.n);
	for (int i = 0; i < path.n; i++)
		CHECK(str_eq(again.seg[i], path.seg[i]));
}

static void check_encode(struct str in)
{
	scoped_buf struct buf text = BUF_INIT(1 << 22);
	scoped_free char *mem = NULL;
	struct error err = {0};

	url_encode(&text, in);
	mem = xmalloc(text.len);
	CHECK(url_decode(buf_str(&text), mem, &err) == (ssize_t)in.len);
	CHECK(in.len == 0 || memcmp(mem, in.p, in.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);

	check_path(in);
	check_encode(in);
	return 0;
}
