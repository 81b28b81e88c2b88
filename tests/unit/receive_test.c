/* receive: the list of refs and options that stands before a pack. */
/* links: gitd/receive/cmds.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../gitd/receive/cmds.h"
#include "base/mem.h"

#define ZERO "0000000000000000000000000000000000000000"
#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define FIRST ZERO " " ID_A " refs/heads/main"

static const struct pkt flush = {.type = PKT_FLUSH};

static struct pkt line_of(struct str data)
{
	return (struct pkt){.type = PKT_DATA, .data = data};
}

static int take_line(
    struct cmds *c, struct str data, struct cmds_line *ret, struct error *err)
{
	struct pkt pkt = line_of(data);

	return cmds_take(c, &pkt, ret, err);
}

/* Take FIRST with these capabilities. */
static struct cmds begin(uint64_t max_refs, const char *caps)
{
	struct cmds c = {.max_refs = max_refs};
	scoped_free char *text = xasprintf(FIRST "@%s\n", caps);
	struct str data = str_z(text);
	struct cmds_line line;

	text[str_find(data, '@')] = '\0';
	assert_int_equal(take_line(&c, data, &line, NULL), 0);
	return c;
}

static void a_line_names_a_ref_and_its_two_values(void **state)
{
	struct cmds c = begin(10, " report-status atomic");
	struct cmds_line line;

	(void)state;
	assert_true(str_eqz(cmds_caps(&c), " report-status atomic"));
	assert_true(c.pack);
	assert_int_equal(
	    take_line(&c, STR(ID_A " " ID_B " refs/tags/a b\n"), &line, NULL),
	    0);
	assert_int_equal(line.item, CMDS_REF);
	assert_true(str_eqz(line.old, ID_A));
	assert_true(str_eqz(line.new, ID_B));
	assert_true(str_eqz(line.name, "refs/tags/a b"));
	assert_int_equal(cmds_take(&c, &flush, &line, NULL), 0);
	assert_int_equal(line.item, CMDS_END);
	assert_int_equal(c.stage, CMDS_DONE);
	assert_int_equal(c.refs, 2);
}

static void deletes_alone_bring_no_pack(void **state)
{
	struct cmds c = {.max_refs = 10};
	struct cmds_line line;

	(void)state;
	assert_int_equal(
	    take_line(&c, STR(ID_A " " ZERO " refs/heads/a\0x"), &line, NULL),
	    0);
	assert_false(c.pack);
	assert_int_equal(
	    take_line(&c, STR(ID_A " " ID_B " refs/heads/b"), &line, NULL), 0);
	assert_true(c.pack);
}

