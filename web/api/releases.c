/* releases - config vars, releases, builds. */
#include "release.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/handlers.h"
#include "base/mem.h"
#include "builds.h"
#include "vars.h"

#define CHANGES_MAX 1000

/* --- config --------------------------------------------------------------- */

/* The snapshot as a flat object; values that are no UTF-8 can't be in it. */
static int config_json(
    struct request *r, int64_t config, json_t **ret, struct error *err)
{
	scoped_buf struct buf env = BUF_INIT(ENV_MAX);
	struct str rest, key, value;

	if (store_config_get(r->w->store, r->app.id, config, &env, err) == -1)
		return -1;
	*ret = json_object();
	rest = buf_str(&env);
	while (vars_next(&rest, &key, &value)) {
		scoped_free char *name = str_dup(key);

		(void)json_object_set_new(
		    *ret, name, json_stringn(value.p, value.len));
	}
	if (env.p)
		explicit_bzero(env.p, env.len);
	return 0;
}

static void send_config(struct request *r, int64_t config)
{
	struct error err = {0};
	json_t *vars;

	if (config_json(r, config, &vars, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, vars);
}

void on_config(struct request *r)
{
	send_config(r, r->app.config);
}

static int read_change(const char *key, const json_t *value,
    struct var_change *ret, struct error *err)
{
	*ret = (struct var_change){
	    .key = str_z(key), .remove = json_is_null(value)};
	if (json_is_string(value))
		ret->value = str_make(
		    json_string_value(value), json_string_length(value));
	else if (!ret->remove)
		return error_set(err, ERR_INVALID,
		    "The value of %.128s must be a text, or null to remove "
		    "it.",
		    key);
	return 0;
}

static int change_config(struct request *r, struct error *err)
{
	size_t n = json_object_size(r->json), at = 0;
	scoped_free struct var_change *changes =
	    xcalloc(n + 1, sizeof(*changes));
	const char *key;
	json_t *value;

	if (n > CHANGES_MAX)
		return error_set(err, ERR_LIMIT,
		    "At most %d config vars are changed at once.", CHANGES_MAX);
	json_object_foreach(r->json, key, value)
	{
		if (read_change(key, value, &changes[at++], err) == -1)
			return -1;
	}
	if (release_config(r->w, &r->app, &r->actor.account, changes, n, err) ==
	    -1)
		return -1;
	return store_app_get(r->w->store, r->app.id, &r->app, err);
}

void on_config_change(struct request *r)
{
	struct error err = {0};

	if (change_config(r, &err) == -1)
		request_error(r, &err);
	else
		send_config(r, r->app.config);
}

/* --- releases ------------------------------------------------------------- */

static uint64_t current_version(struct request *r)
{
	struct release live;

	if (store_release_live(r->w->store, r->app.id, false, &live, NULL) ==
	    -1)
		return 0;
	return live.version;
}

struct rows {
	struct request *r;
	json_t *json;
	const char *base;
	uint64_t current;
	bool desc;
};

/* Rows come newest first. */
static void add_row(struct rows *l, json_t *row)
{
	if (l->desc)
		(void)json_array_append_new(l->json, row);
	else
		(void)json_array_insert_new(l->json, 0, row);
}

static void add_release(void *arg, const struct release *rel)
{
	struct rows *l = arg;

	add_row(l, shape_release(l->base, &l->r->app, rel, l->current));
}

void on_releases(struct request *r)
{
	scoped_buf struct buf base = BUF_INIT(512);
	struct range range = request_range(r);
	struct rows l = {.r = r,
	    .json = json_array(),
	    .current = current_version(r),
	    .desc = range.desc};
	struct error err = {0};

	request_base(r, &base);
	l.base = buf_z(&base);
	if (store_release_list(r->w->store, r->app.id, range.max, add_release,
	        &l, &err) == -1) {
		json_decref(l.json);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, l.json);
}

static void send_release(
    struct request *r, unsigned status, const struct release *rel)
{
	scoped_buf struct buf base = BUF_INIT(512);

	request_base(r, &base);
	request_json(r, status,
	    shape_release(buf_z(&base), &r->app, rel, current_version(r)));
}

void on_release_info(struct request *r)
{
	struct error err = {0};
	struct release rel;

	if (store_release_find(
	        r->w->store, r->app.id, r->match.args[1], &rel, &err) == -1)
		request_error(r, &err);
	else
		send_release(r, 200, &rel);
}

void on_release_config(struct request *r)
{
	struct error err = {0};
	struct release rel;

	if (store_release_find(
	        r->w->store, r->app.id, r->match.args[1], &rel, &err) == -1)
		request_error(r, &err);
	else
		send_config(r, rel.config);
}

/* Back to {"release": its id, or its number}. */
void on_release_create(struct request *r)
{
	const json_t *to = json_object_get(r->json, "release");
	char key[64] = "";
	struct release old, made;
	struct error err = {0};

	if (json_is_string(to))
		snprintf(key, sizeof(key), "%s", json_string_value(to));
	else if (json_is_integer(to))
		snprintf(key, sizeof(key), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(to));
	else {
		request_refuse(r, 422, "invalid_params",
		    "\"release\" names the release to go back to. New code "
		    "comes by git push.");
		return;
	}
	if (store_release_find(
	        r->w->store, r->app.id, str_z(key), &old, &err) == -1 ||
	    release_rollback(
	        r->w, &r->app, &r->actor.account, &old, &made, &err) == -1)
		request_error(r, &err);
	else
		send_release(r, 201, &made);
}

/* --- builds --------------------------------------------------------------- */

static void add_build(void *arg, const struct build *b)
{
	struct rows *l = arg;

	add_row(l, shape_build(l->r->w, l->base, &l->r->app, b));
}

void on_builds(struct request *r)
{
	scoped_buf struct buf base = BUF_INIT(512);
	struct range range = request_range(r);
	struct rows l = {.r = r, .json = json_array(), .desc = range.desc};
	struct error err = {0};

	request_base(r, &base);
	l.base = buf_z(&base);
	if (store_build_list(
	        r->w->store, r->app.id, range.max, add_build, &l, &err) == -1) {
		json_decref(l.json);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, l.json);
}

static void send_build(struct request *r, const struct build *b)
{
	scoped_buf struct buf base = BUF_INIT(512);

	request_base(r, &base);
	request_json(r, 200, shape_build(r->w, buf_z(&base), &r->app, b));
}

static int find_build(struct request *r, struct build *ret, struct error *err)
{
	return store_build_find(
	    r->w->store, r->app.id, r->match.args[1], ret, err);
}

void on_build_info(struct request *r)
{
	struct error err = {0};
	struct build b;

	if (find_build(r, &b, &err) == -1)
		request_error(r, &err);
	else
		send_build(r, &b);
}

void on_build_delete(struct request *r)
{
	char reason[TEXT_SIZE];
	struct error err = {0};
	struct build b;

	snprintf(reason, sizeof(reason), "build cancelled by user %.200s",
	    r->actor.account.email);
	if (find_build(r, &b, &err) == -1 ||
	    builds_cancel(r->w, b.id, reason, &err) == -1 ||
	    find_build(r, &b, &err) == -1)
		request_error(r, &err);
	else
		send_build(r, &b);
}
