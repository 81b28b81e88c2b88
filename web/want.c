#include "want.h"

#include <inttypes.h>

#include "base/fd.h"
#include "base/log.h"
#include "cron.h"
#include "healthchecks.h"
#include "ipc/msg.h"
#include "meta.h"
#include "net.h"
#include "rollout.h"
#include "volumes.h"

#define LAYERS_MAX (256u * 1024)
#define APP_JSON_MAX 16384 /* F_APP_JSON of a frame */
#define COMMAND_SHOWN 200  /* bytes of a command that plan tells the log */

uint64_t want_default(struct str type)
{
	return str_eqz(type, "web") ? 1 : 0;
}

bool want_is_phase(struct str type)
{
	return str_eqz(type, "release");
}

/* r: what runs it, which may want more than config vars; or NULL. */
static int make_env(struct web *w, int64_t app, int64_t config,
    const struct release *r, struct error *err)
{
	scoped_buf struct buf env = BUF_INIT(ENV_MAX);
	int fd;

	if (r)
		meta_add(w, r, &env);
	if (store_config_get(w->store, app, config, &env, err) == -1 ||
	    net_env(w, app, &env, err) == -1)
		return -1;
	fd = fd_sealed("environment", buf_str(&env), err);
	if (env.p)
		explicit_bzero(env.p, env.len);
	return fd;
}

int want_env(struct web *w, int64_t app, int64_t config, struct error *err)
{
	return make_env(w, app, config, NULL, err);
}

int want_put_image(
    struct web *w, int64_t image, struct frame_out *o, struct error *err)
{
	scoped_buf struct buf layers = BUF_INIT(LAYERS_MAX);
	struct str rest, layer;
	struct image i;

	if (store_image_get(w->store, image, &i, &layers, NULL, err) == -1)
		return -1;
	frame_put_z(o, F_IMAGE, i.digest);
	rest = buf_str(&layers);
	while (rest.len && str_split(&rest, ' ', &layer))
		frame_put(o, F_LAYER, layer);
	return 0;
}

struct group {
	struct web *w;
	int64_t app;
	struct frame_out *o;
	struct healthchecks *health;
};

static void put_group(void *arg, const struct process *p)
{
	struct group *g = arg;
	struct formation f;
	bool set;

	if (want_is_phase(p->type))
		return;
	set = store_formation_find(g->w->store, g->app, p->type, &f, NULL) == 0;
	frame_put(g->o, F_PTYPE, p->type);
	frame_put_u64(
	    g->o, F_QUANTITY, set ? f.quantity : want_default(p->type));
	frame_put_z(g->o, F_SIZE, set ? f.size : SIZE_DEFAULT);
	frame_put(g->o, F_COMMAND, str_sub(p->command, 0, COMMAND_SHOWN));
	healthchecks_put(g->health, p->type, g->o);
}

/* They were checked when the image was made; an old one has none. */
static void read_health(struct web *w, int64_t image, struct healthchecks **ret)
{
	scoped_buf struct buf text = BUF_INIT(APP_JSON_MAX);
	struct error err = {0};

	if (store_image_app_json(w->store, image, &text, &err) == -1 ||
	    healthchecks_read(buf_str(&text), ret, &err) == -1)
		log_warn("health checks not told image=%" PRId64 ": %s", image,
		    err.msg);
}

static void count_one(void *arg, int64_t app)
{
	(*(uint64_t *)arg)++;
}

bool want_is_linked(struct web *w, int64_t app)
{
	uint64_t n = 0;

	return store_link_from(w->store, app, count_one, &n, NULL) == -1 ||
	       n > 0;
}

static int put_idle(
    struct web *w, int64_t app, struct frame_out *o, struct error *err)
{
	struct idle i;

	if (store_idle_get(w->store, app, &i, err) == -1)
		return -1;
	if (i.freeze_seconds == 0 || want_is_linked(w, app))
		return 0;
	frame_put_u64(o, F_FREEZE_MS, i.freeze_seconds * 1000);
	frame_put_u64(o, F_STOP_MS, i.stop_seconds * 1000);
	return 0;
}

/* A volume may ask for the same. */
static int put_strategy(
    struct web *w, int64_t app, struct frame_out *o, struct error *err)
{
	bool stop_first;

	if (store_stop_first_get(w->store, app, &stop_first, err) == -1)
		return -1;
	if (stop_first)
		frame_put_u64(o, F_EXCLUSIVE, 1);
	return 0;
}

static int send_want(struct web *w, const struct release *r,
    enum want_slot slot, struct error *err)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_WANT, 0);
	scoped_fd int env = -1;
	scoped_healthchecks struct healthchecks *health = NULL;
	struct group g = {w, r->app, &o, NULL};
	struct app a;

	if (!peer_is_up(w->plan))
		return 0; /* it gets all when it is back */
	if (store_app_get(w->store, r->app, &a, err) == -1)
		return -1;
	env = make_env(w, r->app, r->config, r, err);
	if (env == -1)
		return -1;
	frame_put_u64(&o, F_APP, (uint64_t)a.id);
	frame_put_z(&o, F_APP_NAME, a.name);
	frame_put_u64(&o, F_SLOT, slot);
	frame_put_u64(&o, F_RELEASE, r->version);
	frame_put_u64(&o, F_GENERATION, a.generation);
	if (put_idle(w, r->app, &o, err) == -1 ||
	    volumes_put(w, r->app, &o, err) == -1 ||
	    put_strategy(w, r->app, &o, err) == -1)
		return -1;
	read_health(w, r->image, &health);
	g.health = health;
	if (want_put_image(w, r->image, &o, err) == -1 ||
	    store_process_list(w->store, r->image, put_group, &g, err) == -1)
		return -1;
	frame_put_fd(&o, env);
	(void)peer_send(w->plan, &o);
	return 0;
}

static void want(struct web *w, const struct release *r, enum want_slot slot)
{
	struct error err = {0};

	if (send_want(w, r, slot, &err) == -1)
		log_error("plan is not told what to run app=%" PRId64
		          " release=%" PRIu64 ": %s",
		    r->app, r->version, err.msg);
}

void want_live(struct web *w, int64_t app)
{
	struct release r;

	if (store_release_live(w->store, app, true, &r, NULL) == -1)
		return;
	want(w, &r, WANT_LIVE);
	cron_tell(w, app);
}

void want_next(struct web *w, const struct release *r)
{
	want(w, r, WANT_NEXT);
}

void want_drop_next(struct web *w, int64_t app)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_WANT_DROP, 0);

	frame_put_u64(&o, F_APP, (uint64_t)app);
	frame_put_u64(&o, F_SLOT, WANT_NEXT);
	(void)peer_send(w->plan, &o);
}

void want_again(struct web *w, int64_t app)
{
	want_live(w, app);
	rollout_want_again(w, app);
}

static void send_plain(struct web *w, uint16_t type)
{
	scoped_frame_out struct frame_out o = frame_begin(type, 0);

	(void)peer_send(w->plan, &o);
}

static void want_app(void *arg, const struct app *a)
{
	want_again(arg, a->id);
}

void want_up(struct web *w)
{
	send_plain(w, MSG_WANT_BEGIN);
	(void)store_app_list(w->store, 0, want_app, w, NULL);
	send_plain(w, MSG_WANT_END);
}
