#include "builds.h"

#include <inttypes.h>
#include <stdio.h>

#include "applog.h"
#include "base/fd.h"
#include "base/log.h"
#include "blog.h"
#include "cron.h"
#include "healthchecks.h"
#include "ipc/msg.h"
#include "push.h"
#include "release.h"
#include "rollout.h"
#include "text.h"
#include "want.h"

#define TYPES_MAX 256
#define LAYERS_MAX 256          /* with TYPES_MAX they fit into one WANT */
#define LISTS_MAX (256u * 1024) /* layers, buildpacks as text */

/* --- to builder ----------------------------------------------------------- */

static int send_start(struct web *w, const struct build *b, struct error *err)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_BUILD_START, 0);
	scoped_fd int log = -1, env = -1;
	struct release live;
	struct app a;

	log = blog_open(w, b->id, true, err);
	if (log == -1 || store_app_get(w->store, b->app, &a, err) == -1)
		return -1;
	frame_put_u64(&o, F_BUILD, (uint64_t)b->id);
	frame_put_u64(&o, F_APP, (uint64_t)a.id);
	frame_put_z(&o, F_APP_NAME, a.name);
	frame_put_u64(&o, F_REPO, (uint64_t)a.id);
	frame_put_z(&o, F_COMMIT, b->commit);
	if (store_release_live(w->store, a.id, true, &live, NULL) == 0 &&
	    want_put_image(w, live.image, &o, err) == -1)
		return -1;
	frame_put_fd(&o, log);
	env = want_env(w, a.id, a.config, err);
	if (env == -1)
		return -1;
	frame_put_fd(&o, env);
	(void)peer_send(w->builder, &o); /* away: again when it is back */
	return 0;
}

static void send_cancel(struct web *w, int64_t build)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_BUILD_CANCEL, 0);

	frame_put_u64(&o, F_BUILD, (uint64_t)build);
	if (w->builder)
		(void)peer_send(w->builder, &o);
}

