/* web/api: every route as everybody, with everything; limits; sessions. */
/* links: web/ web/api/ web/store/ web/ui/ tests/unit/web_world.c */
/* links: -lmicrohttpd -lsqlite3 -ljansson -lcrypto */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "api/request.h"
#include "api/route.h"
#include "apps.h"
#include "base/mem.h"
#include "web_world.h"

#define PATH_BYTES 32000

static int set_up(void **state)
{
	struct world *w = world_new();

	world_deploy(w);
	w->runs_refused = true;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	world_free(*state);
	return 0;
}

static const char *method_name(enum method m)
{
	static const char *const names[] = {
	    [METHOD_GET] = "GET",
	    [METHOD_POST] = "POST",
	    [METHOD_PUT] = "PUT",
	    [METHOD_PATCH] = "PATCH",
	    [METHOD_DELETE] = "DELETE",
	};

	return names[m];
}

/* What stands for a part of a pattern; all of them by `all` if given. */
static const char *argument(struct str part, const char *all)
{
	static const struct {
		const char *part, *value;
	} values[] = {
	    {"{app}", "hello"},
	    {"{release}", "1"},
	    {"{type}", "web"},
	    {"{dyno}", "web.1"},
	    {"{host}", "hello.localhost"},
	    {"{who}", OWNER},
	    {"{id}", "~"},
	};

	if (all)
		return all;
	for (size_t i = 0; i < NELEM(values); i++)
		if (str_eqz(part, values[i].part))
			return values[i].value;
	return "0123456789abcdef0123"; /* a secret, a build */
}

static const char *path_of(
    const struct route *r, const char *all, char mem[PATH_BYTES])
{
	struct str rest = str_z(r->pattern + 1), part;
	scoped_buf struct buf out = BUF_INIT(PATH_BYTES);

	while (str_split(&rest, '/', &part)) {
		buf_addc(&out, '/');
		if (part.p[0] == '{')
			buf_addz(&out, argument(part, all));
		else
			buf_add(&out, part);
	}
	str_copy(buf_str(&out), mem, PATH_BYTES);
	return mem;
}

/* --- who may ------------------------------------------------------------- */

static unsigned ask_route(
    struct world *w, const struct route *r, const char *token)
{
	char path[PATH_BYTES];

	return world_ask(w,
	    &(struct request_text){.method = method_name(r->method),
	        .path = path_of(r, NULL, path),
	        .token = token,
	        .body = r->method == METHOD_GET ? (struct str){0} : STR("{}")});
}

static void without_a_token_nothing_is_answered(void **state)
{
	static const char *const tokens[] = {
	    "", "x", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "'--", "~"};
	struct world *w = *state;

	for (size_t i = 0; i < routes_count; i++)
		for (size_t t = 0; t < NELEM(tokens); t++) {
			unsigned status = ask_route(w, &routes[i], tokens[t]);

			if (routes[i].action == ACTION_PUBLIC)
				assert_int_equal(status,
				    strcmp(routes[i].pattern, "/session")
				        ? 404
				        : 401);
			else
				assert_int_equal(status, 401);
		}
}

static void an_app_does_not_exist_for_strangers(void **state)
{
	struct world *w = *state;
	char token[44];

	for (size_t i = 0; i < routes_count; i++) {
		if (!route_has_app(routes[i].action))
			continue;
		world_account(w, "other@localhost", "global", token);
		assert_int_equal(ask_route(w, &routes[i], token), 404);
		assert_string_equal(world_text(w->json, "message"),
		    "There is no such app. See `paas apps`.");
	}
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/apps", .token = token), 200);
	assert_int_equal(json_array_size(w->json), 0);
}

