/* web: pushes, releases and their ends, frame by frame. */
/* links: web/ web/api/ web/store/ web/ui/ tests/unit/web_world.c */
/* links: -lmicrohttpd -lsqlite3 -ljansson -lcrypto */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "web_world.h"

static int set_up(void **state)
{
	*state = world_new();
	return 0;
}

static int tear_down(void **state)
{
	world_free(*state);
	return 0;
}

static unsigned config(struct world *w, const char *body)
{
	return ASK(w, .method = "PATCH", .path = "/apps/hello/config-vars",
	    .body = str_z(body));
}

/* The build's log so far. */
static const char *log_of(const struct pushed *p, char mem[8192])
{
	ssize_t n = pread(p->log, mem, 8191, 0);

	mem[n > 0 ? n : 0] = '\0';
	return mem;
}

/* A WANT of this slot and release, its environment in env. */
static void expect_want(struct world *w, enum want_slot slot, uint64_t release,
    char image, struct str env)
{
	const struct frame *f = world_expect(w, ROLE_PLAN, MSG_WANT);
	scoped_buf struct buf got = BUF_INIT(1u << 20);

	assert_int_equal(frame_u64(f, F_SLOT), slot);
	assert_int_equal(frame_u64(f, F_RELEASE), release);
	assert_int_equal(frame_str(f, F_IMAGE).p[0], image);
	world_read_fd(f, 0, &got);
	assert_true(str_eq(buf_str(&got), env));
}

/* --- pushes -------------------------------------------------------------- */

static void a_push_goes_live_and_is_decided_after_it(void **state)
{
	struct world *w = *state;
	char why[256], log[8192];
	const struct frame *f;
	struct pushed p;

	assert_int_equal(ASK(w, .method = "POST", .path = "/apps",
	                     .body = STR("{\"name\": \"hello\"}")),
	    201);
	p = world_push(w, '1', "");
	f = world_expect(w, ROLE_BUILDER, MSG_BUILD_START);
	assert_int_equal(frame_u64(f, F_BUILD), p.build);
	assert_int_equal(f->nfds, 2);
	assert_true(fcntl(f->fds[0], F_GETFL) & O_APPEND);
	world_built(w, p.build, '1');
	expect_want(w, WANT_NEXT, 1, '1', STR(""));
	assert_true(world_without(w, ROLE_GITD, MSG_PUSH_DECIDED));
	world_live(w, 1);
	expect_want(w, WANT_LIVE, 1, '1', STR(""));
	(void)world_expect(w, ROLE_PLAN, MSG_WANT_DROP);
	assert_int_equal(world_decided(w, &p, why), PUSH_ACCEPTED);
	assert_non_null(strstr(log_of(&p, log), "Released v1"));
	assert_non_null(strstr(log, "http://hello.localhost:8080/"));
	fd_close(&p.log);
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/apps/hello/releases"), 200);
	assert_true(json_is_true(
	    json_object_get(json_array_get(w->json, 0), "current")));
}

static void a_second_push_waits_or_takes_the_place(void **state)
{
	struct world *w = *state;
	struct frame_out o = frame_begin(MSG_PUSH_OPEN, 9);
	struct pushed first, second;
	const struct frame *f;
	char why[256], commit[41];

	world_deploy(w);
	first = world_push(w, '2', "");
	memset(commit, '3', 40);
	commit[40] = '\0';
	frame_put_u64(&o, F_APP, 1);
	frame_put_u64(&o, F_USER, 1);
	frame_put_z(&o, F_REF, "refs/heads/main");
	frame_put_z(&o, F_OLD, commit);
	frame_put_z(&o, F_NEW, commit);
	assert_int_equal(peer_send(w->gitd, &o), 0);
	f = world_expect(w, ROLE_GITD, MSG_ERROR);
	assert_int_equal(f->id, 9);
	assert_true(str_eqz(frame_str(f, F_TEXT),
	    "build of 2222222 is running, push again when it ends, or -o "
	    "supersede"));
	second = world_push(w, '3', "supersede");
	assert_int_equal(
	    frame_u64(world_expect(w, ROLE_BUILDER, MSG_BUILD_CANCEL), F_BUILD),
	    first.build);
	assert_int_equal(world_decided(w, &first, why), PUSH_REFUSED);
	assert_string_equal(why, "superseded by 3333333");
	/* What the cancelled build says later does not count. */
	world_built(w, first.build, '2');
	assert_true(world_without(w, ROLE_PLAN, MSG_WANT));
	world_built(w, second.build, '3');
	world_live(w, 2);
	assert_int_equal(world_decided(w, &second, why), PUSH_ACCEPTED);
	fd_close(&first.log);
	fd_close(&second.log);
}

