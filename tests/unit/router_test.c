/* router: its pure parts: heads, bodies, routes, choice, pages, log lines. */
/* links: router/head.c router/body.c router/route.c router/choose.c */
/* links: router/page.c router/logline.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../router/body.h"
#include "../../router/fleet.h"
#include "../../router/head.h"
#include "../../router/logline.h"
#include "../../router/page.h"
#include "../../router/route.h"
#include "base/mem.h"

static struct http1_head h;
static struct buf out = BUF_INIT(HEAD_OUT_MAX);

static void assert_text(struct buf *got, const char *want)
{
	assert_string_equal(buf_z(got), want);
}

/* --- requests ------------------------------------------------------------- */

static const char *rewrite(const char *head, bool upgrade, bool tls)
{
	struct head_added add = {.request_id = STR("0123456789abcdef0123"),
	    .client = STR("192.0.2.7"),
	    .port = 443,
	    .tls = tls,
	    .real_ms = 1769860800123,
	    .upgrade = upgrade};
	struct head_marks m;
	struct error err = {0};

	assert_int_equal(http1_request(str_z(head), &h, &err), strlen(head));
	buf_clear(&out);
	head_request(&out, &h, &add, &m);
	return buf_z(&out);
}

#define ADDED(proto)                                                           \
	"X-Request-Id: 0123456789abcdef0123\r\nX-Forwarded-For: 192.0.2.7\r\n" \
	"X-Forwarded-Proto: " proto "\r\nX-Forwarded-Port: 443\r\n"            \
	"X-Request-Start: 1769860800123\r\n"

static void requests_are_written_anew(void **state)
{
	assert_string_equal(rewrite("GET /x?y HTTP/1.1\r\nhost:  One.test \r\n"
	                            "COOKIE:a=b\r\nContent-Length: 007\r\n\r\n",
	                        false, false),
	    "GET /x?y HTTP/1.1\r\nHost: One.test\r\n" ADDED(
	        "http") "Via: 1.1 paas\r\nCOOKIE: a=b\r\nContent-Length: "
	                "7\r\n\r\n");
	assert_string_equal(rewrite("POST http://b.test?q HTTP/1.1\r\n"
	                            "Host: a.test\r\n"
	                            "Transfer-Encoding: CHUNKED\r\n\r\n",
	                        false, true),
	    "POST /?q HTTP/1.1\r\nHost: b.test\r\n" ADDED(
	        "https") "Via: 1.1 paas\r\nTransfer-Encoding: chunked\r\n\r\n");
	assert_string_equal(
	    rewrite("GET / HTTP/1.0\r\nHost: a\r\n\r\n", false, false),
	    "GET / HTTP/1.1\r\nHost: a\r\n" ADDED(
	        "http") "Via: 1.0 paas\r\n\r\n");
}

static void what_belongs_to_one_hop_stays_there(void **state)
{
	static const char *const hop[] = {"Keep-Alive: 5", "TE: trailers",
	    "Proxy-Connection: close", "Proxy-Authorization: x", "Trailer: X",
	    "HTTP2-Settings: AA", "Connection: close", "Upgrade: h2c",
	    "Forwarded: for=1", "X-Forwarded-For: 1", "x-forwarded-host: 1",
	    "X_Forwarded_Proto: 1", "X-Real-Ip: 1", "X-Request-Start: 1",
	    "X-Request-Id: 1", "Proxy: 1", "content_length: 1"};

	for (size_t i = 0; i < NELEM(hop); i++) {
		char head[200];

		snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", hop[i]);
		assert_string_equal(rewrite(head, false, false),
		    "GET / HTTP/1.1\r\nHost: a\r\n" ADDED(
		        "http") "Via: 1.1 paas\r\n\r\n");
	}
	assert_string_equal(
	    rewrite("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
	            "Connection: x-gone, Host, content-length\r\n"
	            "X-Gone: 1\r\n\r\n",
	        false, false),
	    "GET / HTTP/1.1\r\nHost: a\r\n" ADDED(
	        "http") "Via: 1.1 paas\r\nContent-Length: 3\r\n\r\n");
}

