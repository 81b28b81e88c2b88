/* web: volumes in the API, what plan is told, and what outlives whom. */
/* links: web/ web/api/ web/store/ web/ui/ tests/unit/web_world.c */
/* links: -lmicrohttpd -lsqlite3 -ljansson -lcrypto */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "volumes.h"
#include "web_world.h"

#define VOLUMES "/apps/hello/volumes"
#define BODY "{\"name\": \"data\", \"size\": \"1G\", \"path\": \"/data\"}"

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

static struct call *post(struct world *w, const char *body)
{
	return world_call(
	    w, &(struct request_text){
	           .method = "POST", .path = VOLUMES, .body = str_z(body)});
}

static void say_used(struct world *w, const struct frame *f)
{
	struct frame_out o = frame_begin(MSG_OK, f->id);

	frame_put_u64(&o, F_BYTES, 4096);
	frame_put_u64(&o, F_FILES, 12);
	assert_int_equal(peer_send(w->plan, &o), 0);
}

static void refuse(struct world *w, const struct frame *f)
{
	struct error err;

	(void)error_set(&err, ERR_LIMIT, "the disk is full");
	assert_int_equal(peer_send_error(w->plan, f->id, &err), 0);
}

static void create(struct world *w)
{
	struct call *c = post(w, BODY);

	say_used(w, world_expect(w, ROLE_PLAN, MSG_VOLUME_PUT));
	assert_int_equal(world_answer(w, c), 201);
}

static void assert_volumes(struct world *w, size_t n)
{
	assert_int_equal(ASK(w, .method = "GET", .path = VOLUMES), 200);
	assert_int_equal(json_array_size(w->json), n);
}

static void a_volume_is_made_before_it_is_told(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	struct call *c;

	world_deploy(w);
	world_forget(w);
	c = post(w, BODY);
	f = world_expect(w, ROLE_PLAN, MSG_VOLUME_PUT);
	assert_int_equal(frame_u64(f, F_APP), 1);
	assert_int_equal(frame_u64(f, F_VOLUME), 1);
	assert_int_equal(frame_u64(f, F_VOLUME_BYTES), 1u << 30);
	assert_true(world_without(w, ROLE_PLAN, MSG_WANT));
	say_used(w, f);
	assert_int_equal(world_answer(w, c), 201);
	assert_string_equal(world_text(w->json, "path"), "/data");
	assert_int_equal(
	    json_integer_value(json_object_get(w->json, "used")), 4096);
	f = world_expect(w, ROLE_PLAN, MSG_WANT);
	assert_int_equal(frame_u64(f, F_GENERATION), 2);
	assert_int_equal(frame_u64(f, F_VOLUME), 1);
	assert_int_equal(frame_u64(f, F_VOLUME_BYTES), 1u << 30);
	assert_true(str_eqz(frame_str(f, F_VOLUME_PATH), "/data"));
	assert_int_equal(frame_u64(f, F_EXCLUSIVE), 0);
	assert_volumes(w, 1);
}

static void one_that_can_not_be_made_is_taken_back(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	struct call *c;

	world_deploy(w);
	world_forget(w);
	c = post(w, BODY);
	refuse(w, world_expect(w, ROLE_PLAN, MSG_VOLUME_PUT));
	assert_int_equal(world_answer(w, c), 422);
	assert_non_null(
	    strstr(world_text(w->json, "message"), "the disk is full"));
	assert_volumes(w, 0);
	assert_true(world_without(w, ROLE_PLAN, MSG_WANT));
	/* And what there may be of it. */
	f = world_expect(w, ROLE_PLAN, MSG_VOLUME_DROP);
	assert_int_equal(frame_u64(f, F_VOLUME), 1);
	assert_int_equal(peer_send_ok(w->plan, f->id), 0);
	/* Its name is free, its number is not. */
	world_settle(w);
	c = post(w, BODY);
	f = world_expect(w, ROLE_PLAN, MSG_VOLUME_PUT);
	assert_int_equal(frame_u64(f, F_VOLUME), 2);
	say_used(w, f);
	assert_int_equal(world_answer(w, c), 201);
}

static void what_can_not_be_is_said(void **state)
{
	static const struct {
		const char *body;
		unsigned status;
	} cases[] = {
	    {"{}", 422},
	    {"{\"name\": \"data\", \"size\": \"1G\"}", 422},
	    {"{\"name\": \"data\", \"path\": \"/data\"}", 422},
	    {"{\"name\": \"D\", \"size\": \"1G\", \"path\": \"/data\"}", 422},
	    {"{\"name\": \"d\", \"size\": \"1G\", \"path\": \"data\"}", 422},
	    {"{\"name\": \"d\", \"size\": \"1G\", \"path\": \"/proc\"}", 422},
	    {"{\"name\": \"d\", \"size\": \"31M\", \"path\": \"/d\"}", 422},
	    {"{\"name\": \"d\", \"size\": \"101G\", \"path\": \"/d\"}", 422},
	    {"{\"name\": \"d\", \"size\": -1, \"path\": \"/d\"}", 422},
	    {"{\"name\": \"d\", \"size\": 1.5, \"path\": \"/d\"}", 422},
	    {"{\"name\": \"d\", \"size\": \"1G\", \"path\": \"/d\", "
	     "\"exclusive\": 1}",
	        422},
	};
	struct world *w = *state;

	world_deploy(w);
	world_forget(w);
	for (size_t i = 0; i < NELEM(cases); i++) {
		unsigned status = ASK(w, .method = "POST", .path = VOLUMES,
		    .body = str_z(cases[i].body));

		if (status != cases[i].status)
			fail_msg("%s: %u", cases[i].body, status);
	}
	assert_true(world_without(w, ROLE_PLAN, MSG_VOLUME_PUT));
	assert_volumes(w, 0);
}

