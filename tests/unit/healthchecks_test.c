/* healthchecks: what app.json may declare, and what is said of the rest. */
/* links: web/healthchecks.c -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../web/healthchecks.h"
#include "base/buf.h"
#include "ipc/msg.h"
#include "wire/check.h"

/* JSON with ' for ", as the value of "healthchecks". */
static int read_text(
    const char *text, struct healthchecks **ret, struct error *err)
{
	scoped_buf struct buf json = BUF_INIT(1 << 20);

	buf_addf(&json, "{'healthchecks':%s}", text);
	for (size_t i = 0; i < json.len; i++)
		json.p[i] = json.p[i] == '\'' ? '"' : json.p[i];
	return healthchecks_read(buf_str(&json), ret, err);
}

/* The checks of a type, parsed as plan and the router do. */
static size_t checks_of(
    const struct healthchecks *h, const char *type, struct check out[8])
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_WANT, 0);
	struct frame f;
	struct str value;
	uint16_t tag;
	size_t pos = 0, n = 0;

	healthchecks_put(h, str_z(type), &o);
	assert_int_equal(frame_parse(buf_str(&o.bytes), &f, NULL), 0);
	while (frame_next(&f, &pos, &tag, &value)) {
		assert_int_equal(tag, F_CHECK);
		assert_int_equal(check_parse(value, &out[n++], NULL), 0);
	}
	return n;
}

static bool is_web(void *arg, struct str type)
{
	return str_eqz(type, "web");
}

static void without_any_there_are_none(void **state)
{
	static const char *const none[] = {
	    "", "{}", "{\"cron\":[]}", "no JSON"};
	struct healthchecks *h;
	struct check c[8];

	for (size_t i = 0; i < NELEM(none); i++) {
		assert_int_equal(
		    healthchecks_read(str_z(none[i]), &h, NULL), 0);
		assert_null(h);
		assert_int_equal(checks_of(h, "web", c), 0);
		assert_null(healthchecks_stranger(h, is_web, NULL));
		healthchecks_free(h);
	}
}

static void checks_have_defaults(void **state)
{
	struct healthchecks *h;
	struct check c[8];

	assert_int_equal(read_text("{'web':[{},{'type':'liveness','path':'/l'},"
	                           "{'type':'readiness','interval':2}],"
	                           "'worker':[{'uptime':7}]}",
	                     &h, NULL),
	    0);
	assert_int_equal(checks_of(h, "web", c), 3);
	assert_string_equal(c[0].path, "/");
	assert_int_equal(c[0].type, CHECK_STARTUP);
	assert_int_equal(c[0].interval_s, 5);
	assert_int_equal(c[0].attempts, 3);
	assert_int_equal(c[1].interval_s, 10);
	assert_int_equal(c[2].interval_s, 2);
	assert_int_equal(checks_of(h, "worker", c), 1);
	assert_int_equal(c[0].means, CHECK_UPTIME);
	assert_int_equal(c[0].uptime_s, 7);
	assert_string_equal(healthchecks_stranger(h, is_web, NULL), "worker");
	healthchecks_free(h);
}

static void dokkus_words_are_understood(void **state)
{
	struct healthchecks *h;
	struct check c[8];

	assert_int_equal(
	    read_text(
	        "{'web':[{'type':'startup','name':'web check',"
	        "'description':'d','path':'/p','attempts':5,'timeout':6,"
	        "'wait':7,'initialDelay':8,'content':'hi','port':5000,"
	        "'scheme':'http','httpHeaders':[{'name':'X-A','value':'b'}]"
	        "},{'listening':true}]}",
	        &h, NULL),
	    0);
	assert_int_equal(checks_of(h, "web", c), 2);
	assert_string_equal(c[0].name, "web check");
	assert_string_equal(c[0].headers, "X-A: b\r\n");
	assert_string_equal(c[0].content, "hi");
	assert_int_equal(c[0].interval_s, 7);
	assert_int_equal(c[0].grace_s, 8);
	assert_int_equal(c[0].port, 5000);
	assert_int_equal(c[1].means, CHECK_LISTEN);
	healthchecks_free(h);
}