static void an_upgrade_is_passed_on_when_wanted(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n"
	                           "Connection: Upgrade\r\n"
	                           "Upgrade: WebSocket\r\n\r\n";

	assert_non_null(strstr(rewrite(head, true, false),
	    "Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"));
	assert_null(strstr(rewrite(head, false, false), "pgrade"));
}

static void request_ids_are_kept_when_they_look_like_some(void **state)
{
	char id[REQUEST_ID_MAX + 2];

	memset(id, 'a', sizeof(id));
	assert_false(head_request_id_ok(str_make(id, 19)));
	assert_true(head_request_id_ok(str_make(id, 20)));
	assert_true(head_request_id_ok(str_make(id, REQUEST_ID_MAX)));
	assert_false(head_request_id_ok(str_make(id, REQUEST_ID_MAX + 1)));
	assert_false(head_request_id_ok(STR("0123456789abcdef012 ")));
	assert_false(head_request_id_ok(STR("0123456789abcdef012\"")));
}

/* --- answers -------------------------------------------------------------- */

static const char *answer(const char *head, const struct head_answer *how)
{
	struct error err = {0};

	assert_int_equal(
	    http1_response(str_z(head), false, &h, &err), strlen(head));
	buf_clear(&out);
	head_response(&out, &h, how);
	return buf_z(&out);
}

