/* cli: which lines were seen, lines in colour. */
/* links: cli/seen.c cli/logline.c cli/sse.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../cli/logline.h"
#include "../../cli/seen.h"
#include "../../cli/sse.h"

static void what_was_seen_becomes_a_position(void **state)
{
	static struct seen s;
	scoped_buf struct buf out = BUF_INIT(LOGPOS_MAX);

	seen_put(&s, &out);
	assert_int_equal(out.len, 0);
	seen_from(&s, 100);
	seen_from(&s, 200);
	seen_put(&s, &out);
	assert_string_equal(buf_z(&out), "100;");
	seen_line(&s, STR("50.platform.3"));
	seen_line(&s, STR("60.00000000000000ff.1"));
	seen_line(&s, STR("60.platform.4"));
	seen_line(&s, STR("-"));
	buf_clear(&out);
	seen_put(&s, &out);
	assert_string_equal(buf_z(&out), "49;platform.4,00000000000000ff.1");
	assert_true(logpos_valid(buf_str(&out)));
}

static void many_streams_stay_a_position(void **state)
{
	static struct seen s;
	scoped_buf struct buf out = BUF_INIT(LOGPOS_MAX);

	for (uint64_t i = 0; i < SEEN_MAX + 50; i++) {
		char id[LOGPOS_ID_MAX];

		snprintf(id, sizeof(id), "%d.%016x.9223372036854775807",
		    (int)i + 10, (unsigned)i);
		seen_line(&s, str_z(id));
	}
	seen_put(&s, &out);
	assert_false(out.bad);
	assert_true(logpos_valid(buf_str(&out)));
	/* Of those left out only what is later would come. */
	assert_true(str_starts(buf_str(&out), STR("59;")));
}

static void a_line_is_taken_apart(void **state)
{
	scoped_buf struct buf out = BUF_INIT(4096);
	struct logline l;

	assert_true(logline_parse(
	    STR("2026-01-31T12:00:00.000000+00:00 app[web.1]: a ]: b"), &l));
	assert_true(str_eqz(l.source, "app"));
	assert_true(str_eqz(l.dyno, "web.1"));
	assert_true(str_eqz(l.text, "a ]: b"));
	assert_false(logline_parse(STR("no line"), &l));
	assert_false(logline_parse(STR(""), &l));
	logline_colour(&out, STR("t app[web.1]: hi"));
	assert_true(str_starts(buf_str(&out), STR("\033[3")));
	assert_true(str_ends(buf_str(&out), STR("]:\033[0m hi")));
}

static int note(void *arg, struct str line)
{
	struct sse *s = arg;

	assert_string_equal(s->id, str_eqz(line, "one") ? "7.platform.1" : "");
	return 0;
}

static void an_event_has_its_id_at_hand(void **state)
{
	struct sse s = SSE_INIT;
	scoped_buf struct buf in = BUF_INIT(1000);

	buf_addz(&in, ": from 99\n\nid: 7.platform.1\ndata: one\n\nid: ");
	for (int i = 0; i < 200; i++)
		buf_addc(&in, 'x');
	buf_addz(&in, "\ndata: two\n\n");
	assert_int_equal(sse_feed(&s, buf_str(&in), note, &s), 0);
	assert_string_equal(s.from, "99");
	sse_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_seen_becomes_a_position),
	    cmocka_unit_test(many_streams_stay_a_position),
	    cmocka_unit_test(a_line_is_taken_apart),
	    cmocka_unit_test(an_event_has_its_id_at_hand),
	};

	return cmocka_run_group_tests_name("cli_log", tests, NULL, NULL);
}