static void a_failed_build_refuses_the_push_alone(void **state)
{
	struct world *w = *state;
	struct frame_out o = frame_begin(MSG_BUILD_FAILED, 5);
	struct pushed p;
	char why[256], log[8192];

	world_deploy(w);
	p = world_push(w, '2', "");
	frame_put_u64(&o, F_BUILD, p.build);
	frame_put_z(&o, F_TEXT, "npm \xff said\x1b[31m no\nand more");
	assert_int_equal(peer_send(w->builder, &o), 0);
	assert_int_equal(world_decided(w, &p, why), PUSH_REFUSED);
	assert_string_equal(why, "npm \xef\xbf\xbd said [31m no");
	assert_non_null(strstr(log_of(&p, log), why));
	assert_true(world_without(w, ROLE_PLAN, MSG_WANT));
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/apps/hello/builds"), 200);
	assert_string_equal(
	    world_text(json_array_get(w->json, 1), "failure"), why);
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/apps/hello/releases"), 200);
	assert_int_equal(json_array_size(w->json), 1);
	fd_close(&p.log);
}

static void a_release_that_does_not_boot_shows_its_last_lines(void **state)
{
	struct world *w = *state;
	struct frame_out o = frame_begin(MSG_RELEASE_FAILED, 0);
	const struct frame *f;
	struct pushed p;
	char why[256], log[8192];

	world_deploy(w);
	p = world_push(w, '2', "");
	world_built(w, p.build, '2');
	expect_want(w, WANT_NEXT, 2, '2', STR(""));
	frame_put_u64(&o, F_APP, 1);
	frame_put_u64(&o, F_RELEASE, 2);
	frame_put_z(&o, F_TEXT, "web.1 crashed");
	frame_put_z(&o, F_NAME, "web.1");
	frame_put_u64(&o, F_INSTANCE, 77);
	assert_int_equal(peer_send(w->plan, &o), 0);
	f = world_expect(w, ROLE_LOGD, MSG_LOG_FOLLOW);
	assert_true(str_eqz(frame_str(f, F_PROC), "web.1"));
	assert_int_equal(frame_u64(f, F_INSTANCE), 77);
	assert_true(world_without(w, ROLE_GITD, MSG_PUSH_DECIDED));
	assert_int_equal(fd_write_all(f->fds[0],
	                     STR("T app[web.1]: no such module\n"), NULL),
	    0);
	frame_close_fds((struct frame *)f);
	assert_int_equal(world_decided(w, &p, why), PUSH_REFUSED);
	assert_string_equal(why, "web.1 crashed");
	(void)log_of(&p, log);
	assert_non_null(strstr(log, "       no such module\n"));
	assert_non_null(strstr(log, "v1 goes on serving"));
	(void)world_expect(w, ROLE_PLAN, MSG_WANT_DROP);
	fd_close(&p.log);
}

