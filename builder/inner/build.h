/*
 * build - the buildpacks' bin/build, one after the other.
 *
 * Called by the platform's job and by the lifecycle's builder and creator.
 * What buildpacks leave is checked by who reads it after them; here a
 * malformed file ends the build with a text that names it.
 */
#pragma once
#include "buildpack.h"
#include "launcher/env.h"
#include "run.h"

struct building {
	struct life *life;
	struct runner *runner;
	struct buildpacks *all;
	struct env *env;     /* grows with each buildpack's layers */
	const json_t *group; /* as group.toml has it */
	const json_t *extensions;
	json_t *plan;   /* entries; what is met is taken out */
	json_t *about;  /* made: as image.h has it */
	json_t *layers; /* of each buildpack, as layers_collect has it */
	char tmp[32];   /* folder of the plan files */
	/* called after each buildpack, before its layers count; or NULL */
	int (*settle)(void *arg, const struct buildpack *bp,
	    const json_t *layers, struct error *err);
	void *arg;
};

enum built { BUILT, BUILD_REFUSED, BUILD_ERROR }; /* refused: a buildpack's */

/* Run all of the group; on BUILT about is made and metadata.toml written. */
enum built build_group(struct building *b, struct error *err);
/* Write LAYERS/config/metadata.toml. */
int build_write_metadata(
    const struct life *l, const json_t *about, struct error *err);