static void answers_are_written_anew(void **state)
{
	struct head_answer how = {.date = STR("NOW")};

	assert_string_equal(
	    answer("HTTP/1.1 200 Fine\r\nContent-Length: 05\r\n"
	           "Connection: keep-alive, x-gone\r\nKeep-Alive: 5\r\n"
	           "X-Gone: 1\r\nServer: s\r\n\r\n",
	        &how),
	    "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nServer: s\r\n"
	    "Via: 1.1 paas\r\nDate: NOW\r\n\r\n");
	how.chunked = how.close = true;
	assert_string_equal(
	    answer("HTTP/1.0 200 OK\r\nDate: then\r\n\r\n", &how),
	    "HTTP/1.1 200 OK\r\nDate: then\r\nVia: 1.0 paas\r\n"
	    "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
	how = (struct head_answer){.date = STR("NOW"), .keep = true};
	assert_string_equal(
	    answer("HTTP/1.1 204 \r\nContent-Length: 3\r\n\r\n", &how),
	    "HTTP/1.1 204 \r\nVia: 1.1 paas\r\nDate: NOW\r\n"
	    "Connection: keep-alive\r\n\r\n");
	how = (struct head_answer){0};
	assert_string_equal(
	    answer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", &how),
	    "HTTP/1.1 103 Early Hints\r\nLink: x\r\nVia: 1.1 paas\r\n\r\n");
	how.upgrade = true;
	assert_string_equal(answer("HTTP/1.1 101 S\r\nUpgrade: websocket\r\n"
	                           "Connection: upgrade\r\n\r\n",
	                        &how),
	    "HTTP/1.1 101 S\r\nVia: 1.1 paas\r\nConnection: Upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n");
}

static void no_app_sets_a_cookie_for_all_of_them(void **state)
{
	static const struct {
		const char *cookie;
		bool passes;
	} cases[] = {
	    {"a=b", true},
	    {"a=b; Path=/; Secure", true},
	    {"a=b; Domain=me.apps.test", true},
	    {"a=b; Domain=shop.test", true},
	    {"a=b; Domain=pps.test", true},
	    {"a=b; Domain=", true},
	    {"a=b; Domain", true},
	    {"Domain=apps.test", true}, /* its name */
	    {"a=b; Domain=apps.test", false},
	    {"a=b;domain=.APPS.test", false},
	    {"a=b; Domain=x.test; DOMAIN = apps.test ;Path=/", false},
	    {"a=b; Domain=apps.test.", false},
	    {"a=b; Domain=test", false},
	    {"", true},
	    {";;=;", true},
	};
	struct head_answer how = {
	    .date = STR("NOW"), .apps_domain = STR("apps.test")};

	for (size_t i = 0; i < NELEM(cases); i++) {
		char head[200];

		snprintf(head, sizeof(head),
		    "HTTP/1.1 204 OK\r\nX: y\r\nSet-Cookie: %s\r\n\r\n",
		    cases[i].cookie);
		assert_int_equal(
		    strstr(answer(head, &how), "Set-Cookie") != NULL,
		    cases[i].passes);
		assert_non_null(strstr(buf_z(&out), "X: y\r\n"));
	}
	how.apps_domain = (struct str){0}; /* alone: nobody's business */
	assert_non_null(strstr(
	    answer(
	        "HTTP/1.1 204 OK\r\nSet-Cookie: a=b; Domain=x\r\n\r\n", &how),
	    "Set-Cookie: a=b; Domain=x\r\n"));
}

static void dates_are_of_http(void **state)
{
	char date[30];

	head_date(1769860800, date);
	assert_string_equal(date, "Sat, 31 Jan 2026 12:00:00 GMT");
}

/* --- bodies --------------------------------------------------------------- */

static void bodies_end_where_their_framing_says(void **state)
{
	char text[] = "abcdefgh";
	struct error err = {0};
	struct body b;
	size_t got;

	body_begin(&b, HTTP1_NO_BODY, 0);
	assert_true(b.done);
	assert_int_equal(body_take(&b, text, 8, &got, &err), 0);
	body_begin(&b, HTTP1_LENGTH, 0);
	assert_true(b.done);
	body_begin(&b, HTTP1_LENGTH, 10);
	assert_int_equal(body_take(&b, text, 8, &got, &err), 8);
	assert_false(b.done);
	assert_int_equal(body_take(&b, text, 8, &got, &err), 2);
	assert_int_equal(got, 2);
	assert_true(b.done);
	assert_int_equal(b.bytes, 10);
	body_begin(&b, HTTP1_TO_END, 0);
	assert_int_equal(body_take(&b, text, 8, &got, &err), 8);
	assert_false(b.done);
}

static void chunks_are_taken_and_made(void **state)
{
	char text[] = "5;x\r\nhello\r\n0\r\nT: y\r\n\r\nGET";
	struct iovec parts[BODY_PARTS];
	struct body_size size;
	struct error err = {0};
	struct body b;
	size_t got;

	body_begin(&b, HTTP1_CHUNKED, 0);
	assert_int_equal(body_take(&b, text, sizeof(text) - 1, &got, &err),
	    sizeof(text) - 1 - 3);
	assert_int_equal(got, 5);
	assert_memory_equal(text, "hello", 5);
	assert_true(b.done);
	assert_int_equal(b.bytes, 5);

	assert_int_equal(
	    body_parts(str_make(text, got), true, true, &size, parts), 3);
	assert_int_equal(parts[0].iov_len, 3);
	assert_memory_equal(parts[0].iov_base, "5\r\n", 3);
	assert_int_equal(parts[2].iov_len, 7);
	assert_memory_equal(parts[2].iov_base, "\r\n0\r\n\r\n", 7);
	assert_int_equal(
	    body_parts(str_make(text, 0xabcdef0), true, false, &size, parts),
	    3);
	assert_memory_equal(parts[0].iov_base, "abcdef0\r\n", 9);
	assert_int_equal(
	    body_parts(str_make(text, 4), false, true, &size, parts), 1);
	assert_int_equal(
	    body_parts((struct str){0}, true, true, &size, parts), 1);
	assert_int_equal(
	    body_parts((struct str){0}, true, false, &size, parts), 0);
	assert_int_equal(
	    body_parts((struct str){0}, false, true, &size, parts), 0);
}

/* --- routes --------------------------------------------------------------- */

static void tables_find_what_was_set(void **state)
{
	struct route_set *set = route_set_new();
	struct route_table *t;
	struct route to = {ROUTE_APP, 0}, found;
	char host[40];

	for (uint64_t i = 0; i < 3000; i++) {
		snprintf(host, sizeof(host), "app%d.test", (int)i);
		to.app = i;
		route_set_put(set, str_z(host), to);
	}
	to.app = 77777;
	route_set_put(set, STR("app9.test"), to); /* replaces */
	route_set_drop(set, STR("app5.test"));
	route_set_drop(set, STR("unknown"));
	t = route_table_new(set);
	for (uint64_t i = 0; i < 3000; i++) {
		snprintf(host, sizeof(host), "app%d.test", (int)i);
		assert_int_equal(route_find(t, str_z(host), &found), i != 5);
		if (i != 5)
			assert_int_equal(found.app, i == 9 ? 77777 : i);
	}
	assert_false(route_find(t, STR("app"), &found));
	assert_false(route_find(t, STR(""), &found));
	assert_true(str_eqz(route_host_of(t, 77777), "app9.test"));
	assert_int_equal(route_host_of(t, 5).len, 0);
	route_set_clear(set);
	assert_true(route_find(t, STR("app1.test"), &found)); /* a copy */
	route_table_free(t);
	t = route_table_new(set);
	assert_false(route_find(t, STR("app1.test"), &found));
	route_table_free(t);
	route_set_free(set);
}

static void hosts_have_one_form(void **state)
{
	static const struct {
		const char *in, *want;
		bool ip;
	} cases[] = {
	    {"a.test", "a.test", false},
	    {"A.Test:8080", "a.test", false},
	    {"a.test.", "a.test", false},
	    {"a.test.:80", "a.test", false},
	    {"a.test:", "a.test", false},
	    {"a1", "a1", false},
	    {"127.0.0.1:80", "127.0.0.1", true},
	    {"127.0.0.1", "127.0.0.1", true},
	    {"[::1]:80", "[::1]", true},
	    {"[::1]", "[::1]", true},
	    {"[]", "[]", false},
	    {"::1", ":", false},
	    {"1.2.3", "1.2.3", false},
	    {"", "", false},
	    {".", "", false},
	    {":80", "", false},
	};
	char mem[254], longest[260];

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct str got = host_plain(str_z(cases[i].in), mem);

		assert_true(str_eqz(got, cases[i].want));
		assert_int_equal(host_is_ip(got), cases[i].ip);
	}
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(host_plain(str_make(longest, 253), mem).len, 253);
	assert_int_equal(host_plain(str_make(longest, 254), mem).len, 0);
}

