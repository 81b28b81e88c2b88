#include "wire/source.h"

#define PART_MAX 255

static bool path_ok(struct str path)
{
	struct str part;

	if (path.len == 0)
		return false;
	while (str_split(&path, '/', &part))
		if (part.len == 0 || part.len > PART_MAX ||
		    str_eqz(part, ".") || str_eqz(part, "..") ||
		    str_find(part, '\0') != -1)
			return false;
	return true;
}

static int head_check(
    char type, size_t path_len, uint64_t size, struct error *err)
{
	if (str_find(STR("dfxlme"), type) == -1)
		return error_set(err, ERR_INVALID, "a source entry of type %d",
		    (unsigned char)type);
	if (path_len > SOURCE_PATH_MAX)
		return error_set(
		    err, ERR_LIMIT, "a path of %zu bytes", path_len);
	if (str_find(STR("dme"), type) != -1 && size != 0)
		return error_set(
		    err, ERR_INVALID, "a source entry '%c' with bytes", type);
	if (type == 'l' && (size == 0 || size > SOURCE_LINK_MAX))
		return error_set(err, ERR_LIMIT, "a link of %llu bytes",
		    (unsigned long long)size);
	if (type == 'e' && path_len != 0)
		return error_set(err, ERR_INVALID, "an end with a path");
	return 0;
}

ssize_t source_parse(struct str in, struct source_entry *ret, struct error *err)
{
	const unsigned char *p = (const unsigned char *)in.p;
	uint64_t size = 0;
	size_t path_len;
	struct str path;

	if (in.len < SOURCE_HEAD)
		return 0;
	path_len = (size_t)(p[1] | p[2] << 8);
	for (int i = 10; i >= 3; i--)
		size = size << 8 | p[i];
	if (head_check(in.p[0], path_len, size, err) == -1)
		return -1;
	if (in.len - SOURCE_HEAD < path_len)
		return 0;
	path = str_sub(in, SOURCE_HEAD, SOURCE_HEAD + path_len);
	if (in.p[0] != 'e' && !path_ok(path))
		return error_set(
		    err, ERR_INVALID, "a path that leaves its folder");
	*ret = (struct source_entry){in.p[0], path, size};
	return (ssize_t)(SOURCE_HEAD + path_len);
}

void source_head(const struct source_entry *e, unsigned char out[SOURCE_HEAD])
{
	uint64_t size = e->size;

	out[0] = (unsigned char)e->type;
	out[1] = (unsigned char)(e->path.len & 0xff);
	out[2] = (unsigned char)(e->path.len >> 8);
	for (int i = 3; i < SOURCE_HEAD; i++, size >>= 8)
		out[i] = (unsigned char)(size & 0xff);
}