static void a_helper_may_what_his_scope_says(void **state)
{
	static const char *const scopes[] = {"identity", "read",
	    "read-protected", "write", "write-protected", "global"};
	struct world *w = *state;
	struct account other;
	char token[44];

	world_account(w, "other@localhost", "global", token);
	assert_int_equal(store_account_by_email(w->web.store,
	                     STR("other@localhost"), &other, NULL),
	    0);
	assert_int_equal(
	    store_collaborator_add(w->web.store, 1, other.id, NULL), 0);
	for (size_t s = 0; s < NELEM(scopes); s++) {
		unsigned scope = authorize_scopes(str_z(scopes[s]));

		for (size_t i = 0; i < routes_count; i++) {
			enum action action = routes[i].action;
			bool may = authorize(scope,
			    route_has_app(action) ? RELATION_COLLABORATOR
			                          : RELATION_SELF,
			    action);
			unsigned status;

			/* Some end the token, so each asks with a new one. */
			world_account(w, "other@localhost", scopes[s], token);
			status = ask_route(w, &routes[i], token);
			if (action == ACTION_PUBLIC)
				continue;
			if (may) {
				assert_int_not_equal(status, 403);
				assert_int_not_equal(status, 401);
				assert_true(status < 500);
			} else {
				assert_int_equal(status, 403);
			}
		}
	}
	assert_int_equal(ASK(w, .method = "GET", .path = "/apps/hello"), 200);
}

static void a_token_in_clear_text_from_elsewhere_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(ASK(w, .method = "GET", .path = "/account",
	                     .headers = "X-Forwarded-For: 203.0.113.9\r\n"),
	    403);
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/account",
	        .headers = "X-Forwarded-For: 127.0.0.1, 203.0.113.9\r\n"),
	    403);
	assert_int_equal(ASK(w, .method = "GET", .path = "/account",
	                     .headers = "X-Forwarded-For: 203.0.113.9\r\n"
	                                "X-Forwarded-Proto: https\r\n"),
	    200);
}

/* --- hostile bodies and paths -------------------------------------------- */

/* An answer that a client understands, whatever was asked. */
static void is_an_answer(struct world *w, const char *what)
{
	if (w->status == 500 || w->status < 200)
		fail_msg("%u to %.200s", w->status, what);
	if (w->status >= 400 && (!w->json || !*world_text(w->json, "message")))
		fail_msg("%u without a message to %.200s: %.300s", w->status,
		    what, buf_z(&w->text));
}

/* Removing the app would end the walk. */
static bool removes(const struct route *r)
{
	return r->method == METHOD_DELETE &&
	       (strcmp(r->pattern, "/apps/{app}") == 0 ||
	           strcmp(r->pattern, "/oauth/authorizations/{id}") == 0);
}

static void send_body(struct world *w, const struct route *r, struct str body)
{
	char path[PATH_BYTES];

	(void)world_ask(
	    w, &(struct request_text){.method = method_name(r->method),
	           .path = path_of(r, NULL, path),
	           .body = body});
	is_an_answer(w, r->pattern);
	world_forget(w);
}

static void no_body_is_too_strange(void **state)
{
	static const struct str bodies[] = {
	    STR(""),
	    STR("{"),
	    STR("[]"),
	    STR("null"),
	    STR("\"x\""),
	    STR("5"),
	    STR("{}"),
	    STR("\0"),
	    STR("\xff\xfe"),
	    STR("{\"a\": \"\xff\"}"),
	    STR("{\"a\": 1, \"a\": 2}"),
	    STR("{\"\": \"\"}"),
	    STR("{\"\\u0000\": \"\"}"),
	    STR("{\"a\": 1e999}"),
	    STR("{\"a\": 99999999999999999999}"),
	    STR("{} {}"),
	};
	struct world *w = *state;
	scoped_free char *deep = xmalloc(100000);

	memset(deep, '[', 100000);
	for (size_t i = 0; i < routes_count; i++) {
		for (size_t b = 0; b < NELEM(bodies) && !removes(&routes[i]);
		     b++)
			send_body(w, &routes[i], bodies[b]);
		send_body(w, &routes[i], str_make(deep, 100000));
		assert_int_equal(w->status,
		    routes[i].method == METHOD_GET && w->status == 404 ? 404
		                                                       : 400);
	}
}