static void paths_are_told_apart(void **state)
{
	static const char *const git[] = {
	    "/a.git/info/refs?service=x", "/a.git/", "/.x.git/y"};
	static const char *const web[] = {"/", "/a.git", "/.git/x", "/a/b.git/",
	    "/x?y=a.git/z", "/x?.git/", "*", "", "/a.git?x/"};

	for (size_t i = 0; i < NELEM(git); i++)
		assert_true(path_is_git(str_z(git[i])));
	for (size_t i = 0; i < NELEM(web); i++)
		assert_false(path_is_git(str_z(web[i])));
	assert_true(str_eqz(
	    path_secret(STR("/attach/0123456789abcdef")), "0123456789abcdef"));
	assert_int_equal(path_secret(STR("/attach/short")).len, 0);
	assert_int_equal(path_secret(STR("/attach/0123456789abcde/")).len, 0);
	assert_int_equal(path_secret(STR("/Attach/0123456789abcdef")).len, 0);
}

/* --- choice --------------------------------------------------------------- */

#define N 4
static struct target targets[N], *serving[N];
static struct app app;

static void set_app(size_t n)
{
	memset(targets, 0, sizeof(targets));
	memset(&app, 0, sizeof(app));
	for (size_t i = 0; i < N; i++) {
		serving[i] = &targets[i];
		targets[i].id = i + 1;
		targets[i].by_jail = true;
		targets[i].nstock = 1;
	}
	app.serving = serving;
	app.nserving = n;
}

/* How often each is chosen in many tries. */
static void choose_often(uint64_t avoid, unsigned ret_times[N + 1])
{
	uint64_t random = 1;

	memset(ret_times, 0, (N + 1) * sizeof(unsigned));
	for (int i = 0; i < 4000; i++) {
		struct target *t = app_choose(&app, 1000, avoid, random);

		ret_times[t ? t->id - 1 : N]++;
		random = random * 6364136223846793005u + 1442695040888963407u;
	}
}

static void all_that_serve_are_chosen(void **state)
{
	unsigned times[N + 1];

	set_app(N);
	choose_often(0, times);
	for (size_t i = 0; i < N; i++)
		assert_in_range(times[i], 700, 1300);
	targets[2].active = 1; /* wins only against none */
	choose_often(0, times);
	assert_int_equal(times[2], 0);
	assert_int_equal(times[N], 0);
	set_app(1);
	choose_often(0, times);
	assert_int_equal(times[0], 4000);
	set_app(0);
	choose_often(0, times);
	assert_int_equal(times[N], 4000);
}