/* Write the end of a build that made no release, and tell. */
static int fail(
    struct web *w, const struct build *b, struct str why, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	char reason[TEXT_SIZE];

	text_line(why, reason, sizeof(reason));
	if (!reason[0])
		snprintf(reason, sizeof(reason), "build failed");
	if (!tx ||
	    store_build_settle(w->store, b->id, BUILD_FAILED, reason, err) ==
	        -1 ||
	    push_decide(w, b->id, false, reason, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	log_info("build failed build=%" PRId64 " reason=%s", b->id,
	    log_quote(str_z(reason)));
	if (!blog_has(w, b->id, str_z(reason)))
		blog_add(w, b->id, " !     %s\n", reason);
	applog(w, b->app, "Build failed: %s", reason);
	push_tell_build(w, b->id);
	return 0;
}

static void start(struct web *w, const struct build *b)
{
	struct error err = {0};

	if (b->attempts == 0)
		(void)store_build_attempt(w->store, b->id, NULL);
	if (send_start(w, b, &err) == -1 &&
	    fail(w, b, str_z(err.msg), &err) == -1)
		log_error("build neither starts nor fails build=%" PRId64
		          ": %s",
		    b->id, err.msg);
}

void builds_start(struct web *w, int64_t build)
{
	struct build b;

	if (!w->builder)
		blog_add(w, build, "-----> Waiting for the builder...\n");
	else if (store_build_get(w->store, build, &b, NULL) == 0)
		start(w, &b);
}

/* The builder went away under this build. False: once too often. */
static bool start_again(struct web *w, const struct build *b)
{
	struct error err = {0};

	if (b->attempts >= BUILD_ATTEMPTS) {
		if (fail(w, b,
		        STR("the builder stopped three times during this "
		            "build; push again, or look into its log"),
		        &err) == -1)
			log_error("build=%" PRId64 ": %s", b->id, err.msg);
		return false;
	}
	(void)store_build_attempt(w->store, b->id, NULL);
	blog_add(w, b->id,
	    "-----> The builder was restarted, the build starts again "
	    "(%" PRIu64 " of %d)\n",
	    b->attempts + 1, BUILD_ATTEMPTS);
	return true;
}

void builds_up(struct web *w)
{
	scoped_ids struct ids ids = {0};
	bool lost = w->builder_lost;
	struct build b;

	w->builder_lost = false;
	(void)store_build_waiting(w->store, 0, ids_add, &ids, NULL);
	for (size_t i = 0; i < ids.n; i++) {
		if (store_build_get(w->store, ids.v[i], &b, NULL) == -1)
			continue;
		if (!lost || b.attempts == 0 || start_again(w, &b))
			start(w, &b);
	}
}

void builds_down(struct web *w)
{
	w->builder_lost = true;
}

int builds_cancel(
    struct web *w, int64_t build, const char *reason, struct error *err)
{
	struct release r;
	struct build b;

	if (store_build_get(w->store, build, &b, err) == -1)
		return -1;
	if (b.state != BUILD_PENDING)
		return error_set(
		    err, ERR_INVALID, "The build has ended already.");
	if (b.release) {
		if (store_release_get(w->store, b.release, &r, err) == -1)
			return -1;
		return rollout_cancel(w, &r, reason, err);
	}
	if (fail(w, &b, str_z(reason), err) == -1)
		return -1;
	send_cancel(w, b.id);
	return 0;
}

void builds_forget(
    struct web *w, const struct ids *waiting, const struct ids *all)
{
	for (size_t i = 0; i < waiting->n; i++)
		send_cancel(w, waiting->v[i]);
	for (size_t i = 0; i < all->n; i++)
		blog_remove(w, all->v[i]);
	blog_check_all(w);
}

/* --- from builder --------------------------------------------------------- */

void builds_tick(struct web *w, struct peer *p, struct frame *f)
{
	blog_grown(w, (int64_t)frame_u64(f, F_BUILD));
}

void builds_stage(struct web *w, struct peer *p, struct frame *f)
{
	int64_t id = (int64_t)frame_u64(f, F_BUILD);
	struct error err = {0};
	struct build b;

	if (store_build_get(w->store, id, &b, NULL) == -1)
		return; /* its app is gone */
	if (store_stage_put(w->store, id, frame_str(f, F_STAGE),
	        frame_u64(f, F_MS), frame_u64(f, F_CACHED) != 0, &err) == -1)
		log_warn("stage not kept build=%" PRId64 ": %s", id, err.msg);
}

struct made {
	struct process types[TYPES_MAX];
	size_t ntypes, nlayers;
	struct buf layers, buildpacks;
};

static void made_release(struct made *m)
{
	buf_release(&m->layers);
	buf_release(&m->buildpacks);
}
#define scoped_made __attribute__((cleanup(made_release)))

static void add_item(struct buf *out, char between, struct str item)
{
	if (out->len)
		buf_addc(out, between);
	buf_add(out, item);
}

/* Take the groups of BUILD_DONE; what is borrowed lives as long as f. */
static int read_made(const struct frame *f, struct made *m, struct error *err)
{
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_LAYER && m->nlayers++ == LAYERS_MAX)
			return error_set(err, ERR_LIMIT,
			    "the image has more than %d layers", LAYERS_MAX);
		if (tag == F_LAYER)
			add_item(&m->layers, ' ', value);
		else if (tag == F_BUILDPACK)
			add_item(&m->buildpacks, '\n', value);
		else if (tag == F_PTYPE && m->ntypes < TYPES_MAX)
			m->types[m->ntypes++] =
			    (struct process){value, {"", 0}};
		else if (tag == F_PTYPE)
			return error_set(err, ERR_LIMIT,
			    "the Procfile names more than %d process types",
			    TYPES_MAX);
		else if (tag == F_COMMAND && m->ntypes)
			m->types[m->ntypes - 1].command = value;
	}
	return 0;
}

