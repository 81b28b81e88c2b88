/* web: what decides without sockets or rows. */
/* links: web/queue.c web/authorize.c web/vars.c web/text.c web/url.c */
/* links: web/api/route.c web/api/range.c web/api/origin.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "api/origin.h"
#include "api/range.h"
#include "api/route.h"
#include "authorize.h"
#include "queue.h"
#include "text.h"
#include "url.h"
#include "vars.h"

/* --- queue --------------------------------------------------------------- */

static void the_last_of_several_changes_goes_next(void **state)
{
	static const struct {
		const char *kinds; /* b: by a build, c: config or a way back */
		size_t want;
	} cases[] = {
	    {"b", 0},
	    {"c", 0},
	    {"cc", 1},
	    {"cccc", 3},
	    {"bc", 0},
	    {"cb", 0},
	    {"ccb", 1},
	    {"bb", 0},
	    {"bcc", 0},
	    {"ccbcc", 1},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct queued v[8] = {0};
		size_t n = strlen(cases[i].kinds);

		for (size_t k = 0; k < n; k++)
			v[k].built = cases[i].kinds[k] == 'b';
		assert_int_equal(queue_next(v, n), cases[i].want);
	}
}

static void what_waits_with_a_refused_image_is_tainted(void **state)
{
	static const struct {
		struct queued q;
		int64_t failed, live;
		bool want;
	} cases[] = {
	    {{1, 7, false}, 7, 5, true},
	    {{1, 7, true}, 7, 5, false}, /* a build's own image */
	    {{1, 5, false}, 7, 5, false},
	    {{1, 7, false}, 7, 7, false}, /* config failed, the code serves */
	};

	for (size_t i = 0; i < NELEM(cases); i++)
		assert_int_equal(queue_is_tainted(&cases[i].q, cases[i].failed,
		                     cases[i].live),
		    cases[i].want);
}

/* --- routes -------------------------------------------------------------- */

static const struct route table[] = {
    {METHOD_GET, "/apps", ACTION_APPS_READ, NULL},
    {METHOD_POST, "/apps", ACTION_APPS_CREATE, NULL},
    {METHOD_GET, "/apps/{app}", ACTION_APP_READ, NULL},
    {METHOD_GET, "/users/~/apps", ACTION_APPS_READ, NULL},
    {METHOD_POST, "/apps/{app}/dynos/{dyno}/actions/stop", ACTION_APP_WRITE,
        NULL},
};

static void a_path_leads_to_one_route(void **state)
{
	static const struct {
		enum method method;
		const char *path;
		int want; /* in table; -1 none, -2 another method */
		const char *args[2];
	} cases[] = {
	    {METHOD_GET, "/apps", 0, {0}},
	    {METHOD_GET, "/apps/", 0, {0}},
	    {METHOD_POST, "/apps", 1, {0}},
	    {METHOD_DELETE, "/apps", -2, {0}},
	    {METHOD_OTHER, "/apps/x", -2, {0}},
	    {METHOD_GET, "/apps/hello", 2, {"hello"}},
	    {METHOD_GET, "/apps/a%2Fb", 2, {"a/b"}},
	    {METHOD_GET, "/users/%7E/apps", 3, {0}},
	    {METHOD_POST, "/apps/x/dynos/web.1/actions/stop", 4,
	        {"x", "web.1"}},
	    {METHOD_GET, "/", -1, {0}},
	    {METHOD_GET, "/apps/x/y", -1, {0}},
	    {METHOD_GET, "/app", -1, {0}},
	    {METHOD_GET, "/users/x/apps", -1, {0}},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct route_match m;
		struct url_path path;
		char mem[100];

		assert_int_equal(
		    url_path_parse(str_z(cases[i].path), mem, &path, NULL), 0);
		route_match(table, NELEM(table), cases[i].method, &path, &m);
		assert_int_equal(m.route          ? m.route - table
		                 : m.other_method ? -2
		                                  : -1,
		    cases[i].want);
		for (int a = 0; a < 2 && cases[i].args[a]; a++)
			assert_true(str_eqz(m.args[a], cases[i].args[a]));
	}
}

/* --- authorize ----------------------------------------------------------- */

#define G SCOPE_GLOBAL
#define I SCOPE_IDENTITY
#define R SCOPE_READ
#define RP SCOPE_READ_PROTECTED
#define W SCOPE_WRITE
#define WP SCOPE_WRITE_PROTECTED

