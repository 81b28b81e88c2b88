#include "apps.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "applog.h"
#include "audit.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/rand.h"
#include "builds.h"
#include "gone.h"
#include "ipc/msg.h"
#include "net.h"
#include "rollout.h"
#include "routes.h"
#include "want.h"

/* --- names ---------------------------------------------------------------- */

static void make_name(char out[31])
{
	static const char *const first[] = {"amber", "brave", "calm", "clear",
	    "cool", "eager", "early", "fair", "fresh", "gentle", "glad",
	    "green", "kind", "light", "lively", "mellow", "mild", "neat",
	    "noble", "proud", "quick", "quiet", "ready", "silver", "soft",
	    "still", "sunny", "swift", "warm", "wide", "wise", "young"};
	static const char *const second[] = {"beach", "birch", "brook", "cloud",
	    "coast", "dune", "field", "forest", "garden", "grove", "harbor",
	    "hill", "island", "lake", "leaf", "meadow", "moon", "morning",
	    "mountain", "oak", "ocean", "pine", "planet", "pond", "rain",
	    "river", "shore", "sky", "spring", "star", "stone", "wave"};
	uint64_t r = rand_u64();

	snprintf(out, 31, "%s-%s-%05u", first[r % NELEM(first)],
	    second[(r >> 8) % NELEM(second)], (unsigned)((r >> 16) % 100000));
}

static int check_name(struct str name, struct error *err)
{
	if (name_app_reserved(name))
		return error_set(err, ERR_INVALID,
		    "The name " STR_FMT " is the platform's own. Choose "
		    "another one.",
		    STR_ARG(name));
	if (!name_app(name))
		return error_set(err, ERR_INVALID,
		    "An app's name has 3 to %d lower-case letters, digits and "
		    "dashes, starts with a letter and ends with no dash.",
		    NAME_APP_MAX);
	return 0;
}

static int insert(struct web *w, const struct account *by, struct str name,
    struct app *ret, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	int64_t id;

	if (!tx ||
	    store_app_add(w->store, name, by->id, WEB_STACK, &id, err) == -1 ||
	    store_app_get(w->store, id, ret, err) == -1 ||
	    audit(w, by, ret, "app:create", "", err) == -1)
		return -1;
	return store_commit(&tx, err);
}

int apps_create(struct web *w, const struct account *by, struct str name,
    struct app *ret, struct error *err)
{
	char made[31];
	uint64_t n;

	if (name.len == 0) {
		make_name(made);
		name = str_z(made);
	}
	if (check_name(name, err) == -1 ||
	    store_app_count(w->store, &n, err) == -1)
		return -1;
	if (n >= w->settings.apps_max)
		return error_set(err, ERR_LIMIT,
		    "This platform has %" PRIu64 " apps, and no more are "
		    "allowed. Destroy one, or raise the setting apps_max.",
		    n);
	if (insert(w, by, name, ret, err) == -1)
		return -1;
	log_info("app created app=%s id=%" PRId64, ret->name, ret->id);
	routes_put(w, ret);
	applog(w, ret->id, "App %s created by user %s", ret->name, by->email);
	return 0;
}

int apps_rename(struct web *w, const struct account *by, struct app *a,
    struct str name, struct error *err)
{
	scoped_tx struct store *tx = NULL;
	struct app old = *a, new;