/* "Procfile declares types -> web, worker" */
static void say_types(struct web *w, int64_t build, const struct made *m)
{
	scoped_buf struct buf names = BUF_INIT(TYPES_MAX * 70);
	bool procfile =
	    str_find_str(buf_str(&m->buildpacks), STR("procfile")) != -1;

	for (size_t i = 0; i < m->ntypes; i++) {
		if (i)
			buf_addz(&names, ", ");
		buf_add(&names, m->types[i].type);
	}
	blog_add(w, build,
	    "-----> Discovering process types\n       %s -> %s\n",
	    procfile ? "Procfile declares types"
	             : "Default types for buildpack",
	    m->ntypes ? buf_z(&names) : "(none)");
}

static bool makes(void *arg, struct str type)
{
	const struct made *m = arg;

	for (size_t i = 0; i < m->ntypes; i++)
		if (str_eq(m->types[i].type, type))
			return true;
	return false;
}

/* A declaration that means nothing is better told now than missed later. */
static int check_health(struct str app_json, struct made *m, struct error *err)
{
	scoped_healthchecks struct healthchecks *h = NULL;
	const char *stranger;

	if (healthchecks_read(app_json, &h, err) == -1)
		return -1;
	stranger = healthchecks_stranger(h, makes, m);
	if (stranger)
		return error_set(err, ERR_INVALID,
		    "app.json: healthchecks.%s: the app has no process type "
		    "%s (its Procfile names them)",
		    stranger, stranger);
	return 0;
}

static int take_built(struct web *w, const struct build *b,
    const struct frame *f, struct error *err)
{
	scoped_made struct made m = {
	    .layers = BUF_INIT(LISTS_MAX), .buildpacks = BUF_INIT(LISTS_MAX)};
	struct image_new image = {.digest = frame_str(f, F_IMAGE),
	    .app_json = frame_str(f, F_APP_JSON)};
	struct release r;

	if (read_made(f, &m, err) == -1 ||
	    check_health(image.app_json, &m, err) == -1 ||
	    cron_check(w, image.app_json, err) == -1)
		return -1;
	image.layers = buf_str(&m.layers);
	image.buildpacks = buf_str(&m.buildpacks);
	image.processes = m.types;
	image.nprocesses = m.ntypes;
	if (release_built(w, b, &image, &r, err) == -1)
		return -1;
	log_info("build finished build=%" PRId64 " app=%" PRId64
	         " release=%" PRIu64,
	    b->id, b->app, r.version);
	say_types(w, b->id, &m);
	applog(w, b->app, "Build succeeded");
	rollout_next(w, b->app);
	return 0;
}

static void answer(struct peer *p, const struct frame *f)
{
	if (f->id)
		(void)peer_send_ok(p, f->id);
}

void builds_done(struct web *w, struct peer *p, struct frame *f)
{
	struct error err = {0};
	struct build b;

	/* Told twice, cancelled, or its app is gone: nothing is to be done. */
	if (store_build_get(
	        w->store, (int64_t)frame_u64(f, F_BUILD), &b, NULL) == 0 &&
	    b.state == BUILD_PENDING && !b.release &&
	    take_built(w, &b, f, &err) == -1 &&
	    fail(w, &b, str_z(err.msg), &err) == -1) {
		log_error(
		    "build not taken build=%" PRId64 ": %s", b.id, err.msg);
		if (f->id)
			(void)peer_send_error(p, f->id, &err);
		return;
	}
	answer(p, f);
}

void builds_failed(struct web *w, struct peer *p, struct frame *f)
{
	struct error err = {0};
	struct build b;

	if (store_build_get(
	        w->store, (int64_t)frame_u64(f, F_BUILD), &b, NULL) == 0 &&
	    b.state == BUILD_PENDING && !b.release &&
	    fail(w, &b, frame_str(f, F_TEXT), &err) == -1) {
		log_error(
		    "build not failed build=%" PRId64 ": %s", b.id, err.msg);
		if (f->id)
			(void)peer_send_error(p, f->id, &err);
		return;
	}
	answer(p, f);
}
