/*
 * life - what one run of the lifecycle works on: its folders, its API, the
 * target it builds for, and how it speaks.
 *
 * Filled by the platform's own jobs (build, export) with the places of a
 * build container, and by the programs of /cnb/lifecycle from their flags;
 * read by everything between. Owns nothing: the strings are the caller's.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define LIFE_VERSION "1.0.0"
#define API_OLDEST 7 /* Platform and Buildpack API 0.7 */
#define PLATFORM_API_NEWEST 15
#define BUILDPACK_API_NEWEST 12

enum level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR };

/* Exit codes of the Platform API that are no phase's own. */
enum {
	CODE_FAILED = 1,
	CODE_ARGUMENTS = 3,
	CODE_PLATFORM_API = 11,
	CODE_BUILDPACK_API = 12
};

struct target {
	char os[32], arch[32], variant[32];
	char distro[64], distro_version[64];
};

struct life {
	unsigned api; /* the platform API's minor number: 12 for 0.12 */
	bool heroku;  /* the platform's own build: its log, its environment */
	enum level level;
	const char *app, *layers, *platform, *buildpacks, *extensions;
	const char *build_config; /* operator's folder, its env/ below */
	const char *exec_env;     /* production, test, development */
	struct target target;     /* of the run image */
	uid_t uid;                /* of what buildpacks make */
	gid_t gid;
	int code; /* exit code of an error that is none of the phase's own */
};

/* "0.10" -> 10 when it is oldest to newest; 0 otherwise. */
unsigned life_api(const char *text, unsigned newest);

/* The machine's os and architecture, and the distribution of /etc. */
void life_target_here(struct target *ret);

/*
 * A line of the lifecycle's own log, as its programs write it; errors go to
 * standard error. Nothing in a build of the platform's, whose log is say.h.
 */
void life_say(const struct life *l, enum level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with one text, of several lines too. */
void life_say_text(const struct life *l, enum level level, const char *text);

/* Set err and the exit code that it means. Returns -1. */
int life_fail(struct life *l, int code, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
