#include "vars.h"

#include <inttypes.h>

#include "base/name.h"

bool vars_next(struct str *env, struct str *ret_key, struct str *ret_value)
{
	struct str item;

	if (env->len == 0)
		return false;
	(void)str_split(env, '\0', &item);
	(void)str_split(&item, '=', ret_key);
	*ret_value = item;
	return true;
}

bool vars_get(struct str env, struct str key, struct str *ret)
{
	struct str k, v;

	while (vars_next(&env, &k, &v)) {
		if (!str_eq(k, key))
			continue;
		*ret = v;
		return true;
	}
	return false;
}

static bool is_ours(struct str key)
{
	static const char *const ours[] = {"PORT", "DYNO", "HOME"};

	for (size_t i = 0; i < NELEM(ours); i++)
		if (str_eqz(key, ours[i]))
			return true;
	return false;
}

int vars_check(const struct var_change *c, const struct vars_limits *limits,
    struct error *err)
{
	if (!name_config_key(c->key))
		return error_set(err, ERR_INVALID,
		    "A config var's name has letters, digits and _, starts "
		    "with no digit, and has at most %d characters.",
		    NAME_CONFIG_KEY_MAX);
	if (c->remove)
		return 0;
	if (is_ours(c->key))
		return error_set(err, ERR_INVALID,
		    STR_FMT " is set by the platform for each process. Choose "
		            "another name.",
		    STR_ARG(c->key));
	if (str_find(c->value, '\0') != -1)
		return error_set(err, ERR_INVALID,
		    "The value of " STR_FMT " has a NUL in it. Config vars are "
		    "text; encode bytes, for example as base64.",
		    STR_ARG(c->key));
	if (c->value.len > limits->value_bytes)
		return error_set(err, ERR_LIMIT,
		    "The value of " STR_FMT " has %zu bytes, at most %" PRIu64
		    " are taken. Keep large values in a file or a store.",
		    STR_ARG(c->key), c->value.len, limits->value_bytes);
	return 0;
}

static const struct var_change *change_of(
    const struct var_change *changes, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(changes[i].key, key))
			return &changes[i];
	return NULL;
}

static void put(struct buf *out, struct str key, struct str value)
{
	buf_add(out, key);
	buf_addc(out, '=');
	buf_add(out, value);
	buf_addc(out, '\0');
}

/* "Set A, B" or "Remove A" for the changes of this kind that differ. */
static void describe(struct str env, const struct var_change *changes, size_t n,
    bool remove, struct buf *what)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		struct str old = {0};
		bool had = vars_get(env, changes[i].key, &old);

		if (changes[i].remove != remove || (remove && !had) ||
		    (!remove && had && str_eq(old, changes[i].value)))
			continue;
		if (any)
			buf_addz(what, ", ");
		else if (what->len)
			buf_addz(what, remove ? ", remove " : ", set ");
		else
			buf_addz(what, remove ? "Remove " : "Set ");
		buf_add(what, changes[i].key);
		any = true;
	}
}

int vars_apply(struct str env, const struct var_change *changes, size_t n,
    const struct vars_limits *limits, struct buf *out, struct buf *what,
    struct error *err)
{
	struct str rest = env, key, value, old;

	for (size_t i = 0; i < n; i++)
		if (vars_check(&changes[i], limits, err) == -1)
			return -1;
	while (vars_next(&rest, &key, &value)) {
		const struct var_change *c = change_of(changes, n, key);

		if (!c || !c->remove)
			put(out, key, c ? c->value : value);
	}
	for (size_t i = 0; i < n; i++)
		if (!changes[i].remove && !vars_get(env, changes[i].key, &old))
			put(out, changes[i].key, changes[i].value);
	if (out->bad || out->len > limits->total_bytes)
		return error_set(err, ERR_LIMIT,
		    "The config vars would have %s%zu bytes, at most %" PRIu64
		    " are taken. Keep large values in a file or a store.",
		    out->bad ? "more than " : "", out->len,
		    limits->total_bytes);
	describe(env, changes, n, false, what);
	describe(env, changes, n, true, what);
	if (what->len)
		buf_addz(what, " config vars");
	return 0;
}