	if (str_eqz(name, a->name))
		return 0;
	if (check_name(name, err) == -1)
		return -1;
	tx = store_begin(w->store, err);
	if (!tx || store_app_rename(w->store, a->id, name, err) == -1 ||
	    store_app_get(w->store, a->id, &new, err) == -1 ||
	    audit(w, by, &new, "app:rename", old.name, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	*a = new;
	routes_put(w, a);
	routes_drop_name(w, old.name);
	want_again(w, a->id);
	net_tell_linked(w, a->id);
	applog(w, a->id, "Renamed from %s to %s by user %s", old.name, a->name,
	    by->email);
	return 0;
}

int apps_maintain(struct web *w, const struct account *by, struct app *a,
    bool on, struct error *err)
{
	scoped_tx struct store *tx = NULL;

	if (a->maintenance == on)
		return 0;
	tx = store_begin(w->store, err);
	if (!tx || store_app_maintenance(w->store, a->id, on, err) == -1 ||
	    store_app_get(w->store, a->id, a, err) == -1 ||
	    audit(w, by, a, "app:maintenance", on ? "on" : "off", err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	routes_put(w, a);
	applog(w, a->id, "Maintenance mode %s by user %s",
	    on ? "enabled" : "disabled", by->email);
	return 0;
}

/* --- the end -------------------------------------------------------------- */

static int delete_rows(struct web *w, const struct account *by,
    const struct app *a, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);

	if (!tx || audit(w, by, a, "app:destroy", "", err) == -1 ||
	    store_app_delete(w->store, a->id, err) == -1)
		return -1;
	return store_commit(&tx, err);
}

int apps_destroy(struct web *w, const struct account *by, const struct app *a,
    struct error *err)
{
	scoped_ids struct ids waiting = {0}, builds = {0}, linked = {0};

	if (store_build_waiting(w->store, a->id, ids_add, &waiting, err) ==
	        -1 ||
	    store_build_ids(w->store, a->id, ids_add, &builds, err) == -1 ||
	    store_link_from(w->store, a->id, ids_add, &linked, err) == -1)
		return -1;
	routes_drop(w, a); /* while its domains are known */
	if (delete_rows(w, by, a, err) == -1) {
		routes_put(w, a);
		return -1;
	}
	log_info("app destroyed app=%s id=%" PRId64, a->name, a->id);
	rollout_forget(w, a->id);
	builds_forget(w, &waiting, &builds);
	net_tell(w, a->id);
	for (size_t i = 0; i < linked.n; i++)
		net_tell(w, linked.v[i]);
	gone_tell(w, (uint64_t)a->id);
	return 0;
}

int apps_restart(struct web *w, const struct account *by, const struct app *a,
    struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);

	if (!tx || store_app_restart(w->store, a->id, err) == -1 ||
	    audit(w, by, a, "app:restart", "", err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	want_again(w, a->id);
	applog(w, a->id, "Restarting by user %s", by->email);
	return 0;
}

/* --- people --------------------------------------------------------------- */

int apps_add_collaborator(struct web *w, const struct account *by,
    const struct app *a, const struct account *who, struct error *err)
{
	scoped_tx struct store *tx = NULL;
	uint64_t n;

	if (who->id == a->owner ||
	    store_collaborator_is(w->store, a->id, who->id))
		return 0;
	if (store_collaborator_count(w->store, a->id, &n, err) == -1)
		return -1;
	if (n >= APP_COLLABORATORS_MAX)
		return error_set(err, ERR_LIMIT,
		    "%s has %" PRIu64 " collaborators, and no more are "
		    "allowed. Remove one first.",
		    a->name, n);
	tx = store_begin(w->store, err);
	if (!tx ||
	    store_collaborator_add(w->store, a->id, who->id, err) == -1 ||
	    audit(w, by, a, "collaborator:add", who->email, err) == -1)
		return -1;
	return store_commit(&tx, err);
}

int apps_del_collaborator(struct web *w, const struct account *by,
    const struct app *a, const struct account *who, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);

	if (!tx ||
	    store_collaborator_del(w->store, a->id, who->id, err) == -1 ||
	    audit(w, by, a, "collaborator:remove", who->email, err) == -1)
		return -1;
	return store_commit(&tx, err);
}

/* --- rest ----------------------------------------------------------------- */

int apps_set_idle(struct web *w, const struct account *by, const struct app *a,
    const struct idle *i, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	char text[TEXT_SIZE];

	if (i->stop_seconds && !i->freeze_seconds)
		return error_set(err, ERR_INVALID,
		    "An app is stopped from its frozen state: set "
		    "\"freeze_after\" too.");
	snprintf(text, sizeof(text), "freeze %" PRIu64 " s, stop %" PRIu64 " s",
	    i->freeze_seconds, i->stop_seconds);
	if (!tx || store_idle_set(w->store, a->id, i, err) == -1 ||
	    audit(w, by, a, "idle:set", text, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	want_again(w, a->id);
	return 0;
}

int apps_set_stop_first(struct web *w, const struct account *by,
    const struct app *a, bool on, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);

	if (!tx || store_stop_first_set(w->store, a->id, on, err) == -1 ||
	    audit(w, by, a, "strategy:set", on ? "stop-first" : "rolling",
	        err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	want_again(w, a->id);
	return 0;
}

/* --- domains -------------------------------------------------------------- */

static int check_host(const struct web *w, struct str host, struct error *err)
{
	struct str apps = str_z(w->settings.apps_domain);
	struct str own = str_z(w->settings.host);

	if (!name_host(host) || str_find(host, '.') == -1 ||
	    (host.p[host.len - 1] >= '0' && host.p[host.len - 1] <= '9'))
		return error_set(err, ERR_INVALID,
		    "A domain is a host name of lower-case letters, digits, "
		    "dashes and dots, as in www.example.com.");
	if (routes_is_own(w, host) || str_eq(host, apps) ||
	    (str_ends(host, apps) && host.p[host.len - apps.len - 1] == '.') ||
	    (str_ends(host, own) && host.p[host.len - own.len - 1] == '.'))
		return error_set(err, ERR_INVALID,
		    "Names at %s belong to the platform. Add a domain of "
		    "your own.",
		    w->settings.apps_domain);
	return 0;
}

int apps_add_domain(struct web *w, const struct account *by,
    const struct app *a, struct str host, struct error *err)
{
	scoped_tx struct store *tx = NULL;
	char name[254];
	uint64_t n;

	if (check_host(w, host, err) == -1 ||
	    store_domain_count(w->store, a->id, &n, err) == -1)
		return -1;
	if (n >= APP_DOMAINS_MAX)
		return error_set(err, ERR_LIMIT,
		    "%s has %" PRIu64 " domains, and no more are allowed. "
		    "Remove one first.",
		    a->name, n);
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(host));
	tx = store_begin(w->store, err);
	if (!tx || store_domain_add(w->store, a->id, host, err) == -1 ||
	    audit(w, by, a, "domain:add", name, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	routes_put(w, a);
	applog(w, a->id, "Domain %s added by user %s", name, by->email);
	return 0;
}

int apps_del_domain(struct web *w, const struct account *by,
    const struct app *a, struct str host, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	char name[254];

	snprintf(name, sizeof(name), STR_FMT, STR_ARG(host));
	if (!tx || store_domain_del(w->store, a->id, host, err) == -1 ||
	    audit(w, by, a, "domain:remove", name, err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	routes_drop_host(w, name);
	applog(w, a->id, "Domain %s removed by user %s", name, by->email);
	return 0;
}