static void what_can_not_take_a_request_is_not_chosen(void **state)
{
	unsigned times[N + 1];

	set_app(N);
	targets[0].nstock = 0;
	targets[1].refused_until_ms = 1001;
	targets[2].nstock = 0;
	targets[2].nidle = 1;
	targets[3].active = 100;
	choose_often(0, times);
	assert_int_equal(times[0] + times[1] + times[N], 0);
	assert_true(times[2] > 0 && times[3] > 0);
	choose_often(3, times); /* the one that just refused */
	assert_int_equal(times[3], 4000);
	targets[3].nstock = 0;
	choose_often(3, times); /* unless there is no other */
	assert_int_equal(times[2], 4000);
	targets[2].nidle = 0;
	choose_often(3, times);
	assert_int_equal(times[N], 4000);
	targets[0].by_jail = false; /* with an address of ours */
	choose_often(0, times);
	assert_int_equal(times[0], 4000);
	targets[1].refused_until_ms = 1000;
	targets[0].by_jail = true;
	choose_often(0, times);
	assert_int_equal(times[1], 4000);
}

static bool serves(const struct app *a, const struct target *t)
{
	for (size_t i = 0; i < a->nserving; i++)
		if (a->serving[i] == t)
			return true;
	return false;
}

/* Whatever is not ready, requests go somewhere as long as one may serve. */
static void readiness_never_leaves_an_app_without_a_target(void **state)
{
	struct target all[N] = {0};
	struct app a = {0};
	uint64_t random = 7;

	(void)state;
	list_init(&a.targets);
	for (size_t i = 0; i < N; i++)
		list_add(&a.targets, &all[i].of_app);
	for (int turn = 0; turn < 20000; turn++) {
		struct target *t;
		size_t may = 0, ready = 0;

		random = random * 6364136223846793005u + 1442695040888963407u;
		t = &all[random >> 33 & (N - 1)];
		if (random >> 40 & 1)
			t->unready = !t->unready;
		else
			t->state = (enum target_state)(random >> 41 & 3);
		t->gone = (random >> 44 & 7) == 0;
		app_count_targets(&a);
		for (size_t i = 0; i < N; i++) {
			bool is = !all[i].gone && all[i].state == TARGET_SERVE;

			may += is;
			ready += is && !all[i].unready;
			assert_true(is || !serves(&a, &all[i]));
			assert_true(
			    !is || all[i].unready || serves(&a, &all[i]));
		}
		assert_int_equal(a.nserving, ready ? ready : may);
	}
	free(a.serving);
}

static void what_becomes_of_a_request(void **state)
{
	static const struct {
		size_t nserving;
		unsigned nchecking;
		bool known;
		enum app_front front;
		enum place want;
	} cases[] = {
	    {1, 0, false, FRONT_CRASHED, PLACE_SERVE},
	    {0, 0, false, FRONT_NONE, PLACE_HOLD},
	    {0, 0, false, FRONT_CRASHED, PLACE_HOLD},
	    {0, 0, true, FRONT_NONE, PLACE_NONE},
	    {0, 0, true, FRONT_HOLD, PLACE_HOLD},
	    {0, 0, true, FRONT_ASLEEP, PLACE_HOLD},
	    {0, 0, true, FRONT_CRASHED, PLACE_CRASHED},
	    {0, 1, true, FRONT_CRASHED, PLACE_HOLD},
	    {0, 1, true, FRONT_NONE, PLACE_HOLD},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct app a = {.nserving = cases[i].nserving,
		    .nchecking = cases[i].nchecking,
		    .front = cases[i].front};

		assert_int_equal(app_place(&a, cases[i].known), cases[i].want);
	}
}

/* --- pages and log lines -------------------------------------------------- */

static void pages_are_whole_answers(void **state)
{
	for (int code = H_NONE; code < H_N; code++) {
		for (int form = 0; form < 4; form++) {
			struct page p = {.status = 503,
			    .code = (enum hcode)code,
			    .text = page_text((enum hcode)code),
			    .json = form & 1,
			    .body = form & 2,
			    .date = "NOW"};
			struct error err = {0};
			ssize_t n;
			size_t body;

			buf_clear(&out);
			body = page_write(&out, &p);
			n = http1_response(buf_str(&out), !p.body, &h, &err);
			assert_true(n > 0 && h.has_length && h.status == 503);
			assert_int_equal((size_t)n + body, out.len);
			assert_int_equal(body, p.body ? h.length : 0);
			if (p.body && code != H_NONE)
				assert_non_null(strstr(
				    buf_z(&out) + n, hcode_name(p.code)));
		}
	}
}

