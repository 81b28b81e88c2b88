/* gitd: what is pure of it, from the request's target to the report. */
/* links: gitd/ -lmicrohttpd -lz */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../gitd/advert.h"
#include "../../gitd/caps.h"
#include "../../gitd/clean.h"
#include "../../gitd/policy.h"
#include "../../gitd/queue.h"
#include "../../gitd/report.h"
#include "../../gitd/target.h"
#include "base/mem.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* --- target --------------------------------------------------------------- */

static void a_target_names_a_repository_and_a_service(void **state)
{
	static const struct {
		const char *path, *service, *name;
		enum service want;
		bool refs;
	} cases[] = {
	    {"/a.git/info/refs", "git-receive-pack", "a", SERVICE_PUSH, true},
	    {"/a/info/refs", "git-upload-pack", "a", SERVICE_FETCH, true},
	    {"/a.git/git-receive-pack", NULL, "a", SERVICE_PUSH, false},
	    {"/a/git-upload-pack", NULL, "a", SERVICE_FETCH, false},
	    {"/%61.git/git-upload-pack", NULL, "a", SERVICE_FETCH, false},
	    {"/a.git.git/git-upload-pack", NULL, "a.git", SERVICE_FETCH, false},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct target t;

		assert_int_equal(target_parse(str_z(cases[i].path),
		                     cases[i].service, &t, &err),
		    0);
		assert_string_equal(t.name, cases[i].name);
		assert_int_equal(t.service, cases[i].want);
		assert_int_equal(t.refs, cases[i].refs);
	}
}

static void nothing_else_is_a_target(void **state)
{
	static const struct {
		const char *path, *service;
		enum errc want;
	} cases[] = {
	    {"/", NULL, ERR_NOT_FOUND},
	    {"", NULL, ERR_NOT_FOUND},
	    {"/a.git", NULL, ERR_NOT_FOUND},
	    {"/a.git/HEAD", NULL, ERR_NOT_FOUND},
	    {"/a.git/objects/info/packs", NULL, ERR_NOT_FOUND},
	    {"/a.git/info/refs", NULL, ERR_FORBIDDEN},
	    {"/a.git/info/refs", "git-shell", ERR_NOT_FOUND},
	    {"/a.git/info/refs/x", "git-upload-pack", ERR_NOT_FOUND},
	    {"/.git/git-upload-pack", NULL, ERR_NOT_FOUND},
	    {"/../a.git/git-upload-pack", NULL, ERR_NOT_FOUND},
	    {"/%2e%2e/git-upload-pack", NULL, ERR_NOT_FOUND},
	    {"/a%00.git/git-upload-pack", NULL, ERR_NOT_FOUND},
	    {"//a.git/git-upload-pack", NULL, ERR_NOT_FOUND},
	    {"/a/b.git/git-upload-pack", NULL, ERR_NOT_FOUND},
	    {"/a.git/git-upload-archive", NULL, ERR_NOT_FOUND},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct target t;

		assert_int_equal(target_parse(str_z(cases[i].path),
		                     cases[i].service, &t, &err),
		    -1);
		assert_int_equal(err.code, cases[i].want);
	}
}

static void a_repository_name_has_at_most_129_bytes(void **state)
{
	char path[200];
	struct error err = {0};
	struct target t;

	(void)state;
	snprintf(path, sizeof(path), "/%0129d.git/git-upload-pack", 0);
	assert_int_equal(target_parse(str_z(path), NULL, &t, &err), 0);
	snprintf(path, sizeof(path), "/%0130d.git/git-upload-pack", 0);
	assert_int_equal(target_parse(str_z(path), NULL, &t, &err), -1);
}

