/*
 * toml: what parses can be written string by string and read back the same;
 * what does not parse says why.
 */
#include <stdlib.h>

#include "wire/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_string(struct str s)
{
	scoped_buf struct buf text = BUF_INIT(16 + 6 * TOML_BYTES_MAX);
	struct toml_doc *d = NULL;
	struct error err = {0};

	if (s.len > 4096)
		return;
	toml_add_key(&text, s);
	buf_addc(&text, '=');
	toml_add_string(&text, s);
	if (toml_parse(buf_str(&text), &d, &err) == -1 ||
	    !str_eq(toml_root(d)->first->key, s) ||
	    !str_eq(toml_root(d)->first->text, s))
		abort();
	toml_free(d);
}

static void check(const struct toml *n, unsigned depth, unsigned *left)
{
	if (depth > TOML_DEPTH_MAX || *left == 0)
		abort();
	(*left)--;
	if (n->type == TOML_STRING)
		check_string(n->text);
	if (n->key.p)
		check_string(n->key);
	toml_each(c, n) check(c, depth + 1, left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned left = TOML_NODES_MAX;
	struct toml_doc *d = NULL;
	struct error err = {0};

	if (toml_parse(str_make(data, size), &d, &err) == 0)
		check(toml_root(d), 0, &left);
	else if (err.code == ERR_NONE || !err.msg[0] || d)
		abort();
	toml_free(d);
	return 0;
}
