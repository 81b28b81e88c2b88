#include "api/request.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/http.h"
#include "api/page.h"
#include "api/stream.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "routes.h"
#include "text.h"

#define WASTE_MAX (8u << 20)
#define MESSAGE_MAX 1024

/* --- looking -------------------------------------------------------------- */

struct str request_header(const struct request *r, const char *name)
{
	return str_z(
	    MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name));
}

struct range request_range(const struct request *r)
{
	return range_parse(request_header(r, "Range"));
}

/* A Host that is nothing but a name or address and a port. */
static bool is_plain_host(struct str host)
{
	static const struct str good =
	    STR("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	        "0123456789.-:[]");

	for (size_t i = 0; i < host.len; i++)
		if (str_find(good, host.p[i]) == -1)
			return false;
	return host.len > 0 && host.len < 300;
}

void request_base(const struct request *r, struct buf *out)
{
	if (!is_plain_host(r->origin.host)) {
		buf_addz(out, r->w->settings.url);
		return;
	}
	buf_addz(
	    out, str_eqz(r->origin.proto, "https") ? "https://" : "http://");
	buf_add(out, r->origin.host);
}

int request_word(
    const json_t *value, const char *name, struct str *ret, struct error *err)
{
	*ret = (struct str){0};
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return error_set(
		    err, ERR_INVALID, "\"%s\" must be a text.", name);
	*ret = str_make(json_string_value(value), json_string_length(value));
	return 0;
}

int request_text(
    struct request *r, const char *name, struct str *ret, struct error *err)
{
	return request_word(json_object_get(r->json, name), name, ret, err);
}

/* --- answering ------------------------------------------------------------ */

void request_suspend(struct request *r)
{
	if (r->suspended)
		return;
	r->suspended = true;
	MHD_suspend_connection(r->conn);
}

void request_resume(struct request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->conn);
	http_wake(r->w->http); /* it tells nobody in this mode */
}

void request_field(struct request *r, const char *name, const char *value)
{
	(void)MHD_add_response_header(r->answer, name, value);
}

/* The router gives every request an id; who asks without gets a fresh one. */
static void add_id(struct request *r)
{
	struct str id = request_header(r, "X-Request-Id");
	char fresh[37];

	if (id.len && id.len <= 200) {
		request_field(r, "Request-Id", id.p);
		return;
	}
	rand_uuid(fresh);
	request_field(r, "Request-Id", fresh);
}

void request_begin(struct request *r, unsigned status, const char *type,
    struct MHD_Response *answer)
{
	r->status = status;
	r->answer = answer;
	request_field(r, "Content-Type", type);
	request_field(r, "Cache-Control", "private, no-cache");
	request_field(r, "X-Content-Type-Options", "nosniff");
	add_id(r);
	request_resume(r);
}

void request_bytes(
    struct request *r, unsigned status, const char *type, struct str bytes)
{
	request_begin(r, status, type,
	    MHD_create_response_from_buffer(bytes.len,
	        (void *)(bytes.len ? bytes.p : ""), MHD_RESPMEM_MUST_COPY));
}

void request_json(struct request *r, unsigned status, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);

	json_decref(body);
	if (!text) {
		request_refuse(r, 500, "internal_server_error",
		    "The answer can't be written.");
		return;
	}
	request_begin(r, status, "application/json",
	    MHD_create_response_from_buffer(
	        strlen(text), text, MHD_RESPMEM_MUST_FREE));
}

