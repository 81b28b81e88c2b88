#include "api/shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "apps.h"
#include "base/clock.h"
#include "ipc/msg.h"
#include "release.h"
#include "routes.h"
#include "text.h"
#include "url.h"

/* Made once: these things have no rows, but must have ids. */
#define REGION_ID "3544427e-bf43-41fa-a6f9-6d7e31f44d13"
#define STACK_ID "f4c7a8b4-27fb-4d14-8f1c-5f9d5b7f2a1e"
#define GENERATION_ID "a2d29f2f-4f0f-4fe0-9d2e-2f1f0a1f3c77"

#define COMMAND_MAX 40000

int64_t shape_now(void)
{
	return (int64_t)(clock_real_ms() / 1000);
}

json_t *shape_time(int64_t seconds)
{
	char text[21];

	if (seconds == 0)
		return json_null();
	clock_rfc3339(seconds, text);
	return json_string(text);
}

/* Text of a stranger, who may have written anything. */
static json_t *clean(struct str text)
{
	scoped_buf struct buf out = BUF_INIT(3 * COMMAND_MAX);

	text_clean(text, &out);
	return json_string(buf_z(&out));
}

static json_t *user(const char *uuid, const char *email)
{
	return json_pack("{s:s, s:s}", "id", uuid, "email", email);
}

/* --- accounts ------------------------------------------------------------- */

json_t *shape_account(const struct account *a)
{
	return json_pack("{s:s, s:s, s:n, s:b, s:b, s:o, s:o, s:n, s:b, s:b, "
	                 "s:b, s:n, s:n, s:n, s:n, s:n, s:n, s:n}",
	    "id", a->uuid, "email", a->email, "name", "allow_tracking", 0,
	    "beta", 0, "created_at", shape_time(a->created_at), "updated_at",
	    shape_time(a->created_at), "last_login", "verified", 1,
	    "two_factor_authentication", 0, "federated", 0, "suspended_at",
	    "delinquent_at", "sms_number", "default_team",
	    "default_organization", "country_of_residence",
	    "identity_provider");
}

static json_t *scope_list(const char *scope)
{
	json_t *list = json_array();
	struct str rest = str_z(scope), name;

	while (str_split(&rest, ',', &name))
		(void)json_array_append_new(
		    list, json_stringn(name.p, name.len));
	return list;
}

json_t *shape_token(
    const struct token *t, const struct account *a, const char *secret)
{
	json_t *left = t->expires_at ? json_integer(t->expires_at - shape_now())
	                             : json_null();

	return json_pack("{s:s, s:s, s:o, s:{s:s, s:s, s:o}, s:n, s:n, s:n, "
	                 "s:n, s:{s:s, s:s, s:n}, s:o, s:o}",
	    "id", t->uuid, "description", t->description, "scope",
	    scope_list(t->scope), "access_token", "id", t->uuid, "token",
	    secret ? secret : "(shown once, when it was made)", "expires_in",
	    left, "client", "grant", "refresh_token", "session", "user", "id",
	    a->uuid, "email", a->email, "full_name", "created_at",
	    shape_time(t->created_at), "updated_at", shape_time(t->created_at));
}

/* --- apps ----------------------------------------------------------------- */

json_t *shape_region(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:{s:s, s:s}, s:s, "
	                 "s:s}",
	    "id", REGION_ID, "name", REGION, "description",
	    "The machine of this platform", "country", "", "locale", "",
	    "private_capable", 0, "provider", "name", "paas", "region", REGION,
	    "created_at", "2026-01-01T00:00:00Z", "updated_at",
	    "2026-01-01T00:00:00Z");
}

json_t *shape_stack(void)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "id", STACK_ID,
	    "name", WEB_STACK, "state", "public", "default", 1, "created_at",
	    "2026-01-01T00:00:00Z", "updated_at", "2026-01-01T00:00:00Z");
}

static json_t *app_ref(const struct app *a)
{
	return json_pack("{s:s, s:s}", "id", a->uuid, "name", a->name);
}

