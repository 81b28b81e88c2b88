/*
 * buildpack - what buildpacks there are and in which groups to try them.
 *
 * Read from /cnb/buildpacks, which belongs to the platform: DIR/buildpack.toml
 * each, and order.toml. Buildpack API 0.7 to 0.12.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "plan.h"

#define BUILDPACKS_DIR "/cnb/buildpacks"
#define LAYERS_DIR "/layers"
#define BUILDPACKS_MAX 128
#define GROUP_MAX PLAN_PARTS_MAX

struct buildpack {
	char *id, *version, *name, *homepage;
	char *dir;    /* /cnb/buildpacks/DIR */
	char *folder; /* its name in /layers: the id with '_' for '/' */
	unsigned api; /* the minor number: 10 for 0.10 */
	bool clear_env;
	json_t *files; /* names that make it agree, for people to read */
};

struct group {
	int n;
	struct {
		const struct buildpack *bp;
		bool optional;
	} of[GROUP_MAX];
};

struct buildpacks {
	struct buildpack *v;
	int n;
	struct group *groups;
	int ngroups;
};

int buildpacks_load(struct buildpacks *ret, struct error *err);
void buildpacks_release(struct buildpacks *b);