void request_refuse(
    struct request *r, unsigned status, const char *id, const char *fmt, ...)
{
	scoped_buf struct buf clean = BUF_INIT(3 * MESSAGE_MAX);
	char message[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	text_clean(str_z(message), &clean); /* words of the request are in it */
	request_json(r, status,
	    json_pack("{s:s, s:s}", "id", id, "message", buf_z(&clean)));
	if (status == 401)
		request_field(r, "WWW-Authenticate", "Bearer realm=\"paas\"");
}

void request_error(struct request *r, const struct error *err)
{
	static const struct {
		unsigned status;
		const char *id;
	} answers[ERR_N] = {
	    [ERR_INVALID] = {422, "invalid_params"},
	    [ERR_NOT_FOUND] = {404, "not_found"},
	    [ERR_EXISTS] = {422, "invalid_params"},
	    [ERR_UNAUTHORIZED] = {401, "unauthorized"},
	    [ERR_FORBIDDEN] = {403, "forbidden"},
	    [ERR_LIMIT] = {422, "invalid_params"},
	    [ERR_UNAVAILABLE] = {503, "unavailable"},
	};

	if (err->code < ERR_N && answers[err->code].status) {
		request_refuse(r, answers[err->code].status,
		    answers[err->code].id, "%s", err->msg);
		return;
	}
	log_error("request failed path=%s: %s",
	    r->match.route ? r->match.route->pattern : "?",
	    log_quote(str_z(err->msg)));
	request_refuse(r, 500, "internal_server_error",
	    "The platform failed to do this. Its log says why.");
}

/* --- who ------------------------------------------------------------------ */

static bool changes(const struct request *r)
{
	return r->method != METHOD_GET;
}

static struct str cookie(struct request *r)
{
	const char *name =
	    str_eqz(r->origin.proto, "https") ? COOKIE_HTTPS : COOKIE_PLAIN;

	if (!origin_cookie_counts(&r->origin, changes(r)))
		return (struct str){0};
	return str_z(
	    MHD_lookup_connection_value(r->conn, MHD_COOKIE_KIND, name));
}

/* The token of "Bearer TOKEN", of Basic's password, or of the cookie. */
static char *find_token(struct request *r)
{
	static const struct str bearer = STR("bearer ");
	struct str value = request_header(r, "Authorization"), session;
	char *user, *password = NULL, *token = NULL;

	if (!value.p) {
		session = cookie(r);
		return session.p ? str_dup(session) : NULL;
	}
	if (str_eq_nocase(str_sub(value, 0, bearer.len), bearer))
		return str_dup(str_trim(str_sub(value, bearer.len, value.len)));
	user = MHD_basic_auth_get_username_password(r->conn, &password);
	if (user && password)
		token = xstrdup(password);
	MHD_free(user);
	MHD_free(password);
	return token;
}

static int log_in(struct request *r, struct error *err)
{
	char *token = find_token(r);
	int rc = 0;

	if (token)
		rc = login_token(r->w, str_z(token), &r->actor, err);
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
	return rc;
}

static int authorize_request(struct request *r, struct error *err)
{
	enum action action = r->match.route->action;

	if (!origin_is_private(&r->origin))
		return error_set(err, ERR_FORBIDDEN,
		    "Tokens are not taken in clear text from other machines. "
		    "Use https, or a tunnel (ssh -L 8080:localhost:8080).");
	if (action == ACTION_PUBLIC)
		return 0;
	if (log_in(r, err) == -1)
		return -1;
	if (route_has_app(action))
		return login_app(
		    r->w, &r->actor, action, r->match.args[0], &r->app, err);
	return login_may(&r->actor, action, err);
}

/* --- the head ------------------------------------------------------------- */

static void read_origin(struct request *r)
{
	r->origin = (struct origin){
	    .site = request_header(r, "Sec-Fetch-Site"),
	    .origin = request_header(r, "Origin"),
	    .proto = request_header(r, "X-Forwarded-Proto"),
	    .host = request_header(r, "Host"),
	    .client = request_header(r, "X-Forwarded-For"),
	};
}

/* The host of a Host field in lower case, without its port, in mem. */
static struct str plain_host(struct str host, char mem[254])
{
	struct str name;

	(void)str_split(&host, ':', &name);
	name = str_sub(name, 0, 253);
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];

