#include "detect.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/mem.h"
#include "suits.h"

#define NESTED_MAX 32          /* composite buildpacks inside each other */
#define GROUPS_TRIED_MAX 10000 /* of all orders together */

struct search {
	struct asking ask;
	struct life *life;
	struct buildpacks *all;
	unsigned tried;
	struct detection *found;
	struct error *err;
};

void detect_env(
    const struct life *l, struct env *env, const struct buildpack *bp)
{
	env_set(env,
	    bp->extension ? STR("CNB_EXTENSION_DIR") : STR("CNB_BUILDPACK_DIR"),
	    str_z(bp->dir));
	env_set(env, STR("CNB_PLATFORM_DIR"), str_z(l->platform));
	env_set(env, STR("CNB_APP_DIR"), str_z(l->app));
	if (l->api >= 15 && bp->api >= 12 && l->exec_env[0])
		env_set(env, STR("CNB_EXEC_ENV"), str_z(l->exec_env));
}

/* --- one group ------------------------------------------------------------ */

static struct str trim_end(struct str s)
{
	while (s.len && s.p[s.len - 1] == '\n')
		s.len--;
	return s;
}

/* What each said, told at once when it broke, else for those who debug. */
static void say_answers(struct search *s, const struct members *m)
{
	for (int i = 0; i < m->n; i++) {
		const struct answer *x = ask_answer(&s->ask, m->of[i].bp);
		enum level level =
		    x->verdict == BROKEN ? LEVEL_INFO : LEVEL_DEBUG;

		if (x->output.len == 0)
			continue;
		ask_note(&s->ask, level,
		    "======== Output: %s@%s ========", x->bp->id,
		    x->bp->version);
		ask_note(&s->ask, level, STR_FMT,
		    STR_ARG(trim_end(buf_str(&x->output))));
	}
}

static void say_result(struct search *s, const struct answer *x, bool optional)
{
	const char *id = x->bp->id, *version = x->bp->version;

	switch (x->verdict) {
	case PASS:
		ask_note(&s->ask, LEVEL_DEBUG, "pass: %s@%s", id, version);
		break;
	case FAIL:
		ask_note(&s->ask, LEVEL_DEBUG, "%s: %s@%s",
		    optional ? "skip" : "fail", id, version);
		break;
	case UNFIT:
		ask_note(&s->ask, LEVEL_INFO,
		    "err:  %s@%s: unable to satisfy target os/arch "
		    "constraints",
		    id, version);
		break;
	default:
		ask_note(&s->ask, LEVEL_INFO, "err:  %s@%s (%d)", id, version,
		    x->code);
	}
}

/* Do the members agree, as far as each is asked alone? */
static bool all_agree(struct search *s, const struct members *m)
{
	bool agree = true, any = false;

	say_answers(s, m);
	ask_note(&s->ask, LEVEL_DEBUG, "======== Results ========");
	for (int i = 0; i < m->n; i++) {
		const struct answer *x = ask_answer(&s->ask, m->of[i].bp);

		say_result(s, x, m->of[i].optional);
		agree &= x->verdict == PASS || m->of[i].optional;
		any |= x->verdict == PASS && !m->of[i].bp->extension;
		s->ask.broken |= x->verdict == UNFIT;
	}
	if (agree && !any)
		ask_note(&s->ask, LEVEL_DEBUG,
		    "fail: no viable buildpacks in group");
	return agree && any;
}

static json_t *element_of(const struct buildpack *bp)
{
	json_t *e = json_pack("{s:s, s:s, s:s}", "id", bp->id, "version",
	    bp->version, "api", bp->api_text);

	if (bp->homepage[0])
		json_object_set_new(e, "homepage", json_string(bp->homepage));
	return e;
}

/* "id    version" of each. */
static void say_group(struct search *s)
{
	const json_t *lists[] = {s->found->extensions, s->found->group};
	int width = 0;
	json_t *item;
	size_t i;

	for (int pass = 0; pass < 4; pass++)
		json_array_foreach(lists[pass % 2], i, item)
		{
			const char *id =
			    json_string_value(json_object_get(item, "id"));
			int n = (int)strlen(id);

			width = n > width ? n : width;
			if (pass >= 2)
				ask_note(&s->ask, LEVEL_INFO, "%-*s %s", width,
				    id,
				    json_string_value(
				        json_object_get(item, "version")));
		}
}

