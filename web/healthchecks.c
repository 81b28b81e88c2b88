#include "healthchecks.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "ipc/msg.h"
#include "wire/check.h"

#define TYPES_MAX 64        /* process types that declare some */
#define LATER_INTERVAL_S 10 /* of readiness and liveness, where not said */

struct declared {
	char type[64];
	char *text; /* of wire/check.h */
};

struct healthchecks {
	struct declared *v;
	size_t n, bytes;
};

/* Where we are, for the errors. */
struct place {
	const char *type;
	size_t i;
	bool interval; /* it said one */
	bool http;     /* it says what only a request can have */
};

static int wrong(struct error *err, const struct place *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int wrong(struct error *err, const struct place *p, const char *fmt, ...)
{
	char text[180];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(err, ERR_INVALID,
	    "app.json: healthchecks.%.30s[%zu]: %s", p->type, p->i, text);
}

/* --- values --------------------------------------------------------------- */

/* A string of one printable line, at most max bytes; NULL. */
static const char *line_of(const json_t *v, size_t max)
{
	const char *s = json_string_value(v);
	size_t len = json_string_length(v);

	return s && strlen(s) == len && len <= max &&
	               check_is_line(str_make(s, len))
	           ? s
	           : NULL;
}

static int take_type(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	const char *s = json_string_value(v);

	for (int t = CHECK_STARTUP; s && t <= CHECK_LIVENESS; t++) {
		if (strcmp(s, check_type_name((enum check_type)t)) != 0)
			continue;
		c->type = (enum check_type)t;
		return 0;
	}
	return wrong(err, p,
	    "type has to be \"startup\", \"readiness\" or \"liveness\"");
}

static int take_name(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	const char *s = line_of(v, CHECK_NAME_MAX);

	if (!s)
		return wrong(err, p,
		    "name has to be one line of at most %d "
		    "bytes",
		    CHECK_NAME_MAX);
	memcpy(c->name, s, strlen(s) + 1);
	return 0;
}

static int take_path(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	const char *s = line_of(v, CHECK_PATH_MAX);

	if (!s || s[0] != '/' || strchr(s, ' '))
		return wrong(err, p,
		    "path has to begin with / and be at most "
		    "%d bytes without spaces",
		    CHECK_PATH_MAX);
	memcpy(c->path, s, strlen(s) + 1);
	p->http = true;
	return 0;
}

static int take_content(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	const char *s = line_of(v, CHECK_CONTENT_MAX);

	if (!s)
		return wrong(err, p,
		    "content has to be one line of at most "
		    "%d bytes",
		    CHECK_CONTENT_MAX);
	memcpy(c->content, s, strlen(s) + 1);
	p->http = true;
	return 0;
}

static bool is_token(const char *s)
{
	return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"
	                         "STUVWXYZ0123456789!#$%&'*+-.^_`|~")] == '\0';
}

static int take_headers(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	static const char *const ours[] = {"host", "connection",
	    "content-length", "transfer-encoding", "x-forwarded-proto"};
	json_t *item;
	size_t i, len = 0;

	p->http = true;
	json_array_foreach(v, i, item)
	{
		const char *name =
		               json_string_value(json_object_get(item, "name")),
		           *value = line_of(json_object_get(item, "value"),
		               CHECK_HEADERS_MAX);

		if (!name || !value || !is_token(name))
			return wrong(err, p,
			    "httpHeaders is a list of "
			    "{\"name\": \"X-Name\", \"value\": \"text\"}");
		for (size_t k = 0; k < NELEM(ours); k++)
			if (str_eq_nocase(str_z(name), str_z(ours[k])))
				return wrong(err, p,
				    "the header %s is set by "
				    "the platform",
				    ours[k]);
		if (len + strlen(name) + strlen(value) + 4 > CHECK_HEADERS_MAX)
			return wrong(err, p,
			    "httpHeaders have more than %d "
			    "bytes",
			    CHECK_HEADERS_MAX);
		len += (size_t)snprintf(c->headers + len,
		    sizeof(c->headers) - len, "%s: %s\r\n", name, value);
	}
	return json_is_array(v) ? 0
	                        : wrong(err, p, "httpHeaders has to be a list");
}