static void the_highest_protocol_offered_is_taken(void **state)
{
	static const struct {
		const char *text;
		enum protocol want;
	} cases[] = {{NULL, PROTOCOL_0}, {"", PROTOCOL_0},
	    {"version=0", PROTOCOL_0}, {"version=1", PROTOCOL_1},
	    {"version=2", PROTOCOL_2}, {"version=2:version=1", PROTOCOL_2},
	    {"version=1:x=y:version=2", PROTOCOL_2}, {"version=3", PROTOCOL_0},
	    {"version=2;x", PROTOCOL_0}};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++)
		assert_int_equal(
		    target_protocol(str_z(cases[i].text)), cases[i].want);
}

/* --- capabilities, advertisement -------------------------------------------
 */

static void capabilities_are_whole_words(void **state)
{
	struct caps c;

	(void)state;
	caps_parse(STR(" report-status side-band-64k agent=git/2 atomic"), &c);
	assert_true(c.report && c.sideband && c.atomic && !c.other_hash);
	caps_parse(STR("report-status-v3 side-band atomic=1"), &c);
	assert_false(c.report || c.sideband || c.atomic);
	caps_parse(STR("report-status-v2 object-format=sha1"), &c);
	assert_true(c.report && !c.other_hash);
	caps_parse(STR("object-format=sha256"), &c);
	assert_true(c.other_hash);
	caps_parse(STR(""), &c);
	assert_false(c.report || c.other_hash);
}

static void an_empty_repository_advertises_its_capabilities(void **state)
{
	scoped_buf struct buf out = BUF_INIT(ADVERT_MAX);
	struct reflist none = {0};

	(void)state;
	advert_build(&out, &none, true, true);
	assert_true(str_starts(buf_str(&out),
	    STR("001f# service=git-receive-pack\n0000000eversion 1\n")));
	assert_int_not_equal(
	    str_find_str(buf_str(&out), STR(ID_ZERO " capabilities^{}\0")), -1);
	assert_true(str_ends(buf_str(&out), STR("\n0000")));
}

static void only_the_first_ref_carries_capabilities(void **state)
{
	scoped_buf struct buf out = BUF_INIT(ADVERT_MAX);
	scoped_reflist struct reflist refs = {0};

	(void)state;
	reflist_add(&refs, STR("refs/heads/a"), STR(ID_A));
	reflist_add(&refs, STR("refs/heads/b"), STR(ID_B));
	advert_build(&out, &refs, false, false);
	assert_int_not_equal(str_find_str(buf_str(&out),
	                         STR(ID_A " refs/heads/a\0report-status ")),
	    -1);
	assert_true(
	    str_ends(buf_str(&out), STR("003a" ID_B " refs/heads/b\n0000")));
}

/* --- policy -----------------------------------------------------------------
 */

struct wish {
	const char *name, *old, *new, *why; /* why NULL: it may move */
};

/* Judge wishes against a repository with main and topic/x at ID_A. */
static void judge(const struct policy *p, const struct wish *w, size_t n)
{
	struct commands cmds = {0};
	scoped_reflist struct reflist have = {0};

	reflist_add(&have, STR("refs/heads/main"), STR(ID_A));
	reflist_add(&have, STR("refs/heads/topic-1"), STR(ID_A));
	reflist_add(&have, STR("refs/heads/topic/x"), STR(ID_A));
	reflist_sort(&have);
	for (size_t i = 0; i < n; i++)
		commands_add(
		    &cmds, str_z(w[i].name), str_z(w[i].old), str_z(w[i].new));
	policy_check(p, &have, &cmds);
	for (size_t i = 0; i < n; i++) {
		const char *why = cmds.list[i].why;

		if (w[i].why)
			assert_non_null(why ? strstr(why, w[i].why) : NULL);
		else
			assert_null(why);
	}
	commands_release(&cmds);
}