/* Each field that a handler reads, with each kind of value. */
static void no_field_is_too_strange(void **state)
{
	static const char *const fields[] = {"name", "maintenance",
	    "build_stack", "hostname", "user", "updates", "quantity", "size",
	    "dyno_size", "command", "env", "attach", "lines", "source", "dyno",
	    "tail", "token", "description", "scope", "expires_in", "release",
	    "type"};
	static const char *const values[] = {"null", "true", "0", "-1",
	    "1.5e300", "9223372036854775807", "\"\"", "\"a\\u0000b\"",
	    "\"\\ud83d\\ude80\"", "\"../../x\"", "\"'; DROP TABLE app --\"",
	    "[]", "[null]", "[[]]", "[{}]", "[\"x\"]", "{}", "{\"name\": []}",
	    "{\"email\": 5}", "{\"A\": {}}", "{\"A\": \"x\\u0000\"}",
	    "{\"=\": \"x\"}", "[{\"type\": 5, \"quantity\": []}]",
	    "[{\"type\": \"web\", \"quantity\": -9223372036854775807}]",
	    "[{\"type\": \"web\", \"quantity\": \"+18446744073709551615\"}]"};
	struct world *w = *state;
	char body[200];

	for (size_t i = 0; i < routes_count; i++) {
		if (routes[i].method == METHOD_GET ||
		    routes[i].method == METHOD_DELETE)
			continue;
		for (size_t f = 0; f < NELEM(fields); f++)
			for (size_t v = 0; v < NELEM(values); v++) {
				snprintf(body, sizeof(body), "{\"%s\": %s}",
				    fields[f], values[v]);
				send_body(w, &routes[i], str_z(body));
			}
	}
}

static void no_path_is_too_strange(void **state)
{
	static const char *const parts[] = {"%00", "..", "%2e%2e", "%2F", "%",
	    "%zz", "%ff", "'", "%22", "-1", "0", "v0", "v", "~", "*", "{app}",
	    "99999999999999999999999", "%F0%9F%9A%80", "a%0D%0AX:%20y",
	    "3544427e-bf43-41fa-a6f9-6d7e31f44d13", "?", "?a=b", ";", ":"};
	struct world *w = *state;
	char path[PATH_BYTES], *longest = xmalloc(9001);

	memset(longest, 'a', 9000);
	longest[9000] = '\0';
	for (size_t i = 0; i < routes_count; i++) {
		for (size_t p = 0; p <= NELEM(parts); p++) {
			const char *part =
			    p < NELEM(parts) ? parts[p] : longest;

			(void)world_ask(
			    w, &(struct request_text){
			           .method = method_name(routes[i].method),
			           .path = path_of(&routes[i], part, path),
			           .body = routes[i].method == METHOD_GET
			                       ? (struct str){0}
			                       : STR("{}")});
			if (w->status != 431 && w->status != 414)
				is_an_answer(w, path);
		}
	}
	free(longest);
}

/* --- limits -------------------------------------------------------------- */

static void a_body_has_a_limit(void **state)
{
	struct world *w = *state;
	scoped_free char *body = xmalloc(REQUEST_BODY_MAX + 1);
	scoped_buf struct buf chunked = BUF_INIT(REQUEST_BODY_MAX + 100);

	memset(body, ' ', REQUEST_BODY_MAX + 1);
	body[0] = '{';
	body[REQUEST_BODY_MAX - 1] = '}';
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-sessions",
	        .body = str_make(body, REQUEST_BODY_MAX)),
	    201);
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-sessions",
	        .body = str_make(body, REQUEST_BODY_MAX + 1)),
	    413);
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-sessions",
	        .headers = "Content-Length: 99999999999999999999\r\n"),
	    413);
	buf_addf(&chunked, "%x\r\n", REQUEST_BODY_MAX + 1);
	buf_add(&chunked, str_make(body, REQUEST_BODY_MAX + 1));
	buf_addz(&chunked, "\r\n0\r\n\r\n");
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-sessions",
	        .headers = "Transfer-Encoding: chunked\r\nX-Length: 0\r\n",
	        .body = buf_str(&chunked)),
	    413);
}

/* Ask until it is refused; how often it was not. */
static unsigned count_until_refused(
    struct world *w, const char *path, const char *form, unsigned most)
{
	char body[200];

	for (unsigned n = 0; n <= most; n++) {
		snprintf(body, sizeof(body), form, n);
		if (ASK(w, .method = "POST", .path = path,
		        .body = str_z(body)) != 201) {
			assert_int_equal(w->status, 422);
			return n;
		}
	}
	return most + 1;
}

