#include "check.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

static const char *const types[] = {
    [CHECK_STARTUP] = "startup",
    [CHECK_READINESS] = "readiness",
    [CHECK_LIVENESS] = "liveness",
};
static const char *const means[] = {
    [CHECK_HTTP] = "http",
    [CHECK_LISTEN] = "listen",
    [CHECK_UPTIME] = "uptime",
};

static const struct {
	const char *name;
	size_t at, size;
} texts[] = {
    {"name", offsetof(struct check, name), CHECK_NAME_MAX},
    {"path", offsetof(struct check, path), CHECK_PATH_MAX},
    {"content", offsetof(struct check, content), CHECK_CONTENT_MAX},
};
static const struct {
	const char *name;
	size_t at;
	uint64_t max;
} numbers[] = {
    {"port", offsetof(struct check, port), 65535},
    {"timeout", offsetof(struct check, timeout_s), CHECK_SECONDS_MAX},
    {"interval", offsetof(struct check, interval_s), CHECK_SECONDS_MAX},
    {"attempts", offsetof(struct check, attempts), CHECK_ATTEMPTS_MAX},
    {"grace", offsetof(struct check, grace_s), CHECK_SECONDS_MAX},
    {"uptime", offsetof(struct check, uptime_s), CHECK_SECONDS_MAX},
};

void check_init(struct check *c)
{
	*c = (struct check){
	    .path = "/", .timeout_s = 5, .interval_s = 5, .attempts = 3};
}

const char *check_type_name(enum check_type type)
{
	return types[type];
}

bool check_is_line(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

void check_print(const struct check *c, struct buf *out)
{
	struct str rest = str_z(c->headers), line;

	buf_addf(out, "type %s\nmeans %s\n", types[c->type], means[c->means]);
	for (size_t i = 0; i < NELEM(texts); i++)
		buf_addf(out, "%s %s\n", texts[i].name,
		    (const char *)c + texts[i].at);
	for (size_t i = 0; i < NELEM(numbers); i++)
		buf_addf(out, "%s %" PRIu64 "\n", numbers[i].name,
		    *(const uint64_t *)(const void *)((const char *)c +
		                                      numbers[i].at));
	while (rest.len && str_split(&rest, '\n', &line))
		buf_addf(out, "header " STR_FMT "\n",
		    STR_ARG(str_sub(line, 0, line.len ? line.len - 1 : 0)));
}

/* --- parsing -------------------------------------------------------------- */

static bool take_word(
    struct str value, const char *const *words, size_t n, unsigned *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (!str_eqz(value, words[i]))
			continue;
		*ret = (unsigned)i;
		return true;
	}
	return false;
}

static bool take_text(struct check *c, struct str name, struct str value)
{
	for (size_t i = 0; i < NELEM(texts); i++) {
		if (!str_eqz(name, texts[i].name) || value.len > texts[i].size)
			continue;
		memset((char *)c + texts[i].at, 0, texts[i].size + 1);
		memcpy((char *)c + texts[i].at, value.p, value.len);
		return true;
	}
	return false;
}

static bool take_number(struct check *c, struct str name, struct str value)
{
	for (size_t i = 0; i < NELEM(numbers); i++) {
		uint64_t *at = (uint64_t *)(void *)((char *)c + numbers[i].at);

		if (str_eqz(name, numbers[i].name))
			return str_u64(value, numbers[i].max, at);
	}
	return false;
}

static bool take_header(struct check *c, struct str value)
{
	size_t len = strlen(c->headers);

	if (value.len == 0 || len + value.len + 2 > CHECK_HEADERS_MAX)
		return false;
	memcpy(c->headers + len, value.p, value.len);
	memcpy(c->headers + len + value.len, "\r\n", 3);
	return true;
}

static bool take_line(struct check *c, struct str line)
{
	struct str name;
	unsigned word;

	if (!check_is_line(line) || !str_split(&line, ' ', &name) || !line.p)
		return false;
	if (str_eqz(name, "header"))
		return take_header(c, line);
	if (str_eqz(name, "type")) {
		if (!take_word(line, types, NELEM(types), &word))
			return false;
		c->type = (enum check_type)word;
		return true;
	}
	if (str_eqz(name, "means")) {
		if (!take_word(line, means, NELEM(means), &word))
			return false;
		c->means = (enum check_means)word;
		return true;
	}
	return take_text(c, name, line) || take_number(c, name, line);
}

int check_parse(struct str text, struct check *ret, struct error *err)
{
	struct check c;
	struct str line;

	check_init(&c);
	if (text.len > CHECK_TEXT_MAX)
		return error_set(err, ERR_LIMIT, "a check is too long");
	while (text.len && str_split(&text, '\n', &line))
		if (!take_line(&c, line))
			return error_set(
			    err, ERR_INVALID, "a check is malformed");
	if (c.path[0] != '/' || c.timeout_s == 0 || c.interval_s == 0 ||
	    c.attempts == 0)
		return error_set(err, ERR_INVALID, "a check is out of bounds");
	*ret = c;
	return 0;
}