static void a_push_moves_branches_tags_and_notes_only(void **state)
{
	static const struct wish w[] = {
	    {"refs/heads/new", ID_ZERO, ID_B, NULL},
	    {"refs/tags/v1", ID_ZERO, ID_B, NULL},
	    {"refs/notes/commits", ID_ZERO, ID_B, NULL},
	    {"refs/changes/1", ID_ZERO, ID_B, "only branches"},
	    {"refs/gitd/pending/1", ID_ZERO, ID_B, "funny"},
	    {"refs/heads/../../x", ID_ZERO, ID_B, "funny"},
	    {"refs/heads/a.lock", ID_ZERO, ID_B, "funny"},
	    {"refs/stash", ID_ZERO, ID_B, "funny"},
	    {"HEAD", ID_ZERO, ID_B, "funny"},
	    {"config", ID_ZERO, ID_B, "funny"},
	    {"", ID_ZERO, ID_B, "funny"},
	};
	struct policy platform = {.open = false};

	(void)state;
	judge(&platform, w, NELEM(w));
}

static void alone_any_ref_moves_but_a_current_branch(void **state)
{
	static const struct wish w[] = {
	    {"refs/changes/1", ID_ZERO, ID_B, NULL},
	    {"refs/gitd/x", ID_ZERO, ID_B, "funny"},
	    {"refs/stash", ID_ZERO, ID_B, "funny"},
	    {"refs/heads/main", ID_A, ID_ZERO, "current branch"},
	    {"refs/heads/topic/x", ID_A, ID_ZERO, NULL},
	};
	static const struct wish current[] = {
	    {"refs/heads/main", ID_A, ID_B, "checked out"},
	    {"refs/heads/topic/x", ID_A, ID_B, NULL},
	};
	struct policy alone = {.open = true, .head = "refs/heads/main"};

	(void)state;
	judge(&alone, w, NELEM(w));
	alone.checked_out = true;
	judge(&alone, current, NELEM(current));
}

static void a_ref_name_has_at_most_255_bytes(void **state)
{
	char fits[257], longer[258];
	const struct wish w[] = {
	    {fits, ID_ZERO, ID_B, NULL},
	    {longer, ID_ZERO, ID_B, "longer than 255"},
	};
	struct policy platform = {.open = false};

	(void)state;
	snprintf(fits, sizeof(fits), "refs/heads/%0244d", 0);
	snprintf(longer, sizeof(longer), "refs/heads/%0245d", 0);
	judge(&platform, w, NELEM(w));
}

static void old_values_must_be_the_present_ones(void **state)
{
	static const struct wish w[] = {
	    {"refs/heads/main", ID_A, ID_B, NULL},
	    {"refs/heads/topic/x", ID_B, ID_A, "moved meanwhile"},
	    {"refs/heads/topic-1", ID_ZERO, ID_B, "already exists"},
	    {"refs/heads/gone", ID_A, ID_B, "does not exist"},
	    {"refs/heads/gone2", ID_A, ID_ZERO, "does not exist"},
	};
	struct policy platform = {.open = false};

	(void)state;
	judge(&platform, w, NELEM(w));
}

static void the_deploy_branch_is_one_and_stays(void **state)
{
	static const struct wish both[] = {
	    {"refs/heads/main", ID_A, ID_B, NULL},
	    {"refs/heads/master", ID_ZERO, ID_B, "not both"},
	};
	static const struct wish away[] = {
	    {"refs/heads/main", ID_A, ID_ZERO, "can't be deleted"},
	    {"refs/heads/master", ID_ZERO, ID_B, NULL},
	};
	static const struct wish twice[] = {
	    {"refs/heads/main", ID_A, ID_B, "multiple"},
	    {"refs/heads/main", ID_A, ID_B, "multiple"},
	};
	struct policy platform = {.open = false};

	(void)state;
	judge(&platform, both, NELEM(both));
	judge(&platform, away, NELEM(away));
	judge(&platform, twice, NELEM(twice));
}