/* The whole table once more, as sentences: who may, and by which scopes. */
static void each_action_needs_its_scope_and_relation(void **state)
{
	static const struct {
		enum action action;
		unsigned scopes;
		enum relation least;
	} rows[] = {
	    {ACTION_ACCOUNT_READ, G | I | R | RP | W | WP, RELATION_SELF},
	    {ACTION_TOKEN_READ, G, RELATION_SELF},
	    {ACTION_TOKEN_WRITE, G, RELATION_SELF},
	    {ACTION_APPS_READ, G | R | RP | W | WP, RELATION_SELF},
	    {ACTION_APPS_CREATE, G | W | WP, RELATION_SELF},
	    {ACTION_PLATFORM_READ, G | RP | WP, RELATION_OWNER},
	    {ACTION_PLATFORM_WRITE, G | WP, RELATION_OWNER},
	    {ACTION_APP_READ, G | R | RP | W | WP, RELATION_COLLABORATOR},
	    {ACTION_APP_SECRETS, G | RP | WP, RELATION_COLLABORATOR},
	    {ACTION_APP_LOGS, G | R | RP | W | WP, RELATION_COLLABORATOR},
	    {ACTION_APP_WRITE, G | W | WP, RELATION_COLLABORATOR},
	    {ACTION_APP_CONFIGURE, G | WP, RELATION_COLLABORATOR},
	    {ACTION_APP_DEPLOY, G | W | WP, RELATION_COLLABORATOR},
	    {ACTION_APP_RUN, G | WP, RELATION_COLLABORATOR},
	    {ACTION_APP_OWN, G | W | WP, RELATION_OWNER},
	};

	assert_int_equal(NELEM(rows) + 1, ACTION_N); /* and PUBLIC */
	for (size_t i = 0; i < NELEM(rows); i++)
		for (unsigned scope = 1; scope <= SCOPE_GLOBAL; scope *= 2)
			for (int rel = RELATION_NONE; rel <= RELATION_OWNER;
			     rel++)
				assert_int_equal(
				    authorize(scope, (enum relation)rel,
				        rows[i].action),
				    (scope & rows[i].scopes) &&
				        rel >= (int)rows[i].least);
	for (int action = ACTION_PUBLIC + 1; action < ACTION_N; action++) {
		assert_false(authorize(0, RELATION_OWNER, (enum action)action));
		assert_false(authorize(
		    SCOPE_GLOBAL, RELATION_NONE, (enum action)action));
	}
	assert_true(authorize(0, RELATION_NONE, ACTION_PUBLIC));
}

static void scopes_are_known_words_only(void **state)
{
	static const struct {
		const char *in;
		unsigned want;
	} cases[] = {
	    {"global", G},
	    {"read,write", R | W},
	    {"read-protected,write-protected,identity", RP | WP | I},
	    {"", 0},
	    {"read,", 0},
	    {"Global", 0},
	    {"read,root", 0},
	};

	for (size_t i = 0; i < NELEM(cases); i++)
		assert_int_equal(
		    authorize_scopes(str_z(cases[i].in)), cases[i].want);
}

#undef G
#undef I
#undef R
#undef RP
#undef W
#undef WP

/* --- origin -------------------------------------------------------------- */

static void another_sites_request_brings_no_session(void **state)
{
	static const struct {
		const char *site, *origin;
		bool reads, changes, logs_in;
	} cases[] = {
	    /* browsers of today */
	    {"same-origin", NULL, true, true, true},
	    {"same-origin", "https://evil.example", true, true, true},
	    {"none", NULL, true, false, false},       /* typed, or a bookmark */
	    {"same-site", NULL, false, false, false}, /* an app of ours */
	    {"cross-site", NULL, false, false, false},
	    {"", NULL, false, false, false},
	    {"same-site", "http://localhost:8080", false, false, false},
	    /* older ones */
	    {NULL, "http://localhost:8080", true, true, true},
	    {NULL, "http://LOCALHOST:8080", true, true, true},
	    {NULL, "https://localhost:8080", false, false, false},
	    {NULL, "http://localhost", false, false, false},
	    {NULL, "http://hello.localhost:8080", false, false, false},
	    {NULL, "null", false, false, false},
	    {NULL, "", false, false, false},
	    /* no browser: a cookie alone changes nothing */
	    {NULL, NULL, true, false, true},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct origin o = {.site = str_z(cases[i].site),
		    .origin = str_z(cases[i].origin),
		    .proto = STR("http"),
		    .host = STR("localhost:8080")};

		assert_int_equal(
		    origin_cookie_counts(&o, false), cases[i].reads);
		assert_int_equal(
		    origin_cookie_counts(&o, true), cases[i].changes);
		assert_int_equal(origin_may_log_in(&o), cases[i].logs_in);
	}
}