static void a_release_command_comes_first(void **state)
{
	struct world *w = *state;
	struct frame_out o = frame_begin(MSG_BUILD_DONE, 3), exited;
	const struct frame *f;
	struct pushed p;
	char why[256], image[65];
	uint64_t job;

	world_deploy(w);
	p = world_push(w, '2', "");
	memset(image, '2', 64);
	image[64] = '\0';
	frame_put_u64(&o, F_BUILD, p.build);
	frame_put_z(&o, F_IMAGE, image);
	frame_put_z(&o, F_LAYER, image);
	frame_put_z(&o, F_PTYPE, "release");
	frame_put_z(&o, F_COMMAND, "migrate");
	assert_int_equal(peer_send(w->builder, &o), 0);
	f = world_expect(w, ROLE_PLAN, MSG_RUN);
	job = frame_u64(f, F_JOB);
	assert_int_equal(frame_u64(f, F_KIND), KIND_RELEASE);
	assert_true(str_eqz(frame_str(f, F_COMMAND), "migrate"));
	/* plan restarts: it is asked for the same job. */
	peer_close(w->plan);
	f = world_expect(w, ROLE_PLAN, MSG_RUN);
	assert_int_equal(frame_u64(f, F_JOB), job);
	assert_true(world_without(w, ROLE_GITD, MSG_PUSH_DECIDED));
	exited = frame_begin(MSG_RUN_EXITED, 0);
	frame_put_u64(&exited, F_JOB, job);
	frame_put_u64(&exited, F_EXIT_CODE, 3);
	frame_put_u64(&exited, F_EXIT_SIGNAL, 0);
	frame_put_u64(&exited, F_OOM, 0);
	assert_int_equal(peer_send(w->plan, &exited), 0);
	f = world_expect(w, ROLE_LOGD, MSG_LOG_FOLLOW);
	frame_close_fds((struct frame *)f);
	assert_int_equal(world_decided(w, &p, why), PUSH_REFUSED);
	assert_string_equal(why, "the release command exited with status 3");
	fd_close(&p.log);
}

/* A build that takes its builder down is given up at last. */
static void a_build_that_ends_the_builder_is_given_up(void **state)
{
	struct world *w = *state;
	struct pushed p;
	char why[256];

	world_deploy(w);
	p = world_push(w, '2', "");
	for (int i = 0; i < 3; i++) {
		(void)world_expect(w, ROLE_BUILDER, MSG_BUILD_START);
		peer_close(w->web.builder); /* its connector comes back */
	}
	assert_int_equal(world_decided(w, &p, why), PUSH_REFUSED);
	assert_non_null(strstr(why, "three times"));
	fd_close(&p.log);
}

static void what_gitd_asks_again_it_is_told_again(void **state)
{
	struct world *w = *state;
	struct frame_out o = frame_begin(MSG_PUSH_LIST, 7);
	const struct frame *f;
	struct pushed p;

	world_deploy(w);
	p = world_push(w, '2', "");
	fd_close(&p.log);
	world_built(w, p.build, '2');
	world_live(w, 2);
	(void)world_expect(w, ROLE_GITD, MSG_PUSH_DECIDED);
	/* gitd dies before it has moved the ref. */
	assert_int_equal(peer_send(w->gitd, &o), 0);
	f = world_expect(w, ROLE_GITD, MSG_PUSH_ROW);
	assert_int_equal(frame_u64(f, F_PUSH), p.push);
	assert_int_equal(frame_u64(f, F_STATE), PUSH_ACCEPTED);
	assert_int_equal(world_expect(w, ROLE_GITD, MSG_OK)->id, 7);
	o = frame_begin(MSG_PUSH_WATCH, 8);
	frame_put_u64(&o, F_PUSH, p.push);
	assert_int_equal(peer_send(w->gitd, &o), 0);
	assert_int_equal(world_expect(w, ROLE_GITD, MSG_PUSH_OPENED)->id, 8);
	f = world_expect(w, ROLE_GITD, MSG_PUSH_DECIDED);
	assert_int_equal(frame_u64(f, F_STATE), PUSH_ACCEPTED);
}

/* --- releases ------------------------------------------------------------ */

static void config_makes_a_release_and_rollback_brings_it_back(void **state)
{
	struct world *w = *state;

	world_deploy(w);
	assert_int_equal(config(w, "{\"A\": \"1\"}"), 200);
	expect_want(w, WANT_NEXT, 2, '1', STR("A=1\0"));
	world_live(w, 2);
	expect_want(w, WANT_LIVE, 2, '1', STR("A=1\0"));
	assert_int_equal(config(w, "{\"A\": \"1\"}"), 200);
	assert_true(world_without(w, ROLE_PLAN, MSG_WANT));
	assert_int_equal(config(w, "{\"A\": \"2\", \"B\": \"x\"}"), 200);
	expect_want(w, WANT_NEXT, 3, '1', STR("A=2\0B=x\0"));
	world_live(w, 3);
	world_forget(w);
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/releases",
	        .body = STR("{\"release\": \"v2\"}")),
	    201);
	assert_string_equal(
	    world_text(w->json, "description"), "Rollback to v2");
	expect_want(w, WANT_NEXT, 4, '1', STR("A=1\0"));
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/apps/hello/config-vars"), 200);
	assert_string_equal(world_text(w->json, "A"), "1");
}