static void a_name_is_a_ref_or_a_folder(void **state)
{
	static const struct wish clash[] = {
	    {"refs/heads/topic", ID_ZERO, ID_B, "clashes"},
	    {"refs/heads/topic/x/y", ID_ZERO, ID_B, "clashes"},
	    {"refs/heads/new/a", ID_ZERO, ID_B, "clashes"},
	    {"refs/heads/new", ID_ZERO, ID_B, "clashes"},
	    {"refs/heads/topi", ID_ZERO, ID_B, NULL},
	};
	static const struct wish room[] = {
	    {"refs/heads/topic/x", ID_A, ID_ZERO, NULL},
	    {"refs/heads/topic", ID_ZERO, ID_B, NULL},
	};
	struct policy platform = {.open = false};

	(void)state;
	judge(&platform, clash, NELEM(clash));
	judge(&platform, room, NELEM(room));
}

static void a_repository_takes_20000_refs(void **state)
{
	struct policy platform = {.open = false};
	struct commands cmds = {0};
	scoped_reflist struct reflist have = {0};
	char name[40];

	(void)state;
	for (int i = 0; i < POLICY_REFS_MAX - 1; i++) {
		snprintf(name, sizeof(name), "refs/tags/%05d", i);
		reflist_add(&have, str_z(name), STR(ID_A));
	}
	commands_add(&cmds, STR("refs/tags/last"), STR(ID_ZERO), STR(ID_B));
	commands_add(&cmds, STR("refs/tags/more"), STR(ID_ZERO), STR(ID_B));
	policy_check(&platform, &have, &cmds);
	assert_null(cmds.list[0].why);
	assert_non_null(strstr(cmds.list[1].why, "more than 20000 refs"));
	commands_release(&cmds);
}

/* --- report -----------------------------------------------------------------
 */

static void a_report_names_every_ref(void **state)
{
	scoped_buf struct buf plain = BUF_INIT(4096), band = BUF_INIT(4096);
	struct caps c = {.report = true};
	struct commands cmds = {0};

	(void)state;
	commands_add(&cmds, STR("refs/heads/a"), STR(ID_ZERO), STR(ID_A));
	commands_add(&cmds, STR("refs/heads/b"), STR(ID_ZERO), STR(ID_A));
	command_refuse(&cmds.list[1], "build\nfailed");
	command_refuse(&cmds.list[1], "a later reason");
	report_end(&plain, &c, NULL, &cmds);
	assert_true(
	    str_eqz(buf_str(&plain), "000eunpack ok\n0014ok refs/heads/a\n"
	                             "0021ng refs/heads/b build failed\n0000"));
	c.sideband = true;
	report_end(&band, &c, "no pack", &cmds);
	assert_true(str_starts(buf_str(&band), STR("0051\1"
	                                           "0013unpack no pack\n")));
	assert_true(str_ends(buf_str(&band), STR("00000000")));
	commands_release(&cmds);
}

static void a_large_report_comes_in_many_lines(void **state)
{
	scoped_buf struct buf out = BUF_INIT(16u << 20);
	struct caps c = {.report = true, .sideband = true};
	struct commands cmds = {0};
	char name[200];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "refs/heads/%0150d", i);
		commands_add(&cmds, str_z(name), STR(ID_ZERO), STR(ID_A));
	}
	report_end(&out, &c, NULL, &cmds);
	assert_false(out.bad);
	assert_true(str_starts(buf_str(&out), STR("fff0\1")));
	assert_true(out.len > 160000);
	commands_release(&cmds);
}

static void what_is_said_needs_a_side_band(void **state)
{
	scoped_buf struct buf out = BUF_INIT(4096);
	struct caps c = {.report = true};

	(void)state;
	report_say(&out, &c, STR("hello"));
	report_keepalive(&out, &c);
	assert_int_equal(out.len, 0);
	c.sideband = true;
	report_say(&out, &c, STR("hello"));
	report_say(&out, &c, STR(""));
	report_keepalive(&out, &c);
	report_fatal(&out, "no");
	assert_true(str_eqz(buf_str(&out), "000a\2hello"
	                                   "0005\1"
	                                   "0008\3no\n"
	                                   "0000"));
}

