/*
 * plan - the build plan: who provides what others require.
 *
 * Pure. Each buildpack of a group offers one or more options, each a list of
 * what it provides and requires (Buildpack API, "Build Plan"). Resolving
 * tries the combinations in order; an optional buildpack whose part can't be
 * met is dropped, one that is not optional fails the combination.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

#define PLAN_TRIES_MAX 1024 /* combinations */
#define PLAN_PARTS_MAX 32   /* buildpacks of one group */

struct plan_part {
	const char *id, *version;
	json_t *options; /* array of {"provides": [...], "requires": [...]} */
	bool optional;
	bool extension; /* what it provides is nothing for a later build */
	bool keep;      /* set by plan_resolve */
};

/* The options that a build plan file offers; NULL and err if it is none. */
json_t *plan_options(const json_t *file, struct error *err);

/*
 * Resolve. On success *ret_entries is an array in the form of plan.toml:
 * {"providers": [{id, version}...], "requires": [{name, metadata}...]}; what
 * extensions provide is left out. ERR_NOT_FOUND when no combination works.
 */
int plan_resolve(
    struct plan_part *parts, size_t n, json_t **ret_entries, struct error *err);

/* The entries that a buildpack has to meet: [{name, metadata}...]. */
json_t *plan_of(const json_t *entries, const char *id, const char *version);
/* Take out what it has met: all it was given except the names unmet. */
void plan_met(
    json_t *entries, const char *id, const char *version, const json_t *unmet);
