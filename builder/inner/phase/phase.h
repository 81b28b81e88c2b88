/*
 * phase - the programs of the Cloud Native Buildpacks lifecycle.
 *
 * One program under seven names (/cnb/lifecycle/analyzer, ...), told apart by
 * argv[0]. Flags, CNB_* variables, files and exit codes are those of the
 * Platform API 0.7 to 0.15. Images are OCI layouts on disk (-layout): inside
 * a build container there is neither a registry nor a daemon.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "inner/life.h"

enum phase {
	ANALYZER,
	DETECTOR,
	RESTORER,
	BUILDER,
	EXPORTER,
	CREATOR,
	REBASER,
	PHASES
};

/* Exit codes of the phases' own. */
enum {
	CODE_DETECT_NONE = 20,   /* no group takes the app */
	CODE_DETECT_BROKEN = 21, /* the same, and a buildpack failed */
	CODE_DETECT = 22,
	CODE_ANALYZE = 32,
	CODE_RESTORE = 42,
	CODE_BUILD_REFUSED = 51, /* a buildpack's bin/build failed */
	CODE_BUILD = 52,
	CODE_EXPORT = 62,
	CODE_REBASE = 72
};

/* Is this the name of one of the programs? */
bool phase_named(const char *argv0);
/* Be that program; returns its exit code. */
int phase_run(int argc, char **argv);
