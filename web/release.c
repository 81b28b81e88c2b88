#include "release.h"

#include <inttypes.h>
#include <stdio.h>

#include "applog.h"
#include "rollout.h"

bool release_is_eligible(const struct release *r)
{
	return r->state == RELEASE_SUCCEEDED && r->image;
}

/* Within a transaction: the app's config; an empty one where it has none. */
static int config_of(
    struct web *w, const struct app *a, int64_t *ret, struct error *err)
{
	if (a->config) {
		*ret = a->config;
		return 0;
	}
	if (store_config_add(w->store, a->id, (struct str){0}, ret, err) == -1)
		return -1;
	return store_app_config(w->store, a->id, *ret, err);
}

static int audit(struct web *w, int64_t account, const struct app *a,
    const struct release *r, struct error *err)
{
	char detail[TEXT_SIZE + 32];

	snprintf(detail, sizeof(detail), "v%" PRIu64 ": %s", r->version,
	    r->description);
	return store_event_add(w->store,
	    &(struct event_new){.account = account,
	        .app = a->id,
	        .app_name = a->name,
	        .action = "release:create",
	        .detail = detail},
	    err);
}

/* Within a transaction. Without an image there is nothing to wait for. */
static int add(struct web *w, const struct app *a, struct release_new *n,
    struct release *ret, struct error *err)
{
	n->app = a->id;
	n->state = n->image ? RELEASE_PENDING : RELEASE_SUCCEEDED;
	if (store_release_add(w->store, n, ret, err) == -1)
		return -1;
	return audit(w, n->account, a, ret, err);
}

static void announce(struct web *w, const struct release *r)
{
	applog(w, r->app, "Release v%" PRIu64 " created by user %s", r->version,
	    r->email);
	applog(w, r->app, "%s by user %s", r->description, r->email);
	rollout_next(w, r->app);
}

/* --- config --------------------------------------------------------------- */

/* The image that the next release of the app runs; 0: none yet. */
static int64_t next_image(struct web *w, int64_t app)
{
	struct release r;

	return store_release_next(w->store, app, &r, NULL) == 0 ? r.image : 0;
}

static int write_config(struct web *w, const struct app *a,
    const struct account *by, struct str env, const char *what,
    struct release *ret, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	struct release_new n = {.account = by->id,
	    .description = what,
	    .image = next_image(w, a->id)};

	if (!tx ||
	    store_config_add(w->store, a->id, env, &n.config, err) == -1 ||
	    store_app_config(w->store, a->id, n.config, err) == -1 ||
	    add(w, a, &n, ret, err) == -1)
		return -1;
	return store_commit(&tx, err);
}

int release_config(struct web *w, const struct app *a, const struct account *by,
    const struct var_change *changes, size_t n, struct error *err)
{
	const struct vars_limits limits = {
	    w->settings.config_value_bytes, w->settings.config_total_bytes};
	scoped_buf struct buf old = BUF_INIT(ENV_MAX);
	scoped_buf struct buf env = BUF_INIT(ENV_MAX);
	scoped_buf struct buf what = BUF_INIT(1u << 20);
	char text[TEXT_SIZE];
	struct release r;

	if (store_config_get(w->store, a->id, a->config, &old, err) == -1 ||
	    vars_apply(buf_str(&old), changes, n, &limits, &env, &what, err) ==
	        -1)
		return -1;
	if (what.len == 0)
		return 0;
	snprintf(text, sizeof(text), "%s", buf_z(&what));
	if (what.len >= sizeof(text))
		memcpy(text + sizeof(text) - 4, "...", 4);
	if (write_config(w, a, by, buf_str(&env), text, &r, err) == -1)
		return -1;
	announce(w, &r);
	return 0;
}

/* --- back ----------------------------------------------------------------- */

static int write_rollback(struct web *w, const struct app *a,
    const struct account *by, const struct release *to, struct release *ret,
    struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	char text[64];
	struct release_new n = {.account = by->id,
	    .description = text,
	    .image = to->image,
	    .config = to->config};

	snprintf(text, sizeof(text), "Rollback to v%" PRIu64, to->version);
	if (!tx || store_app_config(w->store, a->id, to->config, err) == -1 ||
	    add(w, a, &n, ret, err) == -1)
		return -1;
	return store_commit(&tx, err);
}

int release_rollback(struct web *w, const struct app *a,
    const struct account *by, const struct release *to, struct release *ret,
    struct error *err)
{
	if (!release_is_eligible(to))
		return error_set(err, ERR_INVALID,
		    "v%" PRIu64 " never served, so there is no way back to "
		    "it. See `paas releases`.",
		    to->version);
	if (write_rollback(w, a, by, to, ret, err) == -1)
		return -1;
	announce(w, ret);
	return 0;
}

/* --- a build -------------------------------------------------------------- */

int release_built(struct web *w, const struct build *b,
    const struct image_new *i, struct release *ret, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	char text[64];
	struct release_new n = {.account = b->account, .description = text};
	struct app a;

	snprintf(text, sizeof(text), "Deploy %.8s", b->commit);
	if (!tx || store_app_get(w->store, b->app, &a, err) == -1 ||
	    config_of(w, &a, &n.config, err) == -1 ||
	    store_image_put(w->store, a.id, i, &n.image, err) == -1 ||
	    add(w, &a, &n, ret, err) == -1 ||
	    store_build_released(w->store, b->id, ret->id, err) == -1 ||
	    store_release_get(w->store, ret->id, ret, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	applog(w, a.id, "Deploy %.8s by user %s", b->commit, ret->email);
	applog(w, a.id, "Release v%" PRIu64 " created by user %s", ret->version,
	    ret->email);
	return 0;
}

int release_remake(struct web *w, const struct release *r, struct error *err)
{
	struct release_new n = {.account = r->account,
	    .config = r->config,
	    .description = r->description};
	struct release live, made;
	struct app a;

	if (store_release_live(w->store, r->app, true, &live, NULL) == 0)
		n.image = live.image;
	if (store_app_get(w->store, r->app, &a, err) == -1)
		return -1;
	return add(w, &a, &n, &made, err);
}