/* The group is found: those that are part of it, in order. */
static void take_group(
    struct search *s, const struct plan_part *parts, struct members *m)
{
	struct detection *d = s->found;

	d->group = json_array();
	d->extensions = json_array();
	d->reasons = json_array();
	for (int i = 0; i < m->n; i++) {
		const struct buildpack *bp = m->of[i].bp;

		if (!parts[i].keep)
			continue;
		json_array_append_new(
		    bp->extension ? d->extensions : d->group, element_of(bp));
		if (!bp->extension)
			json_array_append_new(d->reasons,
			    json_string(ask_answer(&s->ask, bp)->reason));
	}
}

/* 1 when the group takes the app. */
static int decide(struct search *s, const struct members *all)
{
	struct plan_part parts[GROUP_MAX];
	struct members m = {0};
	struct error unmet;

	if (s->tried++ == GROUPS_TRIED_MAX)
		return error_set(s->err, ERR_LIMIT,
		    "the order has more than %d groups", GROUPS_TRIED_MAX);
	ask_all(&s->ask, all);
	if (s->ask.runner->stop)
		return error_set(s->err, ERR_UNAVAILABLE, "cancelled");
	if (!all_agree(s, all))
		return 0;
	for (int i = 0; i < all->n; i++) {
		struct answer *x = ask_answer(&s->ask, all->of[i].bp);

		if (x->verdict != PASS)
			continue;
		parts[m.n] = (struct plan_part){.id = x->bp->id,
		    .version = x->bp->version,
		    .options = x->options,
		    .optional = all->of[i].optional,
		    .extension = x->bp->extension};
		m.of[m.n++] = all->of[i];
	}
	if (plan_resolve(parts, (size_t)m.n, &s->found->plan, &unmet) == -1) {
		ask_note(&s->ask, LEVEL_DEBUG, "fail: %s", unmet.msg);
		return 0;
	}
	take_group(s, parts, &m);
	say_group(s);
	return 1;
}

/* --- orders --------------------------------------------------------------- */

static bool has_id(const struct members *m, const struct buildpack *bp)
{
	for (int i = 0; i < m->n; i++)
		if (m->of[i].bp->extension == bp->extension &&
		    strcmp(m->of[i].bp->id, bp->id) == 0)
			return true;
	return false;
}

static int add_member(
    struct search *s, struct members *m, struct buildpack *bp, bool optional)
{
	bool fits = suits_target(s->life, bp);

	if (has_id(m, bp))
		return 0;
	if (!suits_exec_env(s->life, bp)) {
		ask_note(&s->ask, LEVEL_DEBUG,
		    "Skipping %s@%s: it is not for the execution environment "
		    "%s",
		    bp->id, bp->version, s->life->exec_env);
		return 0;
	}
	if (buildpack_check_api(s->life, bp, s->err) == -1)
		return -1;
	if (m->n == GROUP_MAX || s->ask.n == BUILDPACKS_MAX)
		return error_set(s->err, ERR_LIMIT,
		    "a group has more than %d buildpacks", GROUP_MAX);
	if (!fits && !optional)
		ask_answer(&s->ask, bp)->verdict = UNFIT;
	m->of[m->n].bp = bp;
	m->of[m->n++].optional = optional;
	return 0;
}

static int try_order(struct search *s, const struct members *done,
    const json_t *order, const json_t *rest, size_t from, int depth);

/* Go on with what is left of a group. 1 found, 0 not, -1. */
static int try_rest(struct search *s, const struct members *done,
    const json_t *rest, size_t at, int depth)
{
	struct members m = *done;

	for (; at < json_array_size(rest); at++) {
		const json_t *e = json_array_get(rest, at);
		const json_t *order = json_object_get(e, "order-extensions");
		bool optional = json_is_true(json_object_get(e, "optional"));
		struct buildpack *bp;

		if (!order) {
			bp = buildpacks_find(s->all,
			    json_string_value(json_object_get(e, "id")),
			    json_string_value(json_object_get(e, "version")),
			    json_is_true(json_object_get(e, "extension")),
			    s->err);
			if (!bp)
				return -1;
			order = buildpack_order(bp);
			if (!order && add_member(s, &m, bp, optional) == -1)
				return -1;
		} else {
			optional = true;
		}
		if (order) {
			int got =
			    try_order(s, &m, order, rest, at + 1, depth + 1);

			if (got != 0 || !optional)
				return got;
		}
	}
	return decide(s, &m);
}