static void rows_that_people_make_have_limits(void **state)
{
	struct world *w = *state;
	char token[44], email[64];

	for (unsigned n = 0; n <= APP_COLLABORATORS_MAX; n++) {
		snprintf(email, sizeof(email), "u%u@localhost", n);
		world_account(w, email, "read", token);
	}
	assert_int_equal(
	    count_until_refused(w, "/apps/hello/domains",
	        "{\"hostname\": \"n%u.example.com\"}", APP_DOMAINS_MAX),
	    APP_DOMAINS_MAX);
	assert_int_equal(
	    count_until_refused(w, "/apps/hello/collaborators",
	        "{\"user\": \"u%u@localhost\"}", APP_COLLABORATORS_MAX),
	    APP_COLLABORATORS_MAX);
	/* The owner's first one is in client.env. */
	assert_int_equal(count_until_refused(w, "/oauth/authorizations",
	                     "{\"description\": \"n%u\"}", 100),
	    99);
	w->web.settings.apps_max = 3;
	assert_int_equal(
	    count_until_refused(w, "/apps", "{\"name\": \"app-%u\"}", 10), 2);
}

static void what_is_read_as_it_grows_has_a_limit(void **state)
{
	struct world *w = *state;

	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/apps/hello/builds"), 200);
	w->web.streams = 512;
	assert_int_equal(
	    ASK(w, .method = "GET",
	        .path = strstr(
	            world_text(json_array_get(w->json, 0), "output_stream_url"),
	            "/streams/")),
	    503);
}

/* --- the dashboard ------------------------------------------------------- */

static unsigned log_in(struct world *w, const char *headers, const char *token)
{
	char body[200];

	snprintf(body, sizeof(body), "{\"token\": \"%s\"}", token);
	return ASK(w, .method = "POST", .path = "/session", .token = "",
	    .headers = headers, .body = str_z(body));
}

static void a_session_counts_for_its_own_pages_alone(void **state)
{
	struct world *w = *state;
	char cookie[512], head[800], *end;
	const char *site = "Sec-Fetch-Site: same-origin\r\n";

	assert_int_equal(
	    log_in(w, "Sec-Fetch-Site: cross-site\r\n", w->token), 403);
	assert_int_equal(
	    log_in(w, "Sec-Fetch-Site: same-site\r\n", w->token), 403);
	assert_int_equal(
	    log_in(w, "Origin: http://hello.localhost:8080\r\n", w->token),
	    403);
	assert_int_equal(log_in(w, site, "wrong"), 401);
	assert_int_equal(log_in(w, site, w->token), 201);
	(void)world_field(w, "Set-Cookie", cookie);
	assert_non_null(strstr(cookie, "; HttpOnly; SameSite=Strict"));
	assert_null(strstr(cookie, w->token));
	assert_null(strstr(cookie, "Domain"));
	end = strchr(cookie, ';');
	*end = '\0';
	snprintf(head, sizeof(head), "Cookie: %s\r\n%s", cookie, site);
	assert_int_equal(ASK(w, .method = "GET", .path = "/account",
	                     .token = "", .headers = head),
	    200);
	assert_int_equal(ASK(w, .method = "POST", .path = "/apps", .token = "",
	                     .headers = head, .body = STR("{}")),
	    201);
	/* Another page's request, with the cookie that the browser adds. */
	snprintf(head, sizeof(head),
	    "Cookie: %s\r\nSec-Fetch-Site: same-site\r\n", cookie);
	assert_int_equal(ASK(w, .method = "POST", .path = "/apps", .token = "",
	                     .headers = head, .body = STR("{}")),
	    401);
	snprintf(head, sizeof(head), "Cookie: %s\r\n", cookie);
	assert_int_equal(ASK(w, .method = "POST", .path = "/apps", .token = "",
	                     .headers = head, .body = STR("{}")),
	    401);
	/* It ends for good. */
	snprintf(head, sizeof(head), "Cookie: %s\r\n%s", cookie, site);
	assert_int_equal(ASK(w, .method = "DELETE", .path = "/session",
	                     .token = "", .headers = head),
	    200);
	assert_int_equal(ASK(w, .method = "GET", .path = "/account",
	                     .token = "", .headers = head),
	    401);
	assert_int_equal(ASK(w, .method = "GET", .path = "/account"), 200);
}

