/* links: gitd/target.c */
/*
 * target: a path that is taken names something without a NUL, and written
 * again from what was found is taken as the same.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "gitd/target.h"
#include "wire/url.h"

static const char *const services[] = {
    [SERVICE_PUSH] = "git-receive-pack", [SERVICE_FETCH] = "git-upload-pack"};

static void check_again(const struct target *t)
{
	scoped_buf struct buf path = BUF_INIT(1024);
	struct error err = {0};
	struct target again;

	buf_addc(&path, '/');
	url_encode(&path, str_z(t->name));
	buf_addf(
	    &path, ".git/%s", t->refs ? "info/refs" : services[t->service]);
	CHECK(target_parse(
	          buf_str(&path), services[t->service], &again, &err) == 0);
	CHECK(strcmp(again.name, t->name) == 0);
	CHECK(again.service == t->service && again.refs == t->refs);
}

/* Up to the first newline the path, behind it the query's service. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size), path;
	scoped_free char *service = NULL;
	struct error err = {0};
	struct target t;

	(void)str_split(&rest, '\n', &path);
	if (rest.p)
		service = str_dup(rest);
	(void)target_protocol(rest);
	if (target_parse(path, service, &t, &err) == -1) {
		CHECK(err.code == ERR_NOT_FOUND || err.code == ERR_FORBIDDEN);
		return 0;
	}
	CHECK(t.name[0] && strlen(t.name) < sizeof(t.name));
	check_again(&t);
	return 0;
}