static int take_scheme(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	const char *s = json_string_value(v);

	if (s && str_eq_nocase(str_z(s), STR("http")))
		return 0;
	return wrong(err, p,
	    "scheme can only be \"http\": apps speak plain "
	    "HTTP behind the router");
}

static int take_listening(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	if (!json_is_boolean(v))
		return wrong(err, p, "listening has to be true or false");
	if (json_is_true(v))
		c->means = CHECK_LISTEN;
	return 0;
}

static int take_text(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	return json_is_string(v) ? 0 : wrong(err, p, "%s has to be text", key);
}

static int take_command(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	return wrong(err, p,
	    "checks that run a command are not supported: ask "
	    "a path of web, or use uptime");
}

static const struct {
	const char *key;
	size_t at;
	json_int_t least, most;
} numbers[] = {
    {"attempts", offsetof(struct check, attempts), 1, CHECK_ATTEMPTS_MAX},
    {"timeout", offsetof(struct check, timeout_s), 1, CHECK_SECONDS_MAX},
    {"interval", offsetof(struct check, interval_s), 1, CHECK_SECONDS_MAX},
    {"wait", offsetof(struct check, interval_s), 1, CHECK_SECONDS_MAX},
    {"grace", offsetof(struct check, grace_s), 0, CHECK_SECONDS_MAX},
    {"initialDelay", offsetof(struct check, grace_s), 0, CHECK_SECONDS_MAX},
    {"uptime", offsetof(struct check, uptime_s), 1, CHECK_SECONDS_MAX},
    {"port", offsetof(struct check, port), 1, 65535},
};

static int take_number(struct check *c, const json_t *v, const char *key,
    struct place *p, struct error *err)
{
	for (size_t i = 0; i < NELEM(numbers); i++) {
		json_int_t n = json_integer_value(v);
		uint64_t *at = (uint64_t *)(void *)((char *)c + numbers[i].at);

		if (strcmp(numbers[i].key, key) != 0)
			continue;
		if (!json_is_integer(v) || n < numbers[i].least ||
		    n > numbers[i].most)
			return wrong(err, p,
			    "%s has to be a whole number from %lld to %lld",
			    key, (long long)numbers[i].least,
			    (long long)numbers[i].most);
		*at = (uint64_t)n;
		if (numbers[i].at == offsetof(struct check, interval_s))
			p->interval = true;
		if (numbers[i].at == offsetof(struct check, uptime_s))
			c->means = CHECK_UPTIME;
		return 0;
	}
	return 0;
}

static const struct {
	const char *key;
	int (*read)(struct check *c, const json_t *v, const char *key,
	    struct place *p, struct error *err);
} keys[] = {
    {"type", take_type},
    {"name", take_name},
    {"description", take_text},
    {"path", take_path},
    {"content", take_content},
    {"httpHeaders", take_headers},
    {"scheme", take_scheme},
    {"listening", take_listening},
    {"attempts", take_number},
    {"timeout", take_number},
    {"interval", take_number},
    {"wait", take_number},
    {"grace", take_number},
    {"initialDelay", take_number},
    {"uptime", take_number},
    {"port", take_number},
    {"command", take_command},
};

/* --- one check ------------------------------------------------------------ */

static int take_key(struct check *c, const char *key, const json_t *v,
    struct place *p, struct error *err)
{
	for (size_t i = 0; i < NELEM(keys); i++)
		if (strcmp(keys[i].key, key) == 0)
			return keys[i].read(c, v, key, p, err);
	return wrong(err, p,
	    "unknown key \"%.30s\"; there are type, name, path, content, "
	    "httpHeaders, port, listening, uptime, attempts, timeout, "
	    "interval, grace",
	    key);
}

static int fits_together(
    const struct check *c, const struct place *p, struct error *err)
{
	bool web = strcmp(p->type, "web") == 0;

	if (c->means == CHECK_UPTIME && c->type != CHECK_STARTUP)
		return wrong(err, p, "uptime is for checks of type startup");
	if (c->means != CHECK_HTTP && p->http)
		return wrong(err, p,
		    "a check has either a path, or uptime, or "
		    "listening");
	if (c->means != CHECK_UPTIME && !web)
		return wrong(err, p,
		    "only web is asked over HTTP; for %.30s "
		    "say {\"type\": \"startup\", \"uptime\": 10}",
		    p->type);
	return 0;
}