		mem[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	if (name.len > 1 && mem[name.len - 1] == '.')
		name.len--;
	return str_make(mem, name.len);
}

/* An app in maintenance is routed to us: its visitors get a page. */
static bool is_apps_host(struct request *r)
{
	char mem[254];
	struct str host = plain_host(r->origin.host, mem);
	struct app a;

	if (routes_is_own(r->w, host) || routes_app(r->w, host, &a, NULL) == -1)
		return false;
	page_maintenance(r);
	return true;
}

static void find_route(struct request *r, const char *url)
{
	struct url_path path;
	struct error err = {0};

	r->mem = xmalloc(strlen(url) + 1);
	if (url_path_parse(str_z(url), r->mem, &path, &err) == -1) {
		request_refuse(r, 400, "bad_request", "%s", err.msg);
		return;
	}
	route_match(routes, routes_count, r->method, &path, &r->match);
	if (r->match.route) {
		if (authorize_request(r, &err) == -1)
			request_error(r, &err);
		return;
	}
	if (r->match.other_method) {
		request_refuse(
		    r, 405, "method_not_allowed", "This can't be done here.");
		return;
	}
	if (r->method == METHOD_GET && page_index(r))
		return;
	request_refuse(r, 404, "not_found",
	    "There is no such address here. The API is Heroku's Platform API "
	    "v3.");
}

static void read_head(struct request *r, const char *url, const char *method)
{
	struct str length;
	uint64_t n;

	r->method = method_of(method);
	read_origin(r);
	length = request_header(r, "Content-Length");
	if (length.p &&
	    (!str_u64(length, UINT64_MAX, &n) || n > REQUEST_BODY_MAX))
		request_refuse(r, 413, "too_large",
		    "The body is too large: at most %u bytes are taken.",
		    REQUEST_BODY_MAX);
	else if (!is_apps_host(r) &&
	         (r->method != METHOD_GET || !page_asset(r, str_z(url))))
		find_route(r, url);
}

/* --- the body ------------------------------------------------------------- */

static enum MHD_Result take_body(
    struct request *r, const char *upload, size_t *size)
{
	if (!r->answer)
		buf_add(&r->body, str_make(upload, *size));
	if (r->body.bad && !r->answer)
		request_refuse(r, 413, "too_large",
		    "The body is too large: at most %u bytes are taken.",
		    REQUEST_BODY_MAX);
	r->waste += *size;
	*size = 0;
	return r->waste > WASTE_MAX ? MHD_NO : MHD_YES;
}

static bool parse_body(struct request *r)
{
	json_error_t why;

	if (r->body.len == 0 && r->method != METHOD_PATCH) {
		r->json = json_object();
		return true;
	}
	r->json = json_loadb(r->body.p ? r->body.p : "", r->body.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (!r->json)
		request_refuse(r, 400, "bad_request",
		    "The body is no JSON (line %d): %s", why.line, why.text);
	else if (!json_is_object(r->json))
		request_refuse(
		    r, 400, "bad_request", "The body must be a JSON object.");
	return !r->answer;
}

/* --- the steps ------------------------------------------------------------ */

static enum MHD_Result queue(struct request *r)
{
	struct MHD_Response *answer = take(r->answer);
	enum MHD_Result done = MHD_queue_response(r->conn, r->status, answer);

	MHD_destroy_response(answer);
	return done;
}

static struct request *request_new(struct web *w, struct MHD_Connection *conn)
{
	struct request *r = xcalloc(1, sizeof(*r));

	r->w = w;
	r->conn = conn;
	r->body = (struct buf)BUF_INIT(REQUEST_BODY_MAX);
	return r;
}

enum MHD_Result request_step(void *cls, struct MHD_Connection *conn,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **state)
{
	struct request *r = *state;

	if (!r) {
		*state = r = request_new(cls, conn);
		read_head(r, url, method);
		/* A body that large is not waited for. */
		return r->status == 413 ? queue(r) : MHD_YES;
	}
	if (*upload_size)
		return take_body(r, upload, upload_size);
	if (!r->answer && !r->dispatched) {
		r->dispatched = true;
		if (parse_body(r))
			r->match.route->handle(r);
	}
	if (r->answer)
		return queue(r);
	request_suspend(r);
	return MHD_YES;
}

void request_done(void *cls, struct MHD_Connection *conn, void **state,
    enum MHD_RequestTerminationCode how)
{
	struct request *r = *state;

	if (!r)
		return;
	*state = NULL;
	if (r->wait)
		r->wait_free(r->wait);
	stream_free(r->stream);
	if (r->answer)
		MHD_destroy_response(r->answer);
	if (r->body.p)
		explicit_bzero(r->body.p, r->body.len);
	buf_release(&r->body);
	json_decref(r->json);
	free(r->mem);
	free(r);
}