static void of_several_changes_the_last_one_is_rolled_out(void **state)
{
	struct world *w = *state;

	world_deploy(w);
	assert_int_equal(config(w, "{\"A\": \"1\"}"), 200);
	expect_want(w, WANT_NEXT, 2, '1', STR("A=1\0"));
	for (int i = 2; i < 5; i++) {
		char body[32];

		snprintf(body, sizeof(body), "{\"A\": \"%d\"}", i);
		assert_int_equal(config(w, body), 200);
	}
	assert_true(world_without(w, ROLE_PLAN, MSG_WANT)); /* one at a time */
	world_live(w, 2);
	expect_want(w, WANT_LIVE, 2, '1', STR("A=1\0"));
	expect_want(w, WANT_NEXT, 5, '1', STR("A=4\0"));
	world_live(w, 5);
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/apps/hello/releases/3"), 200);
	assert_string_equal(world_text(w->json, "status"), "expired");
}

/* Config that was set on top of refused code comes back on what serves. */
static void refused_code_does_not_come_back_with_config(void **state)
{
	struct world *w = *state;
	struct frame_out o = frame_begin(MSG_RELEASE_FAILED, 0);
	struct pushed p;
	char why[256];

	world_deploy(w);
	p = world_push(w, '2', "");
	fd_close(&p.log);
	world_built(w, p.build, '2');
	expect_want(w, WANT_NEXT, 2, '2', STR(""));
	assert_int_equal(config(w, "{\"A\": \"1\"}"), 200);
	frame_put_u64(&o, F_APP, 1);
	frame_put_u64(&o, F_RELEASE, 2);
	frame_put_z(&o, F_TEXT, "never listened");
	assert_int_equal(peer_send(w->plan, &o), 0);
	assert_int_equal(world_decided(w, &p, why), PUSH_REFUSED);
	expect_want(w, WANT_NEXT, 4, '1', STR("A=1\0"));
}

static void plan_learns_everything_when_it_is_back(void **state)
{
	struct world *w = *state;

	world_deploy(w);
	assert_int_equal(config(w, "{\"A\": \"1\"}"), 200);
	world_settle(w);
	world_forget(w);
	peer_close(w->plan);
	(void)world_expect(w, ROLE_PLAN, MSG_WANT_BEGIN);
	expect_want(w, WANT_LIVE, 1, '1', STR(""));
	expect_want(w, WANT_NEXT, 2, '1', STR("A=1\0"));
	(void)world_expect(w, ROLE_PLAN, MSG_WANT_END);
}

static bool plan_is_away(void *arg)
{
	const struct world *w = arg;

	return !peer_is_up(w->web.plan);
}

static bool logd_is_away(void *arg)
{
	const struct world *w = arg;

	return !peer_is_up(w->web.logd);
}

static void a_command_waits_until_plan_is_back(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	struct frame_out o;
	struct call *c;

	world_deploy(w);
	peer_close(w->plan);
	world_until(w, plan_is_away, w);
	c = world_call(w, &(struct request_text){.method = "POST",
	                      .path = "/apps/hello/dynos",
	                      .body = STR("{\"command\": \"true\"}")});
	f = world_expect(w, ROLE_PLAN, MSG_RUN);
	o = frame_begin(MSG_OK, f->id);
	frame_put_u64(&o, F_INSTANCE, 77);
	assert_int_equal(peer_send(w->plan, &o), 0);
	assert_int_equal(world_answer(w, c), 201);
}

