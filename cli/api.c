#include "api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/url.h"

#define ANSWER_MAX (64u << 20)
#define PATH_BYTES_MAX (1u << 20) /* more than argv can hold, escaped */
#define CONNECT_SECONDS 10L
#define SILENCE_SECONDS 120L /* a request without a byte is dead */
#define STREAM_SILENCE_SECONDS 600L

struct api {
	struct login login;
	CURL *curl;
	struct buf answer;
	char curl_error[CURL_ERROR_SIZE];
};

struct api *api_open_login(const struct login *l, struct error *err)
{
	struct api *a;

	if (str_starts(str_z(l->url), STR("http:")) && !url_loopback(l->url)) {
		error_set(err, ERR_FORBIDDEN,
		    "the token would go to %s in clear text (use https://, or "
		    "ssh -L 8080:localhost:8080 SERVER and "
		    "http://localhost:8080)",
		    l->url);
		return NULL;
	}
	a = xcalloc(1, sizeof(*a));
	a->login = *l;
	a->answer = (struct buf)BUF_INIT(ANSWER_MAX);
	a->curl = curl_easy_init();
	if (a->curl)
		return a;
	error_set(err, ERR_SYSTEM, "libcurl does not start");
	api_free(a);
	return NULL;
}

struct api *api_open(const char *hint, struct error *err)
{
	struct login l = {0};

	if (login_find(hint, &l, err) == -1)
		return NULL;
	return api_open_login(&l, err);
}

void api_free(struct api *a)
{
	if (!a)
		return;
	curl_easy_cleanup(a->curl);
	buf_release(&a->answer);
	free(a);
}

const char *api_url(const struct api *a)
{
	return a->login.url;
}

char *api_path_(const char *first, ...)
{
	scoped_buf struct buf out = BUF_INIT(PATH_BYTES_MAX);
	va_list args;

	va_start(args, first);
	for (const char *s = first; s; s = va_arg(args, const char *)) {
		buf_addc(&out, '/');
		url_encode(&out, str_z(s));
	}
	va_end(args);
	return xstrdup(buf_z(&out));
}

/* --- one request ---------------------------------------------------------- */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct api *a = arg;

	buf_add(&a->answer, str_make(p, size * n));
	return a->answer.bad ? 0 : size * n;
}

/* Things that the platform wants to be read by people. */
static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct str line = str_make(p, size * n), name;

	if (str_split(&line, ':', &name) &&
	    (str_eq_nocase(name, STR("X-Heroku-Warning")) ||
	        str_eq_nocase(name, STR("Warning-Message")))) {
		while (line.len && (unsigned char)line.p[line.len - 1] < ' ')
			line.len--;
		fprintf(
		    stderr, "warning: " STR_FMT "\n", STR_ARG(str_trim(line)));
	}
	return size * n;
}

static void set_common(struct api *a, const char *url)
{
	CURL *c = a->curl;

	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->curl_error);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "paas/" PAAS_VERSION);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, SILENCE_SECONDS);
	if (url_loopback(url))
		curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
}

static struct curl_slist *headers_of(
    const struct api *a, const struct api_request *q)
{
	struct curl_slist *list = NULL;
	char line[TOKEN_MAX + 64];

	list = curl_slist_append(
	    list, "Accept: application/vnd.heroku+json; version=3");
	list = curl_slist_append(list, "Content-Type: application/json");
	list = curl_slist_append(list, "Expect:");
	snprintf(
	    line, sizeof(line), "Authorization: Bearer %s", a->login.token);
	list = curl_slist_append(list, line);
	if (q->range) {
		snprintf(line, sizeof(line), "Range: %s", q->range);
		list = curl_slist_append(list, line);
	}
	return list;
}

static int transport_error(struct api *a, CURLcode code, struct error *err)
{
	const char *why =
	    a->curl_error[0] ? a->curl_error : curl_easy_strerror(code);

	if (a->answer.bad)
		return error_set(err, ERR_LIMIT, "the answer is too large");
	if (code == CURLE_COULDNT_CONNECT && url_loopback(a->login.url))
		return error_set(err, ERR_UNAVAILABLE,
		    "nothing answers at %s (start the platform: systemctl "
		    "start paas, or make run)",
		    a->login.url);
	return error_set(err, ERR_UNAVAILABLE,
	    "no answer from %s: %s (check the address and the network)",
	    a->login.url, why);
}

static enum errc code_of(long status)
{
	switch (status) {
	case 401:
		return ERR_UNAUTHORIZED;
	case 403:
		return ERR_FORBIDDEN;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_EXISTS;
	default:
		return status < 500 ? ERR_INVALID : ERR_UNAVAILABLE;
	}
}

static int refusal(struct api *a, long status, struct error *err)
{
	json_auto_t *answer =
	    json_loadb(a->answer.p, a->answer.len, JSON_DECODE_ANY, NULL);
	const char *message = json_text(answer, "message");

	if (status == 401 && getenv("PAAS_TOKEN"))
		return error_set(err, ERR_UNAUTHORIZED,
		    "%s does not accept the token in PAAS_TOKEN, which wins "
		    "over what paas login stored (correct or unset it)",
		    a->login.url);
	if (status == 401)
		return error_set(err, ERR_UNAUTHORIZED,
		    "%s does not accept the token (run: paas login %s)",
		    a->login.url, a->login.url);
	if (*message)
		return error_set(err, code_of(status), "%s", message);
	return error_set(err, code_of(status),
	    "%s answered %ld without saying why (see the platform's log)",
	    a->login.url, status);
}