/* --- clean ------------------------------------------------------------------
 */

static void the_output_of_a_build_can_do_nothing_to_a_terminal(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
	    {"plain\ttext\r\n", "plain\ttext\r\n"},
	    {"\033[1;31mred\033[0m", "red"},
	    {"\033]0;title\007after", "after"},
	    {"\033]0;never ends\nnext", "\nnext"},
	    {"\033cgone", "gone"},
	    {"a\bb\177c\001d", "abcd"},
	    {"gr\303\274n", "gr\303\274n"},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf whole = BUF_INIT(100);
		scoped_buf struct buf parts = BUF_INIT(100);
		enum clean_state s = CLEAN_TEXT;

		clean_text(&s, str_z(cases[i].in), &whole);
		assert_true(str_eqz(buf_str(&whole), cases[i].want));
		s = CLEAN_TEXT;
		for (const char *p = cases[i].in; *p; p++)
			clean_text(&s, str_make(p, 1), &parts);
		assert_true(str_eqz(buf_str(&parts), cases[i].want));
	}
}

/* --- queue ------------------------------------------------------------------
 */

struct turn {
	struct slot slot;
	int *order, number;
};

static void go(struct slot *s)
{
	struct turn *t = container_of(s, struct turn, slot);

	t->number = ++*t->order;
}

static void one_of_a_lane_runs_and_three_wait(void **state)
{
	struct lane lane = {0};
	struct queue q;
	int order = 0;
	struct turn t[4] = {0}, other = {0};

	(void)state;
	queue_init(&q, 2);
	for (int i = 0; i < 4; i++) {
		assert_true(queue_open(&lane));
		t[i] = (struct turn){
		    .slot = {.lane = &lane, .go = go}, .order = &order};
		queue_enter(&q, &t[i].slot);
	}
	assert_false(queue_open(&lane));
	other = (struct turn){.slot = {.go = go}, .order = &order};
	queue_enter(&q, &other.slot);
	assert_int_equal(t[0].number, 1);
	assert_int_equal(other.number, 2);
	queue_leave(&t[2].slot); /* it does not want to wait */
	queue_leave(&t[0].slot);
	queue_leave(&t[0].slot);
	assert_int_equal(t[1].number, 3);
	assert_int_equal(t[3].number, 0);
	queue_leave(&t[1].slot);
	assert_int_equal(t[3].number, 4);
	assert_int_equal(t[2].number, 0);
	queue_leave(&t[3].slot);
	queue_leave(&other.slot);
	assert_int_equal(q.running, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_target_names_a_repository_and_a_service),
	    cmocka_unit_test(nothing_else_is_a_target),
	    cmocka_unit_test(a_repository_name_has_at_most_129_bytes),
	    cmocka_unit_test(the_highest_protocol_offered_is_taken),
	    cmocka_unit_test(capabilities_are_whole_words),
	    cmocka_unit_test(an_empty_repository_advertises_its_capabilities),
	    cmocka_unit_test(only_the_first_ref_carries_capabilities),
	    cmocka_unit_test(a_push_moves_branches_tags_and_notes_only),
	    cmocka_unit_test(alone_any_ref_moves_but_a_current_branch),
	    cmocka_unit_test(a_ref_name_has_at_most_255_bytes),
	    cmocka_unit_test(old_values_must_be_the_present_ones),
	    cmocka_unit_test(the_deploy_branch_is_one_and_stays),
	    cmocka_unit_test(a_name_is_a_ref_or_a_folder),
	    cmocka_unit_test(a_repository_takes_20000_refs),
	    cmocka_unit_test(a_report_names_every_ref),
	    cmocka_unit_test(a_large_report_comes_in_many_lines),
	    cmocka_unit_test(what_is_said_needs_a_side_band),
	    cmocka_unit_test(
	        the_output_of_a_build_can_do_nothing_to_a_terminal),
	    cmocka_unit_test(one_of_a_lane_runs_and_three_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