static void a_log_waits_until_logd_is_back_and_its_address_is_no_guess(
    void **state)
{
	struct world *w = *state;
	const struct frame *f;
	struct call *c;
	char path[1024], *last;

	world_deploy(w);
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-sessions",
	        .body = STR("{\"lines\": 5}")),
	    201);
	snprintf(path, sizeof(path), "/logs/%s", world_text(w->json, "id"));
	peer_close(w->logd);
	world_until(w, logd_is_away, w);
	c = world_call(w,
	    &(struct request_text){.method = "GET", .path = path, .token = ""});
	f = world_expect(w, ROLE_LOGD, MSG_LOG_FOLLOW);
	frame_close_fds((struct frame *)f);
	assert_int_equal(world_answer(w, c), 200);
	last = path + strlen(path) - 1;
	*last = *last == '0' ? '1' : '0';
	assert_int_equal(
	    ASK(w, .method = "GET", .path = path, .token = ""), 404);
	*last = '\0';
	assert_int_equal(
	    ASK(w, .method = "GET", .path = path, .token = ""), 404);
}

/* --- network -------------------------------------------------------------- */

static void say(struct world *w, const char *method, const char *path,
    const char *body, unsigned want)
{
	unsigned got =
	    ASK(w, .method = method, .path = path, .body = str_z(body));

	if (got != want)
		fail_msg("%s %s: %u %s", method, path, got, buf_z(&w->text));
}

static void what_an_app_may_reach_is_told_to_plan(void **state)
{
	struct world *w = *state;
	const struct frame *f;

	world_deploy(w);
	world_settle(w);
	world_forget(w);
	say(w, "POST", "/apps/hello/egress", "{\"rule\": \"10.1.2.3/8\"}", 201);
	assert_string_equal(world_text(w->json, "rule"), "10.0.0.0/8");
	f = world_expect(w, ROLE_PLAN, MSG_NET);
	assert_int_equal(frame_u64(f, F_APP), 1);
	assert_true(str_eqz(frame_str(f, F_EGRESS), "10.0.0.0/8"));
	say(w, "POST", "/platform/egress", "{\"rule\": \"DB.lan:5432\"}", 201);
	f = world_expect(w, ROLE_PLAN, MSG_NET);
	assert_int_equal(frame_u64(f, F_APP), 0);
	assert_true(str_eqz(frame_str(f, F_EGRESS), "db.lan:5432"));
	say(w, "GET", "/apps/hello/egress", "", 200);
	assert_int_equal(json_array_size(w->json), 2);
	/* plan is told all before it is told what runs. */
	world_forget(w);
	peer_close(w->plan);
	(void)world_expect(w, ROLE_PLAN, MSG_NET_BEGIN);
	(void)world_expect(w, ROLE_PLAN, MSG_NET);
	(void)world_expect(w, ROLE_PLAN, MSG_NET_END);
	say(w, "DELETE", "/apps/hello/egress/10.0.0.0%2F8", "", 200);
	f = world_expect(w, ROLE_PLAN, MSG_NET);
	say(w, "DELETE", "/apps/hello/egress/10.0.0.0%2F8", "", 404);
	say(w, "DELETE", "/platform/egress/db.lan:5432", "", 200);
}

static void a_link_is_told_to_plan_with_its_name_and_variable(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	scoped_buf struct buf env = BUF_INIT(1000);
	char want[80];

	world_deploy(w);
	say(w, "POST", "/apps", "{\"name\": \"my-db\"}", 201);
	world_settle(w);
	world_forget(w);
	say(w, "POST", "/apps/hello/links", "{\"to\": \"my-db\"}", 201);
	assert_string_equal(world_text(w->json, "variable"), "MY_DB_URL");
	f = world_expect(w, ROLE_PLAN, MSG_NET);
	assert_int_equal(frame_u64(f, F_LINK), 2);
	assert_true(str_eqz(frame_str(f, F_APP_NAME), "my-db"));
	f = world_expect(w, ROLE_PLAN, MSG_WANT);
	world_read_fd(f, 0, &env);
	snprintf(want, sizeof(want), "MY_DB_URL=http://my-db.internal:%u",
	    msg_app_port(2));
	assert_true(str_find_str(buf_str(&env), str_z(want)) != -1);
	say(w, "POST", "/apps/hello/links", "{\"to\": \"my-db\"}", 422);
	say(w, "POST", "/apps/hello/links", "{\"to\": \"hello\"}", 422);
	say(w, "POST", "/apps/hello/links", "{\"to\": \"none\"}", 404);
	say(w, "POST", "/apps/hello/links", "{\"to\": 7}", 422);
	say(w, "POST", "/apps/hello/links", "{}", 422);
	/* Its new name is told, and its end. */
	world_forget(w);
	say(w, "PATCH", "/apps/my-db", "{\"name\": \"your-db\"}", 200);
	f = world_expect(w, ROLE_PLAN, MSG_NET);
	assert_int_equal(frame_u64(f, F_APP), 1);
	assert_true(str_eqz(frame_str(f, F_APP_NAME), "your-db"));
	say(w, "DELETE", "/apps/your-db", "", 200);
	say(w, "GET", "/apps/hello/links", "", 200);
	assert_int_equal(json_array_size(w->json), 0);
}

