#include "target.h"

#include <stdio.h>

#include "wire/url.h"

#define PATH_BYTES_MAX 1024

static int service_of(struct str word, enum service *ret, struct error *err)
{
	if (str_eqz(word, "git-receive-pack"))
		*ret = SERVICE_PUSH;
	else if (str_eqz(word, "git-upload-pack"))
		*ret = SERVICE_FETCH;
	else
		return error_set(err, ERR_NOT_FOUND, "no such page");
	return 0;
}

int target_parse(
    struct str path, const char *service, struct target *ret, struct error *err)
{
	char mem[PATH_BYTES_MAX];
	struct target t = {.name = ""};
	struct url_path parts;
	struct str name;

	if (path.len > sizeof(mem) ||
	    url_path_parse(path, mem, &parts, NULL) == -1 || parts.n < 2)
		return error_set(err, ERR_NOT_FOUND, "no such page");
	name = parts.seg[0];
	if (str_ends(name, STR(".git")))
		name.len -= strlen(".git");
	if (!name.len || name.len >= sizeof(t.name))
		return error_set(err, ERR_NOT_FOUND, "no such repository");
	snprintf(t.name, sizeof(t.name), STR_FMT, STR_ARG(name));
	t.refs = parts.n == 3 && str_eqz(parts.seg[1], "info") &&
	         str_eqz(parts.seg[2], "refs");
	if (!t.refs && parts.n != 2)
		return error_set(err, ERR_NOT_FOUND, "no such page");
	if (t.refs && !service)
		return error_set(err, ERR_FORBIDDEN,
		    "this server speaks git's smart protocol only: use a "
		    "current git");
	if (service_of(
	        t.refs ? str_z(service) : parts.seg[1], &t.service, err) == -1)
		return -1;
	*ret = t;
	return 0;
}

enum protocol target_protocol(struct str text)
{
	enum protocol best = PROTOCOL_0;
	struct str word;

	while (str_split(&text, ':', &word)) {
		if (str_eqz(word, "version=2"))
			best = PROTOCOL_2;
		else if (str_eqz(word, "version=1") && best == PROTOCOL_0)
			best = PROTOCOL_1;
	}
	return best;
}
