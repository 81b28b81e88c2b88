#include "plan.h"

#include <string.h>

static const char *name_of(const json_t *entry)
{
	return json_string_value(json_object_get(entry, "name"));
}

static json_t *option(const json_t *table, struct error *err)
{
	static const char *const keys[] = {"provides", "requires"};
	json_t *made = json_object();

	for (size_t k = 0; k < NELEM(keys); k++) {
		json_t *list = json_object_get(table, keys[k]), *item;
		size_t i;

		json_array_foreach(list, i, item)
		{
			if (name_of(item))
				continue;
			error_set(err, ERR_INVALID,
			    "build plan: an entry of \"%s\" has no name",
			    keys[k]);
			json_decref(made);
			return NULL;
		}
		json_object_set_new(made, keys[k],
		    json_is_array(list) ? json_incref(list) : json_array());
	}
	return made;
}

json_t *plan_options(const json_t *file, struct error *err)
{
	json_t *options = json_array(), *one = option(file, err), *item;
	size_t i;

	if (one)
		json_array_append_new(options, one);
	json_array_foreach(json_object_get(file, "or"), i, item)
	{
		one = one ? option(item, err) : NULL;
		if (one)
			json_array_append_new(options, one);
	}
	if (one)
		return options;
	json_decref(options);
	return NULL;
}

/* --- resolving ------------------------------------------------------------ */

struct trial {
	struct plan_part *parts;
	size_t n;
	const json_t *chosen[PLAN_PARTS_MAX];
	bool last[PLAN_PARTS_MAX]; /* of its options: it may be dropped */
	unsigned tries;
	json_t *entries; /* of the combination that works */
};

/* The dependency called name, added when it is new. */
static json_t *dep(json_t *deps, const char *name)
{
	json_t *d = json_object_get(deps, name);

	if (!d) {
		d = json_pack("{s:s, s:[], s:[], s:[], s:[]}", "name", name,
		    "providers", "extra", "early", "requires");
		json_object_set_new(deps, name, d);
	}
	return d;
}

static void move_all(json_t *d, const char *from, const char *to)
{
	json_array_extend(json_object_get(d, to), json_object_get(d, from));
	json_array_clear(json_object_get(d, from));
}

static void add_part(json_t *deps, const json_t *chosen, size_t part)
{
	json_t *item, *d;
	size_t i;

	json_array_foreach(json_object_get(chosen, "provides"), i, item)
	{
		d = dep(deps, name_of(item));
		json_array_append_new(json_object_get(d, "extra"),
		    json_integer((json_int_t)part));
	}
	json_array_foreach(json_object_get(chosen, "requires"), i, item)
	{
		d = dep(deps, name_of(item));
		move_all(d, "extra", "providers");
		if (json_array_size(json_object_get(d, "providers")))
			json_array_append(json_object_get(d, "requires"), item);
		else
			json_array_append_new(json_object_get(d, "early"),
			    json_integer((json_int_t)part));
	}
}

/* Drop the optional parts in list. -1 when one of them is not optional. */
static int drop(struct trial *t, const json_t *list, bool *any)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		size_t part = (size_t)json_integer_value(item);

		if (!t->parts[part].optional || !t->last[part])
			return -1;
		t->parts[part].keep = false;
		*any = true;
	}
	return 0;
}

/* Take out of deps what is unmet. 1 to look again, 0 all is met, -1. */
static int settle(struct trial *t, json_t *deps)
{
	const char *name;
	json_t *d;
	bool any = false;

	json_object_foreach(deps, name, d)
	{
		if (drop(t, json_object_get(d, "early"), &any) == -1 ||
		    drop(t, json_object_get(d, "extra"), &any) == -1)
			return -1;
	}
	return any;
}

/* Its providers as plan.toml names them; NULL when one is an extension. */
static json_t *providers_of(const struct trial *t, const json_t *dependency)
{
	json_t *list = json_array(), *item;
	size_t i;

	json_array_foreach(json_object_get(dependency, "providers"), i, item)
	{
		const struct plan_part *p = &t->parts[json_integer_value(item)];

		if (p->extension) {
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, json_pack("{s:s, s:s}", "id", p->id,
		                                "version", p->version));
	}
	return list;
}

static void to_entries(struct trial *t, const json_t *deps)
{
	const char *name;
	json_t *d;

	t->entries = json_array();
	json_object_foreach((json_t *)deps, name, d)
	{
		json_t *providers = providers_of(t, d);

		if (providers)
			json_array_append_new(t->entries,
			    json_pack("{s:o, s:O}", "providers", providers,
			        "requires", json_object_get(d, "requires")));
	}
}

/* Does the chosen combination work? */
static bool try_one(struct trial *t)
{
	bool kept = false;
	int again = 1;

	for (size_t i = 0; i < t->n; i++)
		t->parts[i].keep = true;
	while (again == 1) {
		json_t *deps = json_object();

		kept = false;
		for (size_t i = 0; i < t->n; i++) {
			if (!t->parts[i].keep)
				continue;
			kept = true;
			add_part(deps, t->chosen[i], i);
		}
		again = settle(t, deps);
		if (again == 0 && kept)
			to_entries(t, deps);
		json_decref(deps);
	}
	return again == 0 && kept;
}

static bool try_from(struct trial *t, size_t part)
{
	json_t *item;
	size_t i;

	if (part == t->n)
		return t->tries++ < PLAN_TRIES_MAX && try_one(t);
	json_array_foreach(t->parts[part].options, i, item)
	{
		t->chosen[part] = item;
		t->last[part] =
		    i + 1 == json_array_size(t->parts[part].options);
		if (t->tries < PLAN_TRIES_MAX && try_from(t, part + 1))
			return true;
	}
	return false;
}

int plan_resolve(
    struct plan_part *parts, size_t n, json_t **ret_entries, struct error *err)
{
	struct trial t = {.parts = parts, .n = n};

	if (n > PLAN_PARTS_MAX || n == 0 || !try_from(&t, 0))
		return error_set(err, ERR_NOT_FOUND,
		    "the buildpacks' plans can't be met together");
	*ret_entries = t.entries;
	return 0;
}

/* --- using ---------------------------------------------------------------- */

static bool is_text(const json_t *object, const char *key, const char *want)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && strcmp(s, want) == 0;
}

static bool provides(const json_t *entry, const char *id, const char *version)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(entry, "providers"), i, item)
	{
		if (is_text(item, "id", id) &&
		    is_text(item, "version", version))
			return true;
	}
	return false;
}

json_t *plan_of(const json_t *entries, const char *id, const char *version)
{
	json_t *mine = json_array(), *entry;
	size_t at;

	json_array_foreach(entries, at, entry)
	{
		if (provides(entry, id, version))
			json_array_extend(
			    mine, json_object_get(entry, "requires"));
	}
	return mine;
}

/* Is one of the entry's names among those that were left unmet? */
static bool is_unmet(const json_t *entry, const json_t *unmet)
{
	json_t *item, *require;
	size_t i, k;

	json_array_foreach(json_object_get(entry, "requires"), k, require)
	{
		json_array_foreach(unmet, i, item)
		{
			if (name_of(item) && name_of(require) &&
			    strcmp(name_of(item), name_of(require)) == 0)
				return true;
		}
	}
	return false;
}

void plan_met(
    json_t *entries, const char *id, const char *version, const json_t *unmet)
{
	for (size_t at = json_array_size(entries); at-- > 0;) {
		const json_t *entry = json_array_get(entries, at);

		if (provides(entry, id, version) && !is_unmet(entry, unmet))
			json_array_remove(entries, at);
	}
}
