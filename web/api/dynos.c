/* dynos - formation and processes: list, scale, restart, stop. */
#include "dynos.h"

#include "api/handlers.h"
#include "apps.h"
#include "await.h"
#include "base/mem.h"
#include "oneoff.h"

#define UPDATES_MAX 100

/* --- formation ------------------------------------------------------------ */

struct rows {
	struct request *r;
	json_t *json;
};

static void add_formation(void *arg, const struct formation *f)
{
	struct rows *l = arg;

	(void)json_array_append_new(
	    l->json, shape_formation(l->r->w, &l->r->app, f));
}

void on_formations(struct request *r)
{
	struct rows l = {r, json_array()};
	struct error err = {0};

	if (store_formation_list(
	        r->w->store, r->app.id, add_formation, &l, &err) == -1) {
		json_decref(l.json);
		request_error(r, &err);
		return;
	}
	request_json(r, 200, l.json);
}

void on_formation_info(struct request *r)
{
	struct error err = {0};
	struct formation f;

	if (store_formation_find(
	        r->w->store, r->app.id, r->match.args[1], &f, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 200, shape_formation(r->w, &r->app, &f));
}

/* A quantity is a number, or a text that may have a sign; mem is its. */
static int read_quantity(
    const json_t *value, char mem[24], struct str *ret, struct error *err)
{
	json_int_t n = json_integer_value(value);

	*ret = (struct str){0};
	if (!value || json_is_null(value))
		return 0;
	if (json_is_string(value)) {
		*ret = str_make(
		    json_string_value(value), json_string_length(value));
		return 0;
	}
	if (!json_is_integer(value) || n < 0)
		return error_set(err, ERR_INVALID,
		    "A quantity is a number (2), or a change with a sign as "
		    "text (\"+1\").");
	snprintf(mem, 24, "%" JSON_INTEGER_FORMAT, n);
	*ret = str_z(mem);
	return 0;
}

static int read_word(
    const json_t *update, const char *name, struct str *ret, struct error *err)
{
	const json_t *value = json_object_get(update, name);

	if (json_is_object(value)) /* {"name": ...} or {"id": ...} */
		value = json_object_get(value, "name")
		            ? json_object_get(value, "name")
		            : json_object_get(value, "id");
	return request_word(value, name, ret, err);
}

struct update {
	struct scale scale;
	char quantity[24];
};

static int read_update(const json_t *from, struct update *u, struct error *err)
{
	if (!json_is_object(from))
		return error_set(
		    err, ERR_INVALID, "An update must be an object.");
	if (read_word(from, "type", &u->scale.type, err) == -1 ||
	    read_word(from, "size", &u->scale.size, err) == -1 ||
	    read_quantity(json_object_get(from, "quantity"), u->quantity,
	        &u->scale.quantity, err) == -1)
		return -1;
	if (!u->scale.size.p)
		return read_word(from, "dyno_size", &u->scale.size, err);
	return 0;
}

static int scale(struct request *r, const json_t *updates, struct error *err)
{
	size_t n = json_array_size(updates);
	scoped_free struct update *u = xcalloc(n + 1, sizeof(*u));
	scoped_free struct scale *v = xcalloc(n + 1, sizeof(*v));

	if (!n || n > UPDATES_MAX)
		return error_set(err, ERR_INVALID,
		    "\"updates\" is a list of {\"type\", \"quantity\"}.");
	for (size_t i = 0; i < n; i++) {
		if (read_update(json_array_get(updates, i), &u[i], err) == -1)
			return -1;
		v[i] = u[i].scale;
		if (!v[i].type.len)
			return error_set(err, ERR_INVALID,
			    "An update names its \"type\", as in web.");
	}
	return apps_scale(r->w, &r->actor.account, &r->app, v, n, err);
}

void on_formation_change(struct request *r)
{
	struct error err = {0};

	if (scale(r, json_object_get(r->json, "updates"), &err) == -1)
		request_error(r, &err);
	else
		on_formations(r);
}

void on_formation_one(struct request *r)
{
	struct error err = {0};
	struct update u = {0};

	if (read_update(r->json, &u, &err) == -1) {
		request_error(r, &err);
		return;
	}
	u.scale.type = r->match.args[1];
	if (apps_scale(r->w, &r->actor.account, &r->app, &u.scale, 1, &err) ==
	    -1)
		request_error(r, &err);
	else
		on_formation_info(r);
}

/* --- processes ------------------------------------------------------------ */

struct wait {
	struct dynos_wait item;
	struct ev_timer timer;
	struct request *r;
	void (*then)(struct request *r);
};

#define KNOWN_MS 5000

static void wait_free(void *arg)
{
	struct wait *v = arg;

	list_del(&v->item.item);
	ev_timer_stop(&v->timer);
	free(v);
}

static void wait_over(struct wait *v)
{
	struct request *r = v->r;
	void (*then)(struct request * r) = v->then;

	r->wait = NULL;
	wait_free(v);
	if (dynos_known(r->w))
		then(r);
	else
		request_refuse(r, 503, "unavailable",
		    "What runs is not known yet: a part of the platform "
		    "(plan) is restarting. Try again in a moment.");
}

static void known(struct dynos_wait *item)
{
	wait_over(container_of(item, struct wait, item));
}

static void too_late(struct ev_timer *t)
{
	wait_over(container_of(t, struct wait, timer));
}

void request_dynos(struct request *r, void (*then)(struct request *r))
{
	struct wait *v;

	if (dynos_known(r->w)) {
		then(r);
		return;
	}
	v = xcalloc(1, sizeof(*v));
	*v = (struct wait){.item = {.known = known},
	    .timer = {.fire = too_late},
	    .r = r,
	    .then = then};
	r->wait = v;
	r->wait_free = wait_free;
	dynos_wait_add(r->w, &v->item);
	ev_timer_set(r->w->ev, &v->timer, KNOWN_MS);
}

/* --- a peer that is away -------------------------------------------------- */

struct absence {
	struct await await;
	struct request *r;
	void (*then)(struct request *r);
};

static void absence_free(void *arg)
{
	struct absence *v = arg;

	await_cancel(&v->await);
	free(v);
}

static void absence_over(struct await *a, const struct error *err)
{
	struct absence *v = container_of(a, struct absence, await);
	struct request *r = v->r;
	void (*then)(struct request * r) = v->then;

	r->wait = NULL;
	absence_free(v);
	if (err)
		request_error(r, err);
	else
		then(r);
}

/* Call then(r) once p is there. */
static void when_up(
    struct request *r, struct peer *p, void (*then)(struct request *r))
{
	struct absence *v;

	if (peer_is_up(p)) {
		then(r);
		return;
	}
	v = xcalloc(1, sizeof(*v));
	*v = (struct absence){
	    .await = {.over = absence_over}, .r = r, .then = then};
	r->wait = v;
	r->wait_free = absence_free;
	await_peer(r->w, &v->await, p);
}

static void send_dynos(struct request *r)
{
	scoped_free const struct dyno **v = NULL;
	size_t n = dynos_of(r->w, r->app.id, &v);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(
		    list, shape_dyno(r->w, &r->app, v[i]));
	request_json(r, 200, list);
}

void on_dynos(struct request *r)
{
	request_dynos(r, send_dynos);
}

/* Of two of one name, as during a deploy: the one that works, the newer. */
static bool is_better(const struct dyno *d, const struct dyno *than)
{
	if (!than || (d->state == DYNO_UP) != (than->state == DYNO_UP))
		return !than || d->state == DYNO_UP;
	return d->instance > than->instance;
}

const struct dyno *request_dyno(struct request *r)
{
	scoped_free const struct dyno **v = NULL;
	size_t n = dynos_of(r->w, r->app.id, &v);
	const struct dyno *best = NULL;
	char uuid[37];

	for (size_t i = 0; i < n; i++) {
		shape_instance_uuid(v[i]->instance, uuid);
		if ((str_eqz(r->match.args[1], v[i]->name) ||
		        str_eqz(r->match.args[1], uuid)) &&
		    is_better(v[i], best))
			best = v[i];
	}
	if (!best)
		request_refuse(r, 404, "not_found",
		    "There is no such process. See `paas ps`.");
	return best;
}

static void send_dyno(struct request *r)
{
	const struct dyno *d = request_dyno(r);

	if (d)
		request_json(r, 200, shape_dyno(r->w, &r->app, d));
}

void on_dyno_info(struct request *r)
{
	request_dynos(r, send_dyno);
}

void on_dynos_restart(struct request *r)
{
	struct error err = {0};

	if (apps_restart(r->w, &r->actor.account, &r->app, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 202, json_object());
}

static void stop_dyno(struct request *r)
{
	const struct dyno *d = request_dyno(r);
	struct error err = {0};

	if (!d)
		return;
	if (oneoff_stop(r->w, r->app.id, d->name, &err) == -1)
		request_error(r, &err);
	else
		request_json(r, 202, json_object());
}

static void stop_dyno_known(struct request *r)
{
	request_dynos(r, stop_dyno);
}

void on_dyno_stop(struct request *r)
{
	when_up(r, r->w->plan, stop_dyno_known);
}

static void stop_type(struct request *r)
{
	scoped_free const struct dyno **v = NULL;
	size_t n = dynos_of(r->w, r->app.id, &v), stopped = 0;
	struct error err = {0};

	for (size_t i = 0; i < n; i++) {
		if (!str_eqz(r->match.args[1], v[i]->type))
			continue;
		if (oneoff_stop(r->w, r->app.id, v[i]->name, &err) == -1) {
			request_error(r, &err);
			return;
		}
		stopped++;
	}
	if (stopped)
		request_json(r, 202, json_object());
	else
		request_refuse(r, 404, "not_found",
		    "No process of this type runs. See `paas ps`.");
}

static void stop_type_known(struct request *r)
{
	request_dynos(r, stop_type);
}

void on_type_stop(struct request *r)
{
	when_up(r, r->w->plan, stop_type_known);
}