static void over_tls_the_cookie_keeps_to_it(void **state)
{
	struct world *w = *state;
	char cookie[512];

	assert_int_equal(log_in(w,
	                     "X-Forwarded-Proto: https\r\n"
	                     "Sec-Fetch-Site: same-origin\r\n",
	                     w->token),
	    201);
	(void)world_field(w, "Set-Cookie", cookie);
	assert_int_equal(strncmp(cookie, "__Host-paas_session=", 20), 0);
	assert_non_null(strstr(cookie, "; Path=/;"));
	assert_non_null(strstr(cookie, "; Secure"));
}

static void the_page_comes_with_its_policy(void **state)
{
	static const char *const paths[] = {
	    "/", "/ui/app.js", "/ui/style.css", "/favicon.ico"};
	struct world *w = *state;
	char policy[512], etag[512], head[600];

	for (size_t i = 0; i < NELEM(paths); i++) {
		assert_int_equal(
		    ASK(w, .method = "GET", .path = paths[i], .token = ""),
		    200);
		(void)world_field(w, "Content-Security-Policy", policy);
		assert_non_null(strstr(policy, "default-src 'none'"));
		assert_null(strstr(policy, "unsafe"));
		(void)world_field(w, "ETag", etag);
		snprintf(head, sizeof(head), "If-None-Match: %s\r\n", etag);
		assert_int_equal(ASK(w, .method = "GET", .path = paths[i],
		                     .token = "", .headers = head),
		    304);
	}
	assert_null(strstr(buf_z(&w->text), "<script>"));
}

static void an_app_in_maintenance_says_so_to_its_visitors(void **state)
{
	struct world *w = *state;

	assert_int_equal(ASK(w, .method = "PATCH", .path = "/apps/hello",
	                     .body = STR("{\"maintenance\": true}")),
	    200);
	assert_int_equal(ASK(w, .method = "GET", .path = "/account",
	                     .headers = "Host: Hello.localhost:8080\r\n"),
	    503);
	assert_non_null(strstr(buf_z(&w->text), "maintenance"));
}

static void the_owner_alone_is_told_of_the_host(void **state)
{
	struct world *w = *state;
	char token[44];

	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/platform/doctor"), 200);
	assert_int_equal(json_array_size(w->json), 2);
	assert_string_equal(
	    world_text(json_array_get(w->json, 0), "level"), "ok");
	assert_string_equal(
	    world_text(json_array_get(w->json, 1), "level"), "warning");
	assert_string_equal(
	    world_text(json_array_get(w->json, 1), "todo"), "modprobe loop");
	world_account(w, "other@localhost", "global", token);
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/platform/doctor", .token = token),
	    403);
	assert_string_equal(world_text(w->json, "message"),
	    "The owner of the platform alone may do that.");
	world_account(w, "owner@localhost", "read", token);
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/platform/doctor", .token = token),
	    403);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(without_a_token_nothing_is_answered),
	    TEST(an_app_does_not_exist_for_strangers),
	    TEST(a_helper_may_what_his_scope_says),
	    TEST(a_token_in_clear_text_from_elsewhere_is_refused),
	    TEST(no_body_is_too_strange),
	    TEST(no_field_is_too_strange),
	    TEST(no_path_is_too_strange),
	    TEST(a_body_has_a_limit),
	    TEST(rows_that_people_make_have_limits),
	    TEST(what_is_read_as_it_grows_has_a_limit),
	    TEST(a_session_counts_for_its_own_pages_alone),
	    TEST(over_tls_the_cookie_keeps_to_it),
	    TEST(the_page_comes_with_its_policy),
	    TEST(an_app_in_maintenance_says_so_to_its_visitors),
	    TEST(the_owner_alone_is_told_of_the_host),
	};

	return cmocka_run_group_tests_name("web_api", tests, NULL, NULL);
}