static void clear_text_stays_on_this_machine(void **state)
{
	static const struct {
		const char *proto, *client;
		bool want;
	} cases[] = {
	    {"https", "203.0.113.9", true},
	    {"http", "127.0.0.1", true},
	    {"http", "127.9.8.7", true},
	    {"http", "::1", true},
	    {"http", "::ffff:127.0.0.1", true},
	    {"http", "203.0.113.9", false},
	    {"http", "127.0.0.1, 203.0.113.9", false}, /* a claim before it */
	    {"http", "203.0.113.9, 127.0.0.1", true},
	    {"http", "", false},
	    {"http", NULL, false},
	    {NULL, NULL, false},
	    {"HTTPS", "203.0.113.9", false},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct origin o = {.proto = str_z(cases[i].proto),
		    .client = str_z(cases[i].client)};

		assert_int_equal(origin_is_private(&o), cases[i].want);
	}
}

/* --- range --------------------------------------------------------------- */

static void a_range_says_how_many_and_in_which_order(void **state)
{
	static const struct {
		const char *in;
		uint64_t max;
		bool desc;
	} cases[] = {
	    {NULL, RANGE_MAX, false},
	    {"", RANGE_MAX, false},
	    {"version ..; max=15, order=desc", 15, true},
	    {"version ..; order=desc,max=1", 1, true},
	    {"id ..; max=1000;", 1000, false},
	    {"created_at ..; max=15, order=asc", 15, false},
	    {"seq ..; order=desc", RANGE_MAX, true},
	    {"id ]x..; max=5", 5, false},
	    {"version ..; max=0", RANGE_MAX, false},
	    {"version ..; max=1001", RANGE_MAX, false},
	    {"version ..; max=-1", RANGE_MAX, false},
	    {"version ..; max=1e3", RANGE_MAX, false},
	    {"version ..; max=99999999999999999999", RANGE_MAX, false},
	    {"version ..;;;,,,=,=", RANGE_MAX, false},
	    {"max=5", RANGE_MAX, false},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct range r = range_parse(str_z(cases[i].in));

		assert_int_equal(r.max, cases[i].max);
		assert_int_equal(r.desc, cases[i].desc);
	}
}

/* --- vars ---------------------------------------------------------------- */

#define ENV STR("A=1\0B=two\0EMPTY=\0")
static const struct vars_limits limits = {.value_bytes = 8, .total_bytes = 40};

static void changes_keep_the_order_and_say_what_differs(void **state)
{
	static const struct {
		struct var_change v[3];
		size_t n;
		struct str want;
		const char *what;
	} cases[] = {
	    {{{{0}, {0}, false}}, 0, ENV, ""},
	    {{{STR("A"), STR("1"), false}}, 1, ENV, ""},
	    {{{STR("A"), STR("9"), false}}, 1, STR("A=9\0B=two\0EMPTY=\0"),
	        "Set A config vars"},
	    {{{STR("C"), STR("x=y"), false}, {STR("B"), {0}, true}}, 2,
	        STR("A=1\0EMPTY=\0C=x=y\0"), "Set C, remove B config vars"},
	    {{{STR("A"), {0}, true}, {STR("NONE"), {0}, true}}, 2,
	        STR("B=two\0EMPTY=\0"), "Remove A config vars"},
	    {{{STR("NONE"), {0}, true}}, 1, ENV, ""},
	    {{{STR("EMPTY"), STR(""), false}}, 1, ENV, ""},
	    {{{STR("D"), STR(""), false}, {STR("E"), STR("5"), false}}, 2,
	        STR("A=1\0B=two\0EMPTY=\0D=\0E=5\0"), "Set D, E config vars"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf out = BUF_INIT(1000);
		scoped_buf struct buf what = BUF_INIT(1000);
		struct error err = {0};

		assert_int_equal(vars_apply(ENV, cases[i].v, cases[i].n,
		                     &limits, &out, &what, &err),
		    0);
		assert_true(str_eq(buf_str(&out), cases[i].want));
		assert_string_equal(buf_z(&what), cases[i].what);
	}
}

static void what_is_no_config_var_is_refused(void **state)
{
	static const struct {
		struct var_change c;
		enum errc want;
	} cases[] = {
	    {{STR("KEY"), STR("12345678"), false}, ERR_NONE},
	    {{STR("KEY"), STR("123456789"), false}, ERR_LIMIT},
	    {{STR("_k9"), STR(""), false}, ERR_NONE},
	    {{STR(""), STR("x"), false}, ERR_INVALID},
	    {{STR("9K"), STR("x"), false}, ERR_INVALID},
	    {{STR("A=B"), STR("x"), false}, ERR_INVALID},
	    {{STR("A\0B"), STR("x"), false}, ERR_INVALID},
	    {{STR("K"), STR("x\0y"), false}, ERR_INVALID},
	    {{STR("PORT"), STR("1"), false}, ERR_INVALID},
	    {{STR("PORT"), {0}, true}, ERR_NONE},
	    {{STR("a b"), {0}, true}, ERR_INVALID},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};

		assert_int_equal(vars_check(&cases[i].c, &limits, &err),
		    cases[i].want ? -1 : 0);
		assert_int_equal(err.code, cases[i].want);
	}
}

