/*
 * inputs - what a program of the lifecycle is told: flags before CNB_*
 * variables before defaults, each known from one version of the Platform API
 * on, to some of the programs.
 */
#pragma once
#include "phase.h"

enum input {
	IN_ANALYZED,
	IN_APP,
	IN_BUILD_CONFIG,
	IN_BUILD_IMAGE,
	IN_BUILDPACKS,
	IN_CACHE_DIR,
	IN_CACHE_IMAGE,
	IN_DAEMON,
	IN_EXTENDED,
	IN_EXTENSIONS,
	IN_FORCE,
	IN_GENERATED,
	IN_GID,
	IN_GROUP,
	IN_IMAGE,
	IN_INSECURE,
	IN_LAUNCH_CACHE,
	IN_LAUNCHER,
	IN_LAUNCHER_SBOM,
	IN_LAYERS,
	IN_LAYOUT,
	IN_LAYOUT_DIR,
	IN_LOG_LEVEL,
	IN_NO_COLOR,
	IN_ORDER,
	IN_PARALLEL,
	IN_PLAN,
	IN_PLATFORM,
	IN_PREVIOUS,
	IN_PROCESS_TYPE,
	IN_PROJECT,
	IN_REPORT,
	IN_RUN,
	IN_RUN_IMAGE,
	IN_SKIP_LAYERS,
	IN_SKIP_RESTORE,
	IN_STACK,
	IN_SYSTEM,
	IN_TAG,
	IN_UID,
	INPUTS
};

#define TAGS_MAX 64

struct inputs {
	enum phase phase;
	unsigned api;
	const char *name;     /* of the program */
	char *value[INPUTS];  /* "" for nothing */
	bool given[INPUTS];   /* by a flag */
	char *tags[TAGS_MAX]; /* further names of the image */
	int ntags;
	char **args; /* what stands behind the flags */
	int nargs;
	bool help, version;
};

/* Read flags and variables. ERR_INVALID: wrong ones. */
int inputs_read(struct inputs *in, int argc, char **argv, struct error *err);
void inputs_release(struct inputs *in);
/* Print the flags that the program knows. */
void inputs_help(const struct inputs *in);
bool inputs_true(const struct inputs *in, enum input which);