static int perform(struct api *a, long *ret_status, struct error *err)
{
	CURLcode code;

	a->curl_error[0] = '\0';
	buf_clear(&a->answer);
	code = curl_easy_perform(a->curl);
	if (code != CURLE_OK)
		return transport_error(a, code, err);
	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, ret_status);
	return 0;
}

static int parse_answer(struct api *a, json_t **ret, struct error *err)
{
	json_t *answer;

	if (!ret)
		return 0;
	answer = a->answer.len ? json_loadb(a->answer.p, a->answer.len,
	                             JSON_DECODE_ANY, NULL)
	                       : json_null();
	if (!answer)
		return error_set(err, ERR_INVALID,
		    "%s did not answer in JSON (is it a paas platform?)",
		    a->login.url);
	*ret = answer;
	return 0;
}

int api_call(
    struct api *a, const struct api_request *q, json_t **ret, struct error *err)
{
	scoped_free char *path = (char *)q->path;
	scoped_free char *url = xasprintf("%s%s", a->login.url, path);
	json_auto_t *body = q->body;
	scoped_free char *text = body ? json_dumps(body, 0) : NULL;
	struct curl_slist *headers = headers_of(a, q);
	long status = 0;
	int rc;

	set_common(a, url);
	curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(a->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(a->curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(a->curl, CURLOPT_HEADERFUNCTION, on_header);
	if (text)
		curl_easy_setopt(a->curl, CURLOPT_POSTFIELDS, text);
	else if (q->method && strcmp(q->method, "POST") == 0)
		curl_easy_setopt(a->curl, CURLOPT_POSTFIELDS, "");
	if (q->method)
		curl_easy_setopt(a->curl, CURLOPT_CUSTOMREQUEST, q->method);
	rc = perform(a, &status, err);
	curl_slist_free_all(headers);
	if (rc == -1)
		return -1;
	if (status < 200 || status > 299)
		return refusal(a, status, err);
	return parse_answer(a, ret, err);
}

/* --- streams -------------------------------------------------------------- */

struct stream_state {
	struct api *a;
	struct api_stream *s;
	bool begun, stopped;
};

static size_t on_stream(char *p, size_t size, size_t n, void *arg)
{
	struct stream_state *st = arg;
	const char *type = NULL;
	long status = 0;

	if (!st->begun) {
		curl_easy_getinfo(st->a->curl, CURLINFO_CONTENT_TYPE, &type);
		st->s->sse =
		    type && strncasecmp(type, "text/event-stream", 17) == 0;
		st->begun = true;
	}
	curl_easy_getinfo(st->a->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return on_body(p, size, n, st->a);
	if (st->s->sink(st->s->arg, str_make(p, size * n)) == -1) {
		st->stopped = true;
		return 0;
	}
	return size * n;
}

int api_stream(struct api *a, struct api_stream *s, struct error *err)
{
	scoped_free char *url = s->url[0] == '/'
	                            ? xasprintf("%s%s", a->login.url, s->url)
	                            : xstrdup(s->url);
	struct stream_state st = {.a = a, .s = s};
	scoped_free char *last =
	    s->last ? xasprintf("Last-Event-ID: %s", s->last) : NULL;
	struct curl_slist *headers =
	    curl_slist_append(NULL, "Accept: text/event-stream, text/plain");
	long status = 0;
	int rc;

	if (last)
		headers = curl_slist_append(headers, last);
	set_common(a, url);
	curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(a->curl, CURLOPT_WRITEFUNCTION, on_stream);
	curl_easy_setopt(a->curl, CURLOPT_WRITEDATA, &st);
	curl_easy_setopt(
	    a->curl, CURLOPT_LOW_SPEED_TIME, STREAM_SILENCE_SECONDS);
	rc = perform(a, &status, err);
	curl_slist_free_all(headers);
	if (st.stopped)
		return 0;
	if (rc == -1)
		return -1;
	return status >= 200 && status <= 299 ? 0 : refusal(a, status, err);
}

/* --- looking into JSON ---------------------------------------------------- */

static const json_t *walk(const json_t *o, const char *path)
{
	struct str rest = str_z(path), part;

	while (o && str_split(&rest, '.', &part)) {
		char key[64];

		snprintf(key, sizeof(key), STR_FMT, STR_ARG(part));
		o = json_object_get(o, key);
	}
	return o;
}

const char *json_value_text(const json_t *value)
{
	const char *text = json_string_value(value);

	return text ? text : "";
}

const char *json_text(const json_t *o, const char *path)
{
	return json_value_text(walk(o, path));
}

long long json_number(const json_t *o, const char *path)
{
	return json_integer_value(walk(o, path));
}

/* Does a come after b? */
static bool is_newer(const json_t *a, const json_t *b, const char *key)
{
	if (json_is_integer(walk(a, key)))
		return json_number(a, key) > json_number(b, key);
	return strcmp(json_text(a, key), json_text(b, key)) > 0;
}

void json_newest_first(json_t *array, const char *key)
{
	size_t n = json_array_size(array);

	if (n < 2 || !is_newer(json_array_get(array, n - 1),
	                 json_array_get(array, 0), key))
		return;
	for (size_t i = 0; i < n; i++) {
		json_t *last = json_incref(json_array_get(array, n - 1));

		json_array_remove(array, n - 1);
		json_array_insert_new(array, i, last);
	}
}