static void rules_and_links_have_limits(void **state)
{
	struct world *w = *state;

	world_deploy(w);
	w->web.settings.egress_max = w->web.settings.links_max = 1;
	say(w, "POST", "/apps", "{\"name\": \"one\"}", 201);
	say(w, "POST", "/apps", "{\"name\": \"two\"}", 201);
	say(w, "POST", "/apps/hello/egress", "{\"rule\": \"10.0.0.1\"}", 201);
	say(w, "POST", "/apps/hello/egress", "{\"rule\": \"10.0.0.2\"}", 422);
	say(w, "POST", "/apps/hello/links", "{\"to\": \"one\"}", 201);
	say(w, "POST", "/apps/hello/links", "{\"to\": \"two\"}", 422);
	say(w, "POST", "/platform/egress", "{\"rule\": \"10.0.0.2\"}", 201);
	say(w, "POST", "/platform/egress", "{\"rule\": \"10.0.0.3\"}", 422);
}

/* --- apps ---------------------------------------------------------------- */

static void a_destroyed_app_is_told_to_all_who_have_a_part(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	struct pushed p;
	uint32_t id;

	world_deploy(w);
	p = world_push(w, '2', "");
	fd_close(&p.log);
	assert_int_equal(
	    ASK(w, .method = "DELETE", .path = "/apps/hello"), 200);
	assert_int_equal(
	    frame_u64(world_expect(w, ROLE_BUILDER, MSG_BUILD_CANCEL), F_BUILD),
	    p.build);
	assert_int_equal(
	    frame_u64(world_expect(w, ROLE_LOGD, MSG_LOG_DROP), F_APP), 1);
	assert_int_equal(
	    frame_u64(world_expect(w, ROLE_GITD, MSG_REPO_DROP), F_REPO), 1);
	id = world_expect(w, ROLE_PLAN, MSG_WANT_GONE)->id;
	/* plan restarts before it is done. */
	peer_close(w->plan);
	f = world_expect(w, ROLE_PLAN, MSG_WANT_GONE);
	assert_int_equal(frame_u64(f, F_APP), 1);
	id = f->id;
	assert_int_equal(peer_send_ok(w->plan, id), 0);
	world_settle(w);
	peer_close(w->plan);
	(void)world_expect(w, ROLE_PLAN, MSG_WANT_END);
	assert_true(world_without(w, ROLE_PLAN, MSG_WANT_GONE));
}

static void a_renamed_app_keeps_its_domains(void **state)
{
	struct world *w = *state;
	const struct frame *f;

	world_deploy(w);
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/domains",
	        .body = STR("{\"hostname\": \"www.example.com\"}")),
	    201);
	world_settle(w);
	world_forget(w);
	assert_int_equal(ASK(w, .method = "PATCH", .path = "/apps/hello",
	                     .body = STR("{\"name\": \"other\"}")),
	    200);
	f = world_expect(w, ROLE_ROUTER, MSG_ROUTE);
	assert_true(str_eqz(frame_str(f, F_HOST), "other.localhost"));
	f = world_expect(w, ROLE_ROUTER, MSG_ROUTE_DROP);
	assert_true(str_eqz(frame_str(f, F_HOST), "hello.localhost"));
	assert_true(world_without(w, ROLE_ROUTER, MSG_ROUTE_DROP));
}

