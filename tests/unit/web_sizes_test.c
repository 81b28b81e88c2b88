/* web: sizes in the API, and what plan is told of them. */
/* links: web/ web/api/ web/store/ web/ui/ tests/unit/web_world.c */
/* links: -lmicrohttpd -lsqlite3 -ljansson -lcrypto */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "web_world.h"

static int setup(void **state)
{
	*state = world_new();
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static unsigned scale(struct world *w, const char *body)
{
	return ASK(w, .method = "PATCH", .path = "/apps/hello/formation/web",
	    .body = str_z(body));
}

static const char *message(struct world *w)
{
	return world_text(w->json, "message");
}

static void a_size_is_set_and_told_to_plan(void **state)
{
	struct world *w = *state;
	const struct frame *f;

	world_deploy(w);
	world_forget(w);
	assert_int_equal(scale(w, "{\"size\": \"Standard-2X\"}"), 200);
	assert_string_equal(world_text(w->json, "size"), "standard-2x");
	assert_string_equal(
	    world_text(json_object_get(w->json, "dyno_size"), "name"),
	    "standard-2x");
	f = world_expect(w, ROLE_PLAN, MSG_WANT);
	assert_true(str_eqz(frame_str(f, F_SIZE), "standard-2x"));
	assert_int_equal(frame_u64(f, F_QUANTITY), 1);
	/* With Heroku's other member, and by its id. */
	assert_int_equal(scale(w, "{\"dyno_size\": {\"name\": \"eco\"}}"), 200);
	assert_string_equal(world_text(w->json, "size"), "eco");
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/dyno-sizes/standard-1x"), 200);
	char id[64], body[128];
	str_copy(str_z(world_text(w->json, "id")), id, sizeof(id));
	snprintf(body, sizeof(body), "{\"dyno_size\": {\"id\": \"%s\"}}", id);
	assert_int_equal(scale(w, body), 200);
	assert_string_equal(world_text(w->json, "size"), "standard-1x");
}

static void a_bad_size_changes_nothing(void **state)
{
	struct world *w = *state;

	world_deploy(w);
	world_forget(w);
	assert_int_equal(
	    scale(w, "{\"quantity\": 3, \"size\": \"huge\"}"), 422);
	assert_non_null(strstr(message(w), "There is no size huge"));
	assert_non_null(strstr(message(w), "standard-2x"));
	assert_int_equal(
	    ASK(w, .method = "PATCH", .path = "/apps/hello/formation/nobody",
	        .body = STR("{\"size\": \"eco\"}")),
	    404);
	assert_true(world_without(w, ROLE_PLAN, MSG_WANT));
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/apps/hello/formation/web"), 200);
	assert_int_equal(
	    json_integer_value(json_object_get(w->json, "quantity")), 1);
	assert_string_equal(world_text(w->json, "size"), "basic");
}

static void a_formation_is_no_larger_than_the_host(void **state)
{
	struct world *w = *state;

	w->web.settings.host_memory_bytes = 2ull << 30;
	world_deploy(w);
	world_forget(w);
	assert_int_equal(scale(w, "{\"quantity\": 4}"), 200); /* all of it */
	(void)world_expect(w, ROLE_PLAN, MSG_WANT);
	assert_int_equal(scale(w, "{\"quantity\": 5}"), 422);
	assert_non_null(strstr(message(w), "need 2.5G of memory"));
	assert_non_null(strstr(message(w), "this server has 2G"));
	assert_int_equal(scale(w, "{\"size\": \"standard-2x\"}"), 422);
	assert_true(world_without(w, ROLE_PLAN, MSG_WANT));
	/* A smaller server than before: less is always possible. */
	w->web.settings.host_memory_bytes = 1ull << 30;
	assert_int_equal(scale(w, "{\"quantity\": 3}"), 200);
	assert_int_equal(scale(w, "{\"quantity\": 4}"), 422);
}

static void sizes_are_listed(void **state)
{
	struct world *w = *state;
	const json_t *eco;

	assert_int_equal(ASK(w, .method = "GET", .path = "/dyno-sizes"), 200);
	assert_int_equal(json_array_size(w->json), 9);
	eco = json_array_get(w->json, 0);
	assert_string_equal(world_text(eco, "name"), "eco");
	assert_true(json_number_value(json_object_get(eco, "memory")) == 0.5);
	assert_int_equal(
	    ASK(w, .method = "GET", .path = "/dyno-sizes/huge"), 404);
}

static void a_command_has_a_size(void **state)
{
	struct world *w = *state;
	const struct frame *f;
	struct frame_out answer;
	struct call *call;

	w->web.settings.host_memory_bytes = 8ull << 30;
	world_deploy(w);
	assert_int_equal(ASK(w, .method = "POST", .path = "/apps/hello/dynos",
	                     .body = STR("{\"command\": \"true\", \"size\": "
	                                 "\"huge\"}")),
	    422);
	assert_int_equal(ASK(w, .method = "POST", .path = "/apps/hello/dynos",
	                     .body = STR("{\"command\": \"true\", \"size\": "
	                                 "\"performance-2xl\"}")),
	    422);
	assert_non_null(strstr(message(w), "takes 126G of memory"));
	assert_true(world_without(w, ROLE_PLAN, MSG_RUN));
	call = world_call(w, &(struct request_text){.method = "POST",
	                         .path = "/apps/hello/dynos",
	                         .body = STR("{\"command\": \"true\", "
	                                     "\"size\": \"Eco\"}")});
	f = world_expect(w, ROLE_PLAN, MSG_RUN);
	assert_true(str_eqz(frame_str(f, F_SIZE), "eco"));
	answer = frame_begin(MSG_OK, f->id);
	frame_put_u64(&answer, F_INSTANCE, 5);
	assert_int_equal(peer_send(w->plan, &answer), 0);
	assert_int_equal(world_answer(w, call), 201);
	assert_string_equal(world_text(w->json, "size"), "eco");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_size_is_set_and_told_to_plan),
	    TEST(a_bad_size_changes_nothing),
	    TEST(a_formation_is_no_larger_than_the_host),
	    TEST(sizes_are_listed),
	    TEST(a_command_has_a_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