static void malformed_lines_are_refused(void **state)
{
	static const struct str bad[] = {
	    STR(""),
	    STR("x"),
	    STR(ID_A),
	    STR(ID_A " " ID_B),
	    STR(ID_A " " ID_B " "),
	    STR(ID_A " " ID_B "\n"),
	    STR(ID_A "\t" ID_B " refs/heads/a"),
	    STR(ID_A " " ID_B "\trefs/heads/a"),
	    STR("A" ID_A " " ID_B " refs/heads/a"),
	    STR("gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " ID_B " refs/a"),
	    STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA " ID_B " refs/a"),
	    STR(ID_A " " ID_B " refs/heads/a\nb"),
	    STR(ID_A " " ID_B " refs/heads/\033[0m"),
	    STR(ID_A " " ID_B " refs/heads/a\177"),
	    STR(ID_A " " ID_B " refs/heads/a\0again"), /* not the first */
	    STR("shallow "),
	    STR("shallow " ID_A "x"),
	    STR("shallow x"),
	    STR("push-cert\0 x"),
	};

	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++) {
		struct cmds c = begin(10, "");
		struct error err = {0};
		struct cmds_line line;

		assert_int_equal(take_line(&c, bad[i], &line, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static void shallow_lines_may_come_at_any_place(void **state)
{
	struct cmds c = {.max_refs = 10};
	struct cmds_line line;

	(void)state;
	assert_int_equal(
	    take_line(&c, STR("shallow " ID_A "\n"), &line, NULL), 0);
	assert_int_equal(line.item, CMDS_SHALLOW);
	assert_true(str_eqz(line.old, ID_A));
	assert_int_equal(take_line(&c, STR(FIRST "\0 atomic"), &line, NULL), 0);
	assert_int_equal(line.item, CMDS_REF);
	assert_int_equal(take_line(&c, STR("shallow " ID_B), &line, NULL), 0);
	assert_int_equal(c.refs, 1);
}

static void options_follow_where_they_are_announced(void **state)
{
	struct cmds c = begin(10, "report-status push-options");
	struct cmds none = begin(10, "report-status push-options=1");
	struct cmds_line line;

	(void)state;
	assert_int_equal(cmds_take(&c, &flush, &line, NULL), 0);
	assert_int_equal(line.item, CMDS_LISTED);
	assert_int_equal(take_line(&c, STR("a=b\n"), &line, NULL), 0);
	assert_int_equal(line.item, CMDS_OPTION);
	assert_true(str_eqz(line.name, "a=b"));
	assert_int_equal(cmds_take(&c, &flush, &line, NULL), 0);
	assert_int_equal(line.item, CMDS_END);
	assert_int_equal(cmds_take(&none, &flush, &line, NULL), 0);
	assert_int_equal(line.item, CMDS_END);
}

static void no_refs_are_no_push(void **state)
{
	struct cmds c = {.max_refs = 10};
	struct cmds_line line;

	(void)state;
	assert_int_equal(cmds_take(&c, &flush, &line, NULL), 0);
	assert_int_equal(line.item, CMDS_END);
	assert_false(c.pack);
}

static void refs_are_counted(void **state)
{
	struct cmds c = begin(3, "");
	struct error err = {0};
	struct cmds_line line;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(take_line(&c, STR(FIRST), &line, &err), 0);
	assert_int_equal(take_line(&c, STR(FIRST), &line, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(c.refs, 3);
}

/* Text of n bytes behind head; the caller frees it. */
static char *pad(const char *head, size_t n)
{
	size_t at = strlen(head);
	char *text = xcalloc(1, at + n + 1);

	memcpy(text, head, at);
	memset(text + at, 'a', n);
	return text;
}

static void names_capabilities_and_options_are_bounded(void **state)
{
	static const char head[] = ID_A " " ID_B " ";
	struct cmds_line line;

	(void)state;
	for (size_t past = 0; past < 2; past++) {
		scoped_free char *name = pad(head, CMDS_NAME_MAX + past);
		scoped_free char *caps = pad("", CMDS_CAPS_MAX + past);
		scoped_free char *first = xasprintf(FIRST "@%s", caps);
		scoped_free char *option = pad("", CMDS_OPTION_MAX + past);
		struct cmds a = begin(9, ""), b = {.max_refs = 9},
		            c = begin(9, "push-options");
		struct str data = str_z(first);
		struct error err = {0};
		int want = past ? -1 : 0;

		assert_int_equal(take_line(&a, str_z(name), &line, &err), want);
		first[str_find(data, '@')] = '\0';
		assert_int_equal(take_line(&b, data, &line, &err), want);
		assert_int_equal(cmds_take(&c, &flush, &line, &err), 0);
		assert_int_equal(
		    take_line(&c, str_z(option), &line, &err), want);
		if (past)
			assert_int_equal(err.code, ERR_LIMIT);
	}
}

static void there_are_at_most_64_options(void **state)
{
	struct cmds c = begin(9, "push-options");
	struct error err = {0};
	struct cmds_line line;

	(void)state;
	assert_int_equal(cmds_take(&c, &flush, &line, &err), 0);
	assert_int_equal(take_line(&c, STR("a\0b"), &line, &err), -1);
	for (int i = 1; i < CMDS_OPTIONS_MAX; i++)
		assert_int_equal(take_line(&c, STR("a"), &line, &err), 0);
	assert_int_equal(take_line(&c, STR("a"), &line, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void the_whole_list_is_bounded(void **state)
{
	scoped_free char *name = pad(ID_A " " ID_B " ", 4000);
	struct cmds c = begin(UINT64_MAX, "");
	struct error err = {0};
	struct cmds_line line;
	size_t n = 0;

	(void)state;
	while (take_line(&c, str_z(name), &line, &err) == 0)
		n++;
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(n, CMDS_BYTES_MAX / (strlen(name) + 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_names_a_ref_and_its_two_values),
	    cmocka_unit_test(deletes_alone_bring_no_pack),
	    cmocka_unit_test(malformed_lines_are_refused),
	    cmocka_unit_test(shallow_lines_may_come_at_any_place),
	    cmocka_unit_test(options_follow_where_they_are_announced),
	    cmocka_unit_test(no_refs_are_no_push),
	    cmocka_unit_test(refs_are_counted),
	    cmocka_unit_test(names_capabilities_and_options_are_bounded),
	    cmocka_unit_test(there_are_at_most_64_options),
	    cmocka_unit_test(the_whole_list_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
