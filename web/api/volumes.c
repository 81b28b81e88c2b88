/* volumes - the persistent folders of an app, as JSON. */
#include "volumes.h"

#include <stdio.h>

#include "api/handlers.h"
#include "base/mem.h"
#include "base/name.h"

/* It goes on when the client is gone. */
struct op {
	struct volume_ask ask;
	struct request *r; /* NULL: nobody waits any more */
	unsigned status;
	bool may_fail; /* the answer says null then */
};

static json_t *shape(
    const struct app *a, const struct volume *v, const struct op *op)
{
	return json_pack("{s:s, s:s, s:I, s:s, s:b, s:o, s:o, s:{s:s, s:s}, "
	                 "s:o, s:o}",
	    "id", v->uuid, "name", v->name, "size", (json_int_t)v->bytes,
	    "path", v->path, "exclusive", (int)v->exclusive, "used",
	    op ? json_integer((json_int_t)op->ask.used) : json_null(), "files",
	    op ? json_integer((json_int_t)op->ask.files) : json_null(), "app",
	    "id", a->uuid, "name", a->name, "created_at",
	    shape_time(v->created_at), "updated_at", shape_time(v->updated_at));
}

static void forget(void *arg)
{
	((struct op *)arg)->r = NULL;
}

static void over(struct volume_ask *a, const struct error *err)
{
	struct op *op = container_of(a, struct op, ask);
	struct request *r = op->r;

	if (r) {
		r->wait = NULL;
		if (err && !op->may_fail)
			request_error(r, err);
		else
			request_json(r, op->status,
			    shape(&r->app, &a->volume, err ? NULL : op));
	}
	free(op);
}

static struct op *op_new(struct request *r, unsigned status)
{
	struct op *op = xcalloc(1, sizeof(*op));

	op->r = r;
	op->status = status;
	op->ask.done = over;
	return op;
}

static void op_begun(struct op *op, int done, const struct error *err)
{
	struct request *r = op->r;

	if (done == -1) {
		free(op);
		request_error(r, err);
		return;
	}
	r->wait = op;
	r->wait_free = forget;
}

/* --- reading -------------------------------------------------------------- */

/* 1073741824, or "1G". */
static int read_size(struct request *r, uint64_t *ret, struct error *err)
{
	const json_t *value = json_object_get(r->json, "size");

	if (json_is_integer(value) && json_integer_value(value) > 0) {
		*ret = (uint64_t)json_integer_value(value);
		return 0;
	}
	if (json_is_string(value) &&
	    settings_bytes(
	        str_make(json_string_value(value), json_string_length(value)),
	        ret))
		return 0;
	return error_set(err, ERR_INVALID,
	    "\"size\" is a number of bytes, with K, M or G behind it or not, "
	    "as in 1G.");
}

static int read_text(struct request *r, const char *name, char *out,
    size_t size, struct error *err)
{
	struct str value;

	if (request_text(r, name, &value, err) == -1)
		return -1;
	if (value.len == 0 || value.len >= size || str_find(value, '\0') != -1)
		return error_set(err, ERR_INVALID,
		    "A volume has a \"name\", a \"size\" and a \"path\", as in "
		    "data, 1G and /data.");
	str_copy(value, out, size);
	return 0;
}

static int read_volume(struct request *r, struct volume *v, struct error *err)
{
	const json_t *exclusive = json_object_get(r->json, "exclusive");

	*v = (struct volume){.app = r->app.id};
	if (read_text(r, "name", v->name, sizeof(v->name), err) == -1 ||
	    read_text(r, "path", v->path, sizeof(v->path), err) == -1)
		return -1;
	if (exclusive && !json_is_boolean(exclusive) &&
	    !json_is_null(exclusive))
		return error_set(
		    err, ERR_INVALID, "\"exclusive\" is true or false.");
	v->exclusive = json_is_true(exclusive);
	return read_size(r, &v->bytes, err);
}

static int find(struct request *r, struct volume *v)
{
	struct error err = {0};

	if (store_volume_find(
	        r->w->store, r->app.id, r->match.args[1], v, &err) == 0)
		return 0;
	request_error(r, &err);
	return -1;
}

/* --- routes --------------------------------------------------------------- */

struct rows {
	struct request *r;
	json_t *json;
};

static void add_row(void *arg, const struct volume *v)
{
	struct rows *l = arg;

	(void)json_array_append_new(l->json, shape(&l->r->app, v, NULL));
}

void on_volumes(struct request *r)
{
	struct rows l = {r, json_array()};
	struct error err = {0};

	if (store_volume_list(r->w->store, r->app.id, add_row, &l, &err) ==
	    -1) {
		json_decref(l.json);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, l.json);
}

void on_volume_create(struct request *r)
{
	struct error err = {0};
	struct volume v;
	struct op *op;

	if (read_volume(r, &v, &err) == -1) {
		request_error(r, &err);
		return;
	}
	op = op_new(r, 201);
	op_begun(op,
	    volumes_create(
	        r->w, &r->actor.account, &r->app, &v, &op->ask, &err),
	    &err);
}

void on_volume_info(struct request *r)
{
	struct error err = {0};
	struct volume v;
	struct op *op;

	if (find(r, &v) == -1)
		return;
	op = op_new(r, 200);
	op->may_fail = true; /* the rest is known all the same */
	op_begun(op, volumes_look(r->w, &r->app, &v, &op->ask, &err), &err);
}

void on_volume_change(struct request *r)
{
	struct error err = {0};
	struct volume v;
	uint64_t bytes;
	struct op *op;

	if (find(r, &v) == -1)
		return;
	if (read_size(r, &bytes, &err) == -1) {
		request_error(r, &err);
		return;
	}
	op = op_new(r, 200);
	op_begun(op,
	    volumes_resize(
	        r->w, &r->actor.account, &r->app, &v, bytes, &op->ask, &err),
	    &err);
}

void on_volume_delete(struct request *r)
{
	struct error err = {0};
	struct volume v;

	if (find(r, &v) == -1)
		return;
	if (volumes_destroy(r->w, &r->actor.account, &r->app, &v, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape(&r->app, &v, NULL));
}