static void pages_say_what_becomes_of_the_connection(void **state)
{
	struct page p = {
	    .status = 404, .text = "No.", .json = true, .body = true};

	p.date = "NOW";
	p.close = true;
	buf_clear(&out);
	(void)page_write(&out, &p);
	assert_text(&out, "HTTP/1.1 404 Not Found\r\nDate: NOW\r\n"
	                  "Content-Type: application/json; charset=utf-8\r\n"
	                  "Content-Length: 35\r\nCache-Control: no-store\r\n"
	                  "Connection: close\r\n\r\n"
	                  "{\"id\":\"not_found\",\"message\":\"No.\"}\n");
}

static void log_lines_are_those_of_heroku(void **state)
{
	struct logline l = {.method = STR("GET"),
	    .path = STR("/a\"b"),
	    .host = STR("a.test"),
	    .request_id = STR("id"),
	    .client = STR("192.0.2.7"),
	    .dyno = STR("web.1"),
	    .connect_ms = 1,
	    .service_ms = 18,
	    .bytes = 13,
	    .status = 200};

	buf_clear(&out);
	logline_write(&out, &l);
	assert_text(&out,
	    "at=info method=GET path=\"/a%22b\" host=a.test request_id=id "
	    "fwd=\"192.0.2.7\" dyno=web.1 connect=1ms service=18ms status=200 "
	    "bytes=13 protocol=http");
	l.code = H14;
	l.dyno = (struct str){0};
	l.status = 503;
	buf_clear(&out);
	logline_write(&out, &l);
	assert_text(&out,
	    "at=error code=H14 desc=\"No web processes running\" method=GET "
	    "path=\"/a%22b\" host=a.test request_id=id fwd=\"192.0.2.7\" dyno= "
	    "connect= service= status=503 bytes=13 protocol=http");
}

static void no_request_is_too_long_for_the_log(void **state)
{
	static char quotes[HTTP1_LINE_MAX];
	struct str longest = str_make(quotes, sizeof(quotes));
	struct logline l = {.method = longest,
	    .path = longest,
	    .host = longest,
	    .request_id = longest,
	    .client = STR("192.0.2.7"),
	    .dyno = STR("web.1")};
	struct buf line = BUF_INIT(16384); /* as router.c has it */

	memset(quotes, '"', sizeof(quotes));
	logline_write(&line, &l);
	assert_false(line.bad);
	buf_release(&line);
}

static int tear_down(void **state)
{
	buf_release(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_are_written_anew),
	    cmocka_unit_test(what_belongs_to_one_hop_stays_there),
	    cmocka_unit_test(an_upgrade_is_passed_on_when_wanted),
	    cmocka_unit_test(request_ids_are_kept_when_they_look_like_some),
	    cmocka_unit_test(answers_are_written_anew),
	    cmocka_unit_test(no_app_sets_a_cookie_for_all_of_them),
	    cmocka_unit_test(dates_are_of_http),
	    cmocka_unit_test(bodies_end_where_their_framing_says),
	    cmocka_unit_test(chunks_are_taken_and_made),
	    cmocka_unit_test(tables_find_what_was_set),
	    cmocka_unit_test(hosts_have_one_form),
	    cmocka_unit_test(paths_are_told_apart),
	    cmocka_unit_test(all_that_serve_are_chosen),
	    cmocka_unit_test(what_can_not_take_a_request_is_not_chosen),
	    cmocka_unit_test(readiness_never_leaves_an_app_without_a_target),
	    cmocka_unit_test(what_becomes_of_a_request),
	    cmocka_unit_test(pages_are_whole_answers),
	    cmocka_unit_test(pages_say_what_becomes_of_the_connection),
	    cmocka_unit_test(log_lines_are_those_of_heroku),
	    cmocka_unit_test(no_request_is_too_long_for_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