static json_t *stack_ref(const char *name)
{
	return json_pack("{s:s, s:s}", "id", STACK_ID, "name", name);
}

/* The buildpacks of what runs or is to run, in words. */
static json_t *described(struct web *w, const struct app *a)
{
	scoped_buf struct buf packs = BUF_INIT(COMMAND_MAX);
	struct release r;
	struct image i;

	if (store_release_next(w->store, a->id, &r, NULL) == -1 ||
	    store_image_get(w->store, r.image, &i, NULL, &packs, NULL) == -1 ||
	    packs.len == 0)
		return json_null();
	return clean(buf_str(&packs)); /* newlines become spaces */
}

/*
 * How many processes are in which state, so that a list of apps needs no
 * question for each; null as long as it is not known.
 */
static json_t *process_counts(struct web *w, int64_t app)
{
	unsigned n[DYNO_STATES];

	if (!dynos_known(w))
		return json_null();
	dynos_count(w, app, n);
	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:b}", "starting",
	    (int)n[DYNO_STARTING], "up", (int)n[DYNO_UP], "stopping",
	    (int)n[DYNO_STOPPING], "crashed", (int)n[DYNO_CRASHED], "idle",
	    (int)n[DYNO_IDLE], "rests",
	    dynos_rest(w, (uint64_t)app) != REST_NONE);
}

json_t *shape_app(struct web *w, const struct app *a)
{
	scoped_buf struct buf web_url = BUF_INIT(1024);
	scoped_buf struct buf git_url = BUF_INIT(1024);

	url_of_app(&w->settings, a->name, &web_url);
	url_of_git(&w->settings, a->name, &git_url);
	return json_pack(
	    "{s:s, s:s, s:b, s:n, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:s, s:s}, "
	    "s:s, s:s, s:n, s:b, s:o, s:n, s:n, s:{s:s, s:s}, s:n, s:n, s:n, "
	    "s:b, s:s, s:o}",
	    "id", a->uuid, "name", a->name, "acm", 0, "archived_at",
	    "buildpack_provided_description", described(w, a), "build_stack",
	    stack_ref(a->stack), "stack", stack_ref(a->stack), "created_at",
	    shape_time(a->created_at), "updated_at", shape_time(a->updated_at),
	    "released_at", shape_time(a->released_at), "generation", "id",
	    GENERATION_ID, "name", "cedar", "git_url", buf_z(&git_url),
	    "web_url", buf_z(&web_url), "internal_routing", "maintenance",
	    (int)a->maintenance, "owner", user(a->owner_uuid, a->owner_email),
	    "organization", "team", "region", "id", REGION_ID, "name", REGION,
	    "repo_size", "slug_size", "space", "locked", 0, "create_status",
	    "complete", "processes", process_counts(w, a->id));
}

/* --- releases and builds -------------------------------------------------- */

/* "sha256:..." or null. */
static json_t *image_name(const char *digest)
{
	return digest[0] ? json_sprintf("sha256:%s", digest) : json_null();
}

static json_t *id_or_null(const char *id)
{
	return id[0] ? json_pack("{s:s}", "id", id) : json_null();
}

json_t *shape_release(const char *base, const struct app *a,
    const struct release *r, uint64_t current)
{
	static const char *const states[] = {
	    [RELEASE_PENDING] = "pending",
	    [RELEASE_SUCCEEDED] = "succeeded",
	    [RELEASE_FAILED] = "failed",
	    [RELEASE_EXPIRED] = "expired",
	};
	json_t *output = r->build_secret[0] ? json_sprintf("%s/streams/%s",
	                                          base, r->build_secret)
	                                    : json_null();

	return json_pack("{s:s, s:I, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, "
	                 "s:[], s:[], s:o, s:b, s:o, s:s}",
	    "id", r->uuid, "version", (json_int_t)r->version, "description",
	    r->description, "status", states[r->state], "current",
	    (int)(r->version == current), "created_at",
	    shape_time(r->created_at), "updated_at",
	    shape_time(r->settled_at ? r->settled_at : r->created_at), "user",
	    user(r->account_uuid, r->email), "app", app_ref(a), "slug",
	    id_or_null(r->build_uuid), "addon_plan_names", "artifacts",
	    "output_stream_url", output, "eligible_for_rollback",
	    (int)release_is_eligible(r), "image", image_name(r->digest),
	    "failure", r->reason);
}