static void an_app_has_so_many(void **state)
{
	struct world *w = *state;
	char body[128];
	struct call *c;

	world_deploy(w);
	w->web.settings.volumes_max = 2;
	for (int i = 0; i < 2; i++) {
		snprintf(body, sizeof(body),
		    "{\"name\": \"v%d\", \"size\": \"1G\", \"path\": "
		    "\"/v%d\"}",
		    i, i);
		c = post(w, body);
		say_used(w, world_expect(w, ROLE_PLAN, MSG_VOLUME_PUT));
		assert_int_equal(world_answer(w, c), 201);
	}
	assert_int_equal(
	    ASK(w, .method = "POST", .path = VOLUMES, .body = STR(BODY)), 422);
	assert_non_null(strstr(world_text(w->json, "message"), "volumes_max"));
}

static void one_grows_once_jail_has_done_it(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	struct call *c;

	world_deploy(w);
	create(w);
	world_forget(w);
	assert_int_equal(ASK(w, .method = "PATCH", .path = VOLUMES "/data",
	                     .body = STR("{\"size\": \"512M\"}")),
	    422);
	c = world_call(w, &(struct request_text){.method = "PATCH",
	                      .path = VOLUMES "/data",
	                      .body = STR("{\"size\": \"2G\"}")});
	f = world_expect(w, ROLE_PLAN, MSG_VOLUME_PUT);
	assert_int_equal(frame_u64(f, F_VOLUME_BYTES), 2ull << 30);
	refuse(w, f);
	assert_int_equal(world_answer(w, c), 422);
	assert_int_equal(ASK(w, .method = "GET", .path = VOLUMES), 200);
	assert_int_equal(json_integer_value(json_object_get(
	                     json_array_get(w->json, 0), "size")),
	    1u << 30);
	c = world_call(w, &(struct request_text){.method = "PATCH",
	                      .path = VOLUMES "/data",
	                      .body = STR("{\"size\": \"2G\"}")});
	say_used(w, world_expect(w, ROLE_PLAN, MSG_VOLUME_PUT));
	assert_int_equal(world_answer(w, c), 200);
	f = world_expect(w, ROLE_PLAN, MSG_WANT);
	assert_int_equal(frame_u64(f, F_VOLUME_BYTES), 2ull << 30);
	assert_int_equal(frame_u64(f, F_GENERATION), 2); /* no restart */
}

static void one_is_destroyed_and_told_until_jail_has_heard(void **state)
{
	struct world *w = *state;
	const struct frame *f;

	world_deploy(w);
	create(w);
	world_forget(w);
	assert_int_equal(
	    ASK(w, .method = "DELETE", .path = VOLUMES "/data"), 200);
	assert_volumes(w, 0);
	f = world_expect(w, ROLE_PLAN, MSG_WANT);
	assert_int_equal(frame_u64(f, F_GENERATION), 3);
	assert_int_equal(frame_u64(f, F_VOLUME), 0);
	refuse(w, world_expect(w, ROLE_PLAN, MSG_VOLUME_DROP));
	world_settle(w);
	volumes_up(&w->web); /* plan is back */
	f = world_expect(w, ROLE_PLAN, MSG_VOLUME_DROP);
	assert_int_equal(peer_send_ok(w->plan, f->id), 0);
	world_settle(w);
	volumes_up(&w->web);
	assert_true(world_without(w, ROLE_PLAN, MSG_VOLUME_DROP));
}

static void a_command_has_them_and_exclusive_ones_say_so(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	struct call *c;

	world_deploy(w);
	world_forget(w);
	c = post(w, "{\"name\": \"data\", \"size\": 33554432, \"path\": "
	            "\"/data\", \"exclusive\": true}");
	say_used(w, world_expect(w, ROLE_PLAN, MSG_VOLUME_PUT));
	assert_int_equal(world_answer(w, c), 201);
	assert_int_equal(
	    frame_u64(world_expect(w, ROLE_PLAN, MSG_WANT), F_EXCLUSIVE), 1);
	w->runs_refused = true;
	(void)ASK(w, .method = "POST", .path = "/apps/hello/dynos",
	    .body = STR("{\"command\": \"true\"}"));
	f = world_expect(w, ROLE_PLAN, MSG_RUN);
	assert_true(str_eqz(frame_str(f, F_VOLUME_PATH), "/data"));
}

static void one_is_shown_with_what_is_used_or_without(void **state)
{
	struct world *w = *state;
	struct call *c;

	world_deploy(w);
	create(w);
	world_forget(w);
	c = world_call(w,
	    &(struct request_text){.method = "GET", .path = VOLUMES "/data"});
	refuse(w, world_expect(w, ROLE_PLAN, MSG_VOLUME_PUT));
	assert_int_equal(world_answer(w, c), 200);
	assert_true(json_is_null(json_object_get(w->json, "used")));
	assert_int_equal(
	    ASK(w, .method = "GET", .path = VOLUMES "/nothing"), 404);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_volume_is_made_before_it_is_told),
	    TEST(one_that_can_not_be_made_is_taken_back),
	    TEST(what_can_not_be_is_said),
	    TEST(an_app_has_so_many),
	    TEST(one_grows_once_jail_has_done_it),
	    TEST(one_is_destroyed_and_told_until_jail_has_heard),
	    TEST(a_command_has_them_and_exclusive_ones_say_so),
	    TEST(one_is_shown_with_what_is_used_or_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