/* Each group of an order with what is left behind it. */
static int try_order(struct search *s, const struct members *done,
    const json_t *order, const json_t *rest, size_t from, int depth)
{
	json_t *group;
	size_t i;
	int got = 0;

	if (depth > NESTED_MAX)
		return error_set(s->err, ERR_LIMIT,
		    "the order loops: buildpacks contain each other more than "
		    "%d deep",
		    NESTED_MAX);
	json_array_foreach(order, i, group)
	{
		json_t *all = json_array();

		json_array_extend(all, json_object_get(group, "group"));
		for (size_t k = from; k < json_array_size(rest); k++)
			json_array_append(all, json_array_get(rest, k));
		got =
		    json_array_size(all) ? try_rest(s, done, all, 0, depth) : 0;
		json_decref(all);
		if (got != 0)
			break;
	}
	return got;
}

/* The order with its extensions, all optional, before each group. */
static json_t *with_extensions(const json_t *file)
{
	json_t *order = json_deep_copy(json_object_get(file, "order"));
	json_t *extensions =
	    json_deep_copy(json_object_get(file, "order-extensions"));
	json_t *group, *item;
	size_t i, k;

	json_array_foreach(extensions, i, group)
	{
		json_array_foreach(json_object_get(group, "group"), k, item)
		{
			json_object_set_new(item, "extension", json_true());
			json_object_set_new(item, "optional", json_true());
		}
	}
	json_array_foreach(order, i, group)
	{
		if (json_array_size(extensions))
			json_array_insert_new(json_object_get(group, "group"),
			    0,
			    json_pack("{s:O}", "order-extensions", extensions));
	}
	json_decref(extensions);
	return order ? order : json_array();
}

/* --- system.toml ---------------------------------------------------------- */

static json_t *system_part(const json_t *system, const char *which)
{
	return json_object_get(
	    json_object_get(json_object_get(system, "system"), which),
	    "buildpacks");
}

void detect_add_system(
    const struct life *l, json_t *order, const json_t *system)
{
	const json_t *pre = system_part(system, "pre"),
	             *post = system_part(system, "post");
	json_t *group;
	size_t i;

	json_array_foreach(json_object_get(order, "order"), i, group)
	{
		json_t *all = json_array(),
		       *own = json_object_get(group, "group");

		if (json_array_size(pre))
			life_say(l, LEVEL_DEBUG,
			    "Prepending %zu system buildpack(s) to group",
			    json_array_size(pre));
		if (json_array_size(post))
			life_say(l, LEVEL_DEBUG,
			    "Appending %zu system buildpack(s) to group",
			    json_array_size(post));
		json_array_extend(all, (json_t *)pre);
		json_array_extend(all, own);
		json_array_extend(all, (json_t *)post);
		json_object_set_new(group, "group", all);
	}
}

/* -------------------------------------------------------------------------- */

static enum detected choose(struct search *s, const json_t *file)
{
	static const struct members none;
	json_t *order = with_extensions(file);
	int got = try_order(s, &none, order, NULL, 0, 0);

	json_decref(order);
	if (got == 1)
		return DETECT_FOUND;
	if (got == -1)
		return DETECT_ERROR;
	return s->ask.broken ? DETECT_BROKEN : DETECT_NONE;
}

enum detected detect(struct runner *r, struct buildpacks *all,
    const json_t *order, const struct env *env, struct detection *ret,
    struct error *err)
{
	struct search *s = xcalloc(1, sizeof(*s));
	enum detected got = DETECT_ERROR;

	*ret = (struct detection){0};
	s->ask.life = s->life = all->life;
	s->ask.runner = r;
	s->ask.env = env;
	s->all = all;
	s->found = ret;
	s->err = err;
	if (ask_open(&s->ask, err) == 0) {
		got = choose(s, order);
		ask_tell(&s->ask, got != DETECT_FOUND);
		ask_close(&s->ask);
	}
	free(s);
	return got;
}

void detection_release(struct detection *d)
{
	json_decref(d->group);
	json_decref(d->extensions);
	json_decref(d->plan);
	json_decref(d->reasons);
	*d = (struct detection){0};
}