static void add_stage(void *arg, const struct stage *s)
{
	(void)json_array_append_new(
	    arg, json_pack("{s:s, s:f, s:b}", "name", s->name, "seconds",
	             (double)s->ms / 1000, "cached", (int)s->cached));
}

static json_t *buildpack_list(struct buf *packs)
{
	json_t *list = json_array();
	struct str rest = buf_str(packs), name;

	while (rest.len && str_split(&rest, '\n', &name)) {
		json_t *text = clean(name);

		(void)json_array_append_new(
		    list, json_pack("{s:O, s:o}", "url", text, "name", text));
	}
	return list;
}

json_t *shape_build(
    struct web *w, const char *base, const struct app *a, const struct build *b)
{
	static const char *const states[] = {
	    [BUILD_PENDING] = "pending",
	    [BUILD_SUCCEEDED] = "succeeded",
	    [BUILD_FAILED] = "failed",
	};
	scoped_buf struct buf packs = BUF_INIT(COMMAND_MAX);
	json_t *stages = json_array();
	struct image i = {0};

	(void)store_stage_list(w->store, b->id, add_stage, stages, NULL);
	if (b->image)
		(void)store_image_get(
		    w->store, b->image, &i, NULL, &packs, NULL);
	return json_pack("{s:s, s:o, s:o, s:o, s:{s:n, s:n, s:s, s:n}, s:o, "
	                 "s:n, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s}",
	    "id", b->uuid, "app", app_ref(a), "buildpacks",
	    buildpack_list(&packs), "output_stream_url",
	    json_sprintf("%s/streams/%s", base, b->secret), "source_blob",
	    "checksum", "url", "version", b->commit, "version_description",
	    "release", id_or_null(b->release_uuid), "slug", "stack", a->stack,
	    "status", states[b->state], "user", user(b->account_uuid, b->email),
	    "created_at", shape_time(b->created_at), "updated_at",
	    shape_time(b->updated_at), "image", image_name(i.digest), "stages",
	    stages, "failure", b->reason);
}

/* --- processes ------------------------------------------------------------ */

/* What a type of the live release runs; "" when it is not known. */
static json_t *command_of(struct web *w, int64_t app, const char *type)
{
	scoped_buf struct buf command = BUF_INIT(COMMAND_MAX);
	struct release live;

	if (store_release_live(w->store, app, true, &live, NULL) == -1 ||
	    !store_process_command(w->store, live.image, str_z(type), &command))
		return json_string("");
	return clean(buf_str(&command));
}

json_t *shape_size(const struct web *w, const struct size *size)
{
	struct size_limits l;
	char uuid[37];

	size_limits(&w->settings, str_z(size->name), &l);
	apps_size_uuid(size->name, uuid);
	return json_pack("{s:s, s:s, s:I, s:n, s:b, s:I, s:f, s:f, s:s, s:b, "
	                 "s:{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I}}",
	    "id", uuid, "name", size->name, "compute", (json_int_t)l.cpu,
	    "cost", "dedicated", 0, "dyno_units", (json_int_t)1,
	    "precise_dyno_units", 1.0, "memory", (double)l.memory / (1u << 30),
	    "architecture", "", "private_space_only", 0, "limits", "memory",
	    (json_int_t)l.memory, "cpu", (json_int_t)l.cpu, "cpu_max",
	    (json_int_t)l.cpu_max, "pids", (json_int_t)l.pids, "io",
	    (json_int_t)l.io, "io_max", (json_int_t)l.io_max, "disk",
	    l.own_disk ? json_integer((json_int_t)l.disk) : json_null(),
	    "inodes", (json_int_t)l.inodes);
}