static void all_config_vars_have_a_limit_together(void **state)
{
	struct var_change v[4];
	scoped_buf struct buf out = BUF_INIT(1000);
	scoped_buf struct buf what = BUF_INIT(1000);
	struct error err = {0};

	/* 4 times "Kn=123456\0" is the limit of 40. */
	for (size_t i = 0; i < NELEM(v); i++)
		v[i] = (struct var_change){
		    str_make(&"K1K2K3K4"[2 * i], 2), STR("123456"), false};
	assert_int_equal(
	    vars_apply((struct str){0}, v, 4, &limits, &out, &what, &err), 0);
	v[3].value = STR("1234567");
	buf_clear(&out);
	assert_int_equal(
	    vars_apply((struct str){0}, v, 4, &limits, &out, &what, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

/* --- text ---------------------------------------------------------------- */

static void strangers_text_is_made_fit(void **state)
{
	static const struct {
		struct str in;
		const char *want;
	} cases[] = {
	    {STR("plain"), "plain"},
	    {STR("gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\x80"),
	        "gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\x80"},
	    {STR("a\x1b[31mb\0c\x7f"), "a [31mb c "},
	    {STR("\xc2\x9b"), " "},
	    {STR("\xff"), "\xef\xbf\xbd"},
	    {STR("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd"},
	    {STR("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {STR("\xf4\x90\x80\x80"),
	        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {STR("cut\xe2\x82"), "cut\xef\xbf\xbd\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf out = BUF_INIT(1000);

		text_clean(cases[i].in, &out);
		assert_string_equal(buf_z(&out), cases[i].want);
	}
}

static void a_line_is_cut_between_characters(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
	    {"", ""},
	    {"one\ntwo", "one"},
	    {"  trimmed \r\n", "trimmed"},
	    {"\nsecond", ""},
	    {"1234567", "1234567"},
	    {"12345678", "1234567"},
	    {"12345\xe2\x82\xac", "12345"},
	    {"1234\xe2\x82\xac", "1234\xe2\x82\xac"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		char out[8];

		text_line(str_z(cases[i].in), out, sizeof(out));
		assert_string_equal(out, cases[i].want);
	}
}

/* --- url ----------------------------------------------------------------- */

static void addresses_follow_the_settings(void **state)
{
	static const struct {
		const char *url, *domain, *app, *git;
	} cases[] = {
	    {"http://localhost:8080", "localhost",
	        "http://hello.localhost:8080/",
	        "http://localhost:8080/hello.git"},
	    {"https://paas.example.com", "apps.example.com",
	        "https://hello.apps.example.com/",
	        "https://paas.example.com/hello.git"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf app = BUF_INIT(1000);
		scoped_buf struct buf git = BUF_INIT(1000);
		struct settings s = {0};

		str_copy(str_z(cases[i].url), s.url, sizeof(s.url));
		str_copy(str_z(cases[i].domain), s.apps_domain,
		    sizeof(s.apps_domain));
		url_of_app(&s, "hello", &app);
		url_of_git(&s, "hello", &git);
		assert_string_equal(buf_z(&app), cases[i].app);
		assert_string_equal(buf_z(&git), cases[i].git);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_last_of_several_changes_goes_next),
	    cmocka_unit_test(what_waits_with_a_refused_image_is_tainted),
	    cmocka_unit_test(a_path_leads_to_one_route),
	    cmocka_unit_test(each_action_needs_its_scope_and_relation),
	    cmocka_unit_test(scopes_are_known_words_only),
	    cmocka_unit_test(another_sites_request_brings_no_session),
	    cmocka_unit_test(clear_text_stays_on_this_machine),
	    cmocka_unit_test(a_range_says_how_many_and_in_which_order),
	    cmocka_unit_test(changes_keep_the_order_and_say_what_differs),
	    cmocka_unit_test(what_is_no_config_var_is_refused),
	    cmocka_unit_test(all_config_vars_have_a_limit_together),
	    cmocka_unit_test(strangers_text_is_made_fit),
	    cmocka_unit_test(a_line_is_cut_between_characters),
	    cmocka_unit_test(addresses_follow_the_settings),
	};

	return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
