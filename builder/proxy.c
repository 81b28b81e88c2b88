#include "proxy.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"

#define FILE_PATH "/etc/environment"
#define FILE_MAX 65536
#define VALUE_MAX 1024

static const char *const keys[PROXY_MAX] = {"http_proxy", "https_proxy",
    "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"};

/* KEY=value, KEY="value", export KEY=value: as pam_env reads it. */
static void take_line(struct str line, struct proxy *ret)
{
	struct str key, value;

	line = str_trim(line);
	if (str_starts(line, STR("export ")))
		line = str_trim(str_sub(line, 7, line.len));
	value = line;
	if (!str_split(&value, '=', &key) || value.len == 0 ||
	    value.len > VALUE_MAX)
		return;
	if (value.len >= 2 && (value.p[0] == '"' || value.p[0] == '\'') &&
	    value.p[value.len - 1] == value.p[0])
		value = str_sub(value, 1, value.len - 1);
	for (size_t i = 0; i < PROXY_MAX; i++) {
		if (!str_eqz(key, keys[i]))
			continue;
		free(ret->env[i]);
		ret->env[i] = xasprintf("%s=" STR_FMT, keys[i], STR_ARG(value));
	}
}

void proxy_parse(struct str text, struct proxy *ret)
{
	struct str line;
	size_t n = 0;

	*ret = (struct proxy){0};
	while (text.len && str_split(&text, '\n', &line))
		if (str_find(line, '\0') == -1)
			take_line(line, ret);
	for (size_t i = 0; i < PROXY_MAX; i++) {
		char *one = take(ret->env[i]);

		if (one)
			ret->env[n++] = one;
	}
}

void proxy_read(struct proxy *ret)
{
	scoped_buf struct buf text = BUF_INIT(FILE_MAX);
	struct error err;

	(void)fd_read_file(AT_FDCWD, FILE_PATH, &text, &err);
	proxy_parse(buf_str(&text), ret);
}
