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
		struct plan_part *p = &t->parts[json_integer_value(item)];

		if (!p->optional)
			return -1;
		p->keep = false;
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

static void to_entries(struct trial *t, const json_t *deps)
{
	const char *name;
	json_t *d;

	t->entries = json_array();
	json_object_foreach((json_t *)deps, name, d)
	{
		json_object_del(d, "extra");
		json_object_del(d, "early");
		json_array_append(t->entries, d);
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

static bool provides(const json_t *entry, size_t part)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(entry, "providers"), i, item)
	{
		if (json_integer_value(item) == (json_int_t)part)
			return true;
	}
	return false;
}

json_t *plan_of(const json_t *entries, size_t i)
{
	json_t *mine = json_array(), *entry;
	size_t at;

	json_array_foreach(entries, at, entry)
	{
		if (provides(entry, i))
			json_array_extend(
			    mine, json_object_get(entry, "requires"));
	}
	return mine;
}

void plan_met(json_t *entries, size_t i, const json_t *unmet)
{
	for (size_t at = json_array_size(entries); at-- > 0;) {
		json_t *entry = json_array_get(entries, at), *item;
		bool met = provides(entry, i);
		size_t k;

		json_array_foreach(unmet, k, item)
		{
			if (name_of(item) &&
			    strcmp(name_of(item), name_of(entry)) == 0)
				met = false;
		}
		if (met)
			json_array_remove(entries, at);
	}
}