/* --- commands ------------------------------------------------------------ */

static void a_command_is_attached_when_the_router_knows_it(void **state)
{
	struct world *w = *state;
	struct frame_out o;
	const struct frame *f;
	struct call *c;
	char secret[129];

	world_deploy(w);
	c = world_call(w,
	    &(struct request_text){.method = "POST",
	        .path = "/apps/hello/dynos",
	        .body = STR("{\"command\": \"bash\", \"attach\": true, "
	                    "\"env\": {\"COLUMNS\": 80, \"LINES\": \"24\"}}")});
	f = world_expect(w, ROLE_PLAN, MSG_RUN);
	assert_int_equal(frame_u64(f, F_COLS), 80);
	assert_int_equal(frame_u64(f, F_ROWS), 24);
	assert_int_equal(frame_u64(f, F_STATE), 1);
	o = frame_begin(MSG_OK, f->id);
	frame_put_u64(&o, F_INSTANCE, 77);
	assert_int_equal(peer_send(w->plan, &o), 0);
	f = world_expect(w, ROLE_ROUTER, MSG_ATTACH_ADD);
	assert_int_equal(frame_u64(f, F_INSTANCE), 77);
	str_copy(frame_str(f, F_SECRET), secret, sizeof(secret));
	assert_int_equal(peer_send_ok(w->router, f->id), 0);
	assert_int_equal(world_answer(w, c), 201);
	assert_non_null(strstr(world_text(w->json, "attach_url"), secret));
}

static void a_log_sleeps_until_there_is_something(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	struct call *c;
	const char *url;

	world_deploy(w);
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-sessions",
	        .body = STR("{\"tail\": true}")),
	    201);
	url = strstr(world_text(w->json, "logplex_url"), "/logs/");
	c = world_call(w,
	    &(struct request_text){.method = "GET", .path = url, .token = ""});
	f = world_expect(w, ROLE_LOGD, MSG_LOG_FOLLOW);
	world_settle(w);
	assert_int_equal(
	    fd_write_all(f->fds[0],
	        STR("1769860800123456.00000000000000ff.12 "
	            "2026-01-31T12:00:00.123456+00:00 app[web.1]: hi\n"),
	        NULL),
	    0);
	world_settle(w);
	frame_close_fds((struct frame *)f);
	assert_int_equal(world_answer(w, c), 200);
	assert_non_null(strstr(buf_z(&w->text),
	    "id: 1769860800123456.00000000000000ff.12\n"
	    "data: 2026-01-31T12:00:00.123456+00:00 app[web.1]: hi\n"));
}

/* Where who comes back to a session with this header is said to be. */
static void comes_back(
    struct world *w, const char *body, const char *header, const char *want)
{
	const struct frame *f;
	struct call *c;
	const char *url;

	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-sessions",
	        .body = str_z(body)),
	    201);
	url = strstr(world_text(w->json, "logplex_url"), "/logs/");
	c = world_call(w,
	    &(struct request_text){
	        .method = "GET", .path = url, .token = "", .headers = header});
	f = world_expect(w, ROLE_LOGD, MSG_LOG_FOLLOW);
	assert_true(str_eqz(frame_str(f, F_AFTER), want));
	world_settle(w);
	frame_close_fds((struct frame *)f);
	assert_int_equal(world_answer(w, c), 200);
}

static void a_reader_that_comes_back_says_where_it_was(void **state)
{
	struct world *w = *state;

	world_deploy(w);
	comes_back(w, "{\"tail\": true}",
	    "Last-Event-ID: 12;platform.3,router.4\r\n",
	    "12;platform.3,router.4");
	comes_back(w, "{\"tail\": true}",
	    "Last-Event-ID: 17.00000000000000ff.12\r\n",
	    "17;00000000000000ff.12");
	comes_back(w, "{\"tail\": true}", "Last-Event-ID: 17,x\r\n", "");
}