static json_t *size_ref(const char *name)
{
	char uuid[37];

	apps_size_uuid(name, uuid);
	return json_pack("{s:s, s:s}", "id", uuid, "name", name);
}

json_t *shape_formation(
    struct web *w, const struct app *a, const struct formation *f)
{
	return json_pack("{s:s, s:s, s:o, s:I, s:s, s:o, s:o, s:o, s:o}", "id",
	    f->uuid, "type", f->type, "command", command_of(w, a->id, f->type),
	    "quantity", (json_int_t)f->quantity, "size", f->size, "dyno_size",
	    size_ref(f->size), "app", app_ref(a), "created_at",
	    shape_time(f->created_at), "updated_at", shape_time(f->updated_at));
}

void shape_instance_uuid(uint64_t instance, char out[37])
{
	snprintf(out, 37, "%08x-%04x-4%03x-8%x00-000000000000",
	    (unsigned)(instance >> 32), (unsigned)(instance >> 16 & 0xffff),
	    (unsigned)(instance >> 4 & 0xfff), (unsigned)(instance & 0xf));
}

static const char *state_name(uint64_t state)
{
	static const char *const states[] = {
	    [DYNO_STARTING] = "starting",
	    [DYNO_UP] = "up",
	    [DYNO_STOPPING] = "stopping",
	    [DYNO_CRASHED] = "crashed",
	    [DYNO_IDLE] = "idle",
	};

	return state < NELEM(states) ? states[state] : "unknown";
}

/* A dyno's release by number: the id is that of its row. */
static json_t *release_ref(struct web *w, int64_t app, uint64_t version)
{
	struct release r = {0};
	char key[24];

	snprintf(key, sizeof(key), "%" PRIu64, version);
	(void)store_release_find(w->store, app, str_z(key), &r, NULL);
	return json_pack(
	    "{s:s, s:I}", "id", r.uuid, "version", (json_int_t)version);
}

json_t *shape_dyno(struct web *w, const struct app *a, const struct dyno *d)
{
	char uuid[37];

	shape_instance_uuid(d->instance, uuid);
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:n, s:o, s:o, s:o, "
	                 "s:o, s:o}",
	    "id", uuid, "name", d->name, "type", d->type, "command",
	    d->shown[0] ? clean(str_z(d->shown))
	                : command_of(w, a->id, d->type),
	    "size", d->size[0] ? d->size : SIZE_DEFAULT, "state",
	    state_name(d->state), "attach_url", "release",
	    release_ref(w, a->id, d->version), "app", app_ref(a), "created_at",
	    shape_time(d->since), "updated_at", shape_time(d->since),
	    "next_try_at", d->next_try ? shape_time(d->next_try) : json_null());
}

/* --- domains, collaborators ----------------------------------------------- */

json_t *shape_domain(struct web *w, const struct app *a, const struct domain *d)
{
	char host[288];

	routes_host(w, a->name, host);
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:n, s:n, s:o, s:n, s:o, "
	                 "s:o}",
	    "id", d->uuid, "hostname", d->hostname, "kind",
	    d->id ? "custom" : "heroku", "cname",
	    d->id ? json_string(host) : json_null(), "status", "none",
	    "acm_status", "acm_status_reason", "app", app_ref(a),
	    "sni_endpoint", "created_at", shape_time(d->created_at),
	    "updated_at", shape_time(d->created_at));
}

json_t *shape_collaborator(const struct app *a, const struct account *who,
    const char *uuid, int64_t created_at, bool owner)
{
	return json_pack("{s:s, s:o, s:{s:s, s:s, s:b}, s:s, s:[], s:o, s:o}",
	    "id", uuid, "app", app_ref(a), "user", "id", who->uuid, "email",
	    who->email, "federated", 0, "role",
	    owner ? "owner" : "collaborator", "permissions", "created_at",
	    shape_time(created_at), "updated_at", shape_time(created_at));
}