static void what_is_wrong_is_told_with_what_to_write(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
	    {"[]", "has to be an object"},
	    {"5", "has to be an object"},
	    {"{'web':{}}", "has to be a list"},
	    {"{'we b':[]}", "has to be a list"},
	    {"{'web':[5]}", "a check is an object"},
	    {"{'web':[{},{'x':1}]}", "web[1]: unknown key \"x\""},
	    {"{'web':[{'type':'start'}]}", "\"startup\", \"readiness\""},
	    {"{'web':[{'path':'x'}]}", "begin with /"},
	    {"{'web':[{'path':'/a b'}]}", "begin with /"},
	    {"{'web':[{'path':'/a\\n'}]}", "begin with /"},
	    {"{'web':[{'path':5}]}", "begin with /"},
	    {"{'web':[{'attempts':0}]}", "from 1 to 100"},
	    {"{'web':[{'attempts':101}]}", "from 1 to 100"},
	    {"{'web':[{'timeout':1.5}]}", "timeout has to be a whole"},
	    {"{'web':[{'timeout':'5'}]}", "timeout has to be a whole"},
	    {"{'web':[{'interval':3601}]}", "from 1 to 3600"},
	    {"{'web':[{'port':65536}]}", "port has"},
	    {"{'web':[{'scheme':'https'}]}", "plain HTTP"},
	    {"{'web':[{'command':'x'}]}", "run a command"},
	    {"{'web':[{'listening':1}]}", "true or false"},
	    {"{'web':[{'description':1}]}", "has to be text"},
	    {"{'web':[{'httpHeaders':{}}]}", "has to be a list"},
	    {"{'web':[{'httpHeaders':[{'name':'a:','value':''}]}]}", "X-Name"},
	    {"{'web':[{'httpHeaders':[{'name':'a','value':'b\\r'}]}]}",
	        "X-Name"},
	    {"{'web':[{'httpHeaders':[{'name':'HOST','value':'b'}]}]}",
	        "set by the platform"},
	    {"{'web':[{'uptime':5,'path':'/'}]}", "either a path"},
	    {"{'web':[{'uptime':5,'type':'liveness'}]}", "type startup"},
	    {"{'worker':[{'path':'/'}]}", "only web is asked"},
	    {"{'worker':[{'listening':true}]}", "only web is asked"},
	    {"{'web':[{},{},{},{},{},{},{},{},{}]}", "more than 8"},
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct healthchecks *h = NULL;

		if (read_text(cases[i].text, &h, &err) != -1)
			fail_msg("taken: %s", cases[i].text);
		assert_null(h);
		assert_int_equal(err.code, ERR_INVALID);
		if (!strstr(err.msg, cases[i].why))
			fail_msg("no \"%s\" in: %s", cases[i].why, err.msg);
	}
}

/* A check with a path and a content of so many bytes. */
static int read_long(int path, int content)
{
	scoped_buf struct buf text = BUF_INIT(1 << 20);
	struct healthchecks *h = NULL;
	int done;

	buf_addf(&text, "{'web':[{'path':'/%0*d','content':'%0*d'}]}", path - 1,
	    0, content, 0);
	done = read_text(buf_z(&text), &h, NULL);
	healthchecks_free(h);
	return done;
}

static void texts_have_their_limits(void **state)
{
	assert_int_equal(read_long(CHECK_PATH_MAX, 1), 0);
	assert_int_equal(read_long(CHECK_PATH_MAX + 1, 1), -1);
	assert_int_equal(read_long(2, CHECK_CONTENT_MAX), 0);
	assert_int_equal(read_long(2, CHECK_CONTENT_MAX + 1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_any_there_are_none),
	    cmocka_unit_test(checks_have_defaults),
	    cmocka_unit_test(dokkus_words_are_understood),
	    cmocka_unit_test(what_is_wrong_is_told_with_what_to_write),
	    cmocka_unit_test(texts_have_their_limits),
	};

	return cmocka_run_group_tests_name("healthchecks", tests, NULL, NULL);
}