static void drains_are_kept_and_told_to_logd(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	char path[120];

	world_deploy(w);
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-drains",
	        .body = STR("{\"url\": \"https://u:s3cret@logs.example/x\"}")),
	    201);
	snprintf(path, sizeof(path), "/apps/hello/log-drains/%s",
	    world_text(w->json, "token"));
	f = world_expect(w, ROLE_LOGD, MSG_DRAIN);
	assert_true(str_eqz(
	    frame_str(f, F_DRAIN_URL), "https://u:s3cret@logs.example/x"));
	assert_int_equal(frame_u64(f, F_APP), 1);
	assert_true(
	    str_eqz(frame_str(f, F_DRAIN_TOKEN), world_text(w->json, "token")));
	/* Once is enough, and nothing of it is in an error. */
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-drains",
	        .body = STR("{\"url\": \"https://u:s3cret@logs.example/x\"}")),
	    422);
	assert_null(strstr(buf_z(&w->text), "s3cret"));
	assert_int_equal(ASK(w, .method = "DELETE", .path = path), 200);
	(void)world_expect(w, ROLE_LOGD, MSG_DRAIN_DROP);
	assert_int_equal(ASK(w, .method = "DELETE", .path = path), 404);
	/* By its address, as the CLI of Heroku does. */
	assert_int_equal(
	    ASK(w, .method = "POST", .path = "/apps/hello/log-drains",
	        .body = STR("{\"url\": \"syslog://logs.example:1514\"}")),
	    201);
	assert_int_equal(ASK(w, .method = "DELETE",
	                     .path = "/apps/hello/log-drains/"
	                             "syslog%3A%2F%2Flogs.example%3A1514"),
	    200);
}

static void drains_have_limits(void **state)
{
	static const char *const bad[] = {
	    "{}",
	    "{\"url\": 1}",
	    "{\"url\": \"logs.example\"}",
	    "{\"url\": \"ftp://logs.example\"}",
	    "{\"url\": \"https://127.0.0.1/\"}",
	    "{\"url\": \"syslog://[::1]:514\"}",
	    "{\"url\": \"http://169.254.169.254/latest\"}",
	    "{\"url\": \"https://localhost/\"}",
	};
	struct world *w = *state;
	char body[80];

	world_deploy(w);
	for (size_t i = 0; i < NELEM(bad); i++)
		assert_int_equal(
		    ASK(w, .method = "POST", .path = "/apps/hello/log-drains",
		        .body = str_z(bad[i])),
		    422);
	for (int i = 0; i < 6; i++) {
		snprintf(body, sizeof(body),
		    "{\"url\": \"syslog://logs.example:%d\"}", i + 1);
		assert_int_equal(
		    ASK(w, .method = "POST", .path = "/apps/hello/log-drains",
		        .body = str_z(body)),
		    i < 5 ? 201 : 422);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_push_goes_live_and_is_decided_after_it),
	    TEST(a_second_push_waits_or_takes_the_place),
	    TEST(a_failed_build_refuses_the_push_alone),
	    TEST(a_release_that_does_not_boot_shows_its_last_lines),
	    TEST(a_release_command_comes_first),
	    TEST(a_build_that_ends_the_builder_is_given_up),
	    TEST(what_gitd_asks_again_it_is_told_again),
	    TEST(config_makes_a_release_and_rollback_brings_it_back),
	    TEST(of_several_changes_the_last_one_is_rolled_out),
	    TEST(refused_code_does_not_come_back_with_config),
	    TEST(plan_learns_everything_when_it_is_back),
	    TEST(a_command_waits_until_plan_is_back),
	    TEST(a_log_waits_until_logd_is_back_and_its_address_is_no_guess),
	    TEST(a_destroyed_app_is_told_to_all_who_have_a_part),
	    TEST(what_an_app_may_reach_is_told_to_plan),
	    TEST(a_link_is_told_to_plan_with_its_name_and_variable),
	    TEST(rules_and_links_have_limits),
	    TEST(a_renamed_app_keeps_its_domains),
	    TEST(a_command_is_attached_when_the_router_knows_it),
	    TEST(a_log_sleeps_until_there_is_something),
	    TEST(a_reader_that_comes_back_says_where_it_was),
	    TEST(drains_are_kept_and_told_to_logd),
	    TEST(drains_have_limits),
	};

	return cmocka_run_group_tests_name("web_flow", tests, NULL, NULL);
}