static int take_check(struct healthchecks *h, const json_t *item,
    struct place *p, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(CHECK_TEXT_MAX);
	struct check c;
	const char *key;
	json_t *v;

	check_init(&c);
	if (!json_is_object(item))
		return wrong(err, p,
		    "a check is an object, as "
		    "{\"path\": \"/health\"}");
	json_object_foreach((json_t *)item, key, v)
	{
		if (take_key(&c, key, v, p, err) == -1)
			return -1;
	}
	if (!p->interval && c.type != CHECK_STARTUP)
		c.interval_s = LATER_INTERVAL_S;
	if (fits_together(&c, p, err) == -1)
		return -1;
	check_print(&c, &text);
	h->bytes += text.len;
	if (text.bad || h->bytes > HEALTHCHECKS_BYTES)
		return error_set(err, ERR_INVALID,
		    "app.json: healthchecks are "
		    "too long: all together may have %u bytes",
		    HEALTHCHECKS_BYTES);
	h->v = xrealloc(h->v, (h->n + 1) * sizeof(*h->v));
	str_copy(str_z(p->type), h->v[h->n].type, sizeof(h->v[h->n].type));
	h->v[h->n++].text = xstrdup(buf_z(&text));
	return 0;
}

static int take_list(struct healthchecks *h, const char *type,
    const json_t *list, struct error *err)
{
	json_t *item;
	size_t i;

	if (!name_ptype(str_z(type)) || !json_is_array(list))
		return error_set(err, ERR_INVALID,
		    "app.json: healthchecks.%.30s has to be a list of checks "
		    "of that process type, as {\"web\": [{\"path\": \"/\"}]}",
		    type);
	if (json_array_size(list) > HEALTHCHECKS_MAX)
		return error_set(err, ERR_INVALID,
		    "app.json: healthchecks.%.30s has more than %d checks",
		    type, HEALTHCHECKS_MAX);
	json_array_foreach(list, i, item)
	{
		struct place p = {.type = type, .i = i};

		if (take_check(h, item, &p, err) == -1)
			return -1;
	}
	return 0;
}

/* --- all of them ---------------------------------------------------------- */

static int take_all(
    struct healthchecks *h, const json_t *all, struct error *err)
{
	const char *type;
	json_t *list;

	if (!json_is_object(all) || json_object_size(all) > TYPES_MAX)
		return error_set(err, ERR_INVALID,
		    "app.json: healthchecks has to be an object with at most "
		    "%d process types, as {\"web\": [{\"path\": \"/\"}]}",
		    TYPES_MAX);
	json_object_foreach((json_t *)all, type, list)
	{
		if (take_list(h, type, list, err) == -1)
			return -1;
	}
	return 0;
}

int healthchecks_read(
    struct str app_json, struct healthchecks **ret, struct error *err)
{
	json_t *root =
	    app_json.len ? json_loadb(app_json.p, app_json.len, 0, NULL) : NULL;
	const json_t *all = json_object_get(root, "healthchecks");
	struct healthchecks *h = NULL;
	int done = 0;

	if (all) {
		h = xcalloc(1, sizeof(*h));
		done = take_all(h, all, err);
	}
	json_decref(root);
	if (done == -1)
		healthchecks_free(take(h));
	*ret = h;
	return done;
}

void healthchecks_free(struct healthchecks *h)
{
	for (size_t i = 0; h && i < h->n; i++)
		free(h->v[i].text);
	if (h)
		free(h->v);
	free(h);
}

void healthchecks_drop(struct healthchecks **h)
{
	healthchecks_free(*h);
}

const char *healthchecks_stranger(const struct healthchecks *h,
    bool (*has)(void *arg, struct str type), void *arg)
{
	for (size_t i = 0; h && i < h->n; i++)
		if (!has(arg, str_z(h->v[i].type)))
			return h->v[i].type;
	return NULL;
}

void healthchecks_put(
    const struct healthchecks *h, struct str type, struct frame_out *o)
{
	for (size_t i = 0; h && i < h->n; i++)
		if (str_eqz(type, h->v[i].type))
			frame_put_z(o, F_CHECK, h->v[i].text);
}
