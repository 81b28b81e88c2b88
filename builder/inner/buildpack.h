/*
 * buildpack - what buildpacks and image extensions there are, found by id and
 * version in the folder that the platform put them in.
 *
 * DIR/ID/VERSION/buildpack.toml, the id with '_' for '/', as the Platform API
 * has it; the platform's own are DIR/NAME/buildpack.toml. Each is read when
 * it is first asked for. Buildpack API 0.7 to 0.12; what an older or newer
 * one says is not looked at.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "life.h"
#include "plan.h"

#define BUILDPACKS_MAX 512
#define GROUP_MAX PLAN_PARTS_MAX
#define ORDER_GROUPS_MAX 256 /* groups of one order.toml */

struct buildpack {
	char *id, *version, *name, *homepage;
	char *dir;    /* its own folder */
	char *folder; /* its name in the layers' folder: '_' for '/' */
	char *api_text;
	unsigned api; /* the minor number: 10 for 0.10; 0 for none we speak */
	bool clear_env, extension;
	json_t *file; /* all of buildpack.toml or extension.toml */
};

struct buildpacks {
	struct life *life;
	struct buildpack *v[BUILDPACKS_MAX];
	int n;
};

/*
 * The buildpack (or extension) of this id and version; without a version the
 * only one there is. NULL with ERR_NOT_FOUND, or when its file is no good.
 */
struct buildpack *buildpacks_find(struct buildpacks *b, const char *id,
    const char *version, bool extension, struct error *err);
/* Add the buildpack in a folder, found by its id from then on; NULL. */
struct buildpack *buildpacks_load(
    struct buildpacks *b, const char *dir, struct error *err);
/* Do we speak its API? Sets the exit code when not. */
int buildpack_check_api(
    struct life *l, const struct buildpack *bp, struct error *err);
/* The order of a composite buildpack: a list of groups; NULL. */
const json_t *buildpack_order(const struct buildpack *bp);
void buildpacks_release(struct buildpacks *b);

/* Read order.toml: {"order": [{"group": [...]}], "order-extensions": [...]}. */
json_t *order_read(const char *path, struct error *err);
/* A name in the layers' folder for an id: '_' for '/'; NULL if it is none. */
char *buildpack_folder(const char *id);
