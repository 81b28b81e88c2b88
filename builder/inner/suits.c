#include "suits.h"

#include <string.h>

#define TARGETS_SINCE 12  /* Platform API */
#define EXEC_ENV_SINCE 15 /* the same */

/* What is empty on either side fits. */
static bool fits(const json_t *object, const char *key, const char *have)
{
	const char *want = json_string_value(json_object_get(object, key));

	return !want || !want[0] || !have[0] || strcmp(want, have) == 0;
}

static bool fits_distro(const struct target *t, const json_t *target)
{
	const json_t *distros = json_object_get(target, "distros");
	json_t *d;
	size_t i;

	if (json_array_size(distros) == 0)
		return true;
	if (!t->distro[0] && !t->distro_version[0])
		return false;
	json_array_foreach(distros, i, d)
	{
		if (fits(d, "name", t->distro) &&
		    fits(d, "version", t->distro_version))
			return true;
	}
	return false;
}

bool suits_target(const struct life *l, const struct buildpack *bp)
{
	const json_t *targets = json_object_get(bp->file, "targets");
	json_t *t;
	size_t i;

	if (l->api < TARGETS_SINCE || json_array_size(targets) == 0)
		return true;
	json_array_foreach(targets, i, t)
	{
		const char *variant =
		    json_object_get(t, "variant") ? "variant" : "arch-variant";

		if (fits(t, "os", l->target.os) &&
		    fits(t, "arch", l->target.arch) &&
		    fits(t, variant, l->target.variant) &&
		    fits_distro(&l->target, t))
			return true;
	}
	return false;
}

bool suits_list(const json_t *list, const char *exec_env)
{
	json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		return true;
	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(item);

		if (s && (strcmp(s, "*") == 0 || strcmp(s, exec_env) == 0))
			return true;
	}
	return false;
}

bool suits_exec_env(const struct life *l, const struct buildpack *bp)
{
	const json_t *about = json_object_get(
	    bp->file, bp->extension ? "extension" : "buildpack");

	if (l->api < EXEC_ENV_SINCE || bp->api < 12)
		return true;
	return suits_list(json_object_get(about, "exec-env"), l->exec_env);
}
